"""A market that is too thin to enter."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import BPS, Protection
from shared.desk.state import DeskState, Timebase
from shared.model import exact

_HALF = Decimal("0.5")


class SpreadTooWide(Protection):
    """Refuses an entry while the ask is more than `max_bps` of the middle above the bid.

    Idea: the spread is paid on the way in and again on the way out. Units: basis points of the middle of bid and ask. A quote older
    than `limits.max_data_age_ms` (wall time) is no quote; without one an entry passes, unless `require_quote`.
    Source: quoted spread as the cost of a round trip, H. Demsetz, The Cost of Transacting (1968).
    """

    clock = Timebase.WALL
    refusals = ("spread_too_wide", "no_quote")
    max_bps: int = Field(default=50, ge=1, le=10_000)
    require_quote: bool = False

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if not intent.is_entry:
            return None
        mark = context.marks.get(intent.instrument.id)
        fresh = mark is not None and context.now_ms - mark.received_ms <= state.limits.max_data_age_ms
        if mark is None or not fresh or mark.bid is None or mark.ask is None:
            missing = f"no fresh quote of {intent.instrument.id}"
            return Refusal("no_quote", missing) if self.require_quote else None
        middle = exact.multiply(exact.add(mark.bid, mark.ask), _HALF)
        spread = exact.subtract(mark.ask, mark.bid)
        if exact.multiply(spread, BPS) <= exact.multiply(middle, Decimal(self.max_bps)):
            return None
        return Refusal(
            "spread_too_wide", f"{exact.text(mark.bid)} to {exact.text(mark.ask)} is above {self.max_bps} bps"
        )
