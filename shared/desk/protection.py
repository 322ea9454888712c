"""What a protection is: its settings, and pure rules that may refuse one order, cap its size, or stop the desk's entries.

A protection is one file in `shared/desk/protections`, found by its name; adding one touches no other file but its test.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.state import DeskState, Timebase
from shared.desk.totals import totals
from shared.model import Instrument, Model

CallsFor = Literal["refuse", "reducing", "halted"]
OnHalt = Literal["cancel", "flatten"]
MOST_S = 31 * 86_400
MS = 1000
BPS = Decimal(10_000)
MIDDLE = 100
"""Where in the line of the gates a protection stands that does not say: after what an order is, before what it may cost."""


class Finding(NamedTuple):
    """What speaks against new risk. `until_ms`, on the protection's clock: over by itself; None: while it can be found."""

    code: str
    reason: str
    until_ms: int | None = None


class Room(NamedTuple):
    """What a market entry may still be worth, in quote, and the code of what bounds it."""

    code: str
    notional: Decimal


class Protection(Model):
    """The fields are the settings. `always` ones act with their defaults where the desk does not name them.

    `clock` is the one that its windows and times count on. `place` orders the gates; what `sized` ones answer depends on the
    quantity. `refusals` and `findings` are the codes that it can give.
    """

    name: ClassVar[str] = ""
    clock: ClassVar[Timebase] = Timebase.MARKET
    always: ClassVar[bool] = False
    place: ClassVar[int] = MIDDLE
    sized: ClassVar[bool] = False
    refusals: ClassVar[tuple[str, ...]] = ()
    findings: ClassVar[tuple[str, ...]] = ()

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        """Why this order may not be; None where nothing speaks against it."""
        return None

    def rooms(self, state: DeskState, instrument: Instrument, context: Context) -> Iterable[Room]:
        """What bounds the size of a market entry into the instrument."""
        return ()

    @property
    def can_refuse(self) -> bool:
        return bool(self.refusals)

    @classmethod
    def now_ms(cls, state: DeskState, context: Context) -> int:
        """The time on the protection's clock."""
        return context.now_ms if cls.clock is Timebase.WALL else totals(state, context).market_ms


class Breaker(Protection):
    """A protection that can stop all entries: it refuses each (`refuse`), or has the desk reduce or halt.

    `for_s` is for how long at least: 0 while the cause lasts, and under a halt until somebody resumes. A halt counts it in wall
    time, since it is a person who waits. `on_halt`: what is open is cancelled, and with `flatten` what is held is sold too.
    """

    marks_equity: ClassVar[bool] = False
    calls_for: CallsFor = "reducing"
    for_s: int = Field(default=0, ge=0, le=MOST_S)
    on_halt: OnHalt = "cancel"

    @property
    def can_refuse(self) -> bool:
        return bool(self.refusals) or self.calls_for == "refuse"

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        """What speaks against new risk now; None when nothing does."""
        raise NotImplementedError

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if self.calls_for != "refuse" or not intent.is_entry:
            return None
        found = self.finds(state, context)
        return None if found is None else Refusal(found.code, found.reason)

    def until_ms(self, found: Finding, state: DeskState, context: Context) -> int | None:
        """When a reduction for it may end at the earliest; None: as soon as its cause is gone."""
        if found.until_ms is not None or not self.for_s:
            return found.until_ms
        return self.now_ms(state, context) + self.for_s * MS
