"""What new prices lead to: fills on paper, levels crossed, and a review; one close after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from shared.desk import commands, exits
from shared.desk import events as ev
from shared.desk.course import Course
from shared.desk.effects import Effects
from shared.desk.levels import crossed, levels
from shared.desk.market import Market
from shared.desk.state import DeskState
from shared.model import Candle, LevelKind, Side
from shared.venues.venue import OrderReport

D = TypeVar("D", bound=Course)
D_co = TypeVar("D_co", bound=Course, covariant=True)


class Drafts(Protocol[D_co]):
    def draft(self, now_ms: int) -> D_co:
        """Decisions on the present state."""


class Bars(Protocol):
    def on_bars(self, candles: list[Candle]) -> list[OrderReport]:
        """What the bars fill on paper."""


class Works(Protocol[D]):
    """A desk's working parts, as far as deciding and settling need them: the engine over storage, or one in memory."""

    market: Market
    effects: Effects

    @property
    def now_ms(self) -> int: ...

    @property
    def session(self) -> Drafts[D]: ...

    @property
    def venue(self) -> Bars: ...

    def ready(self) -> DeskState: ...

    def commit(self, draft: D) -> None: ...

    def book(self, report: OrderReport) -> int: ...

    async def settle(self) -> bool: ...


async def close(works: Works[D], bars: list[Candle]) -> int:
    """Bars of one close; how many fills were new. What another delivery brought in the meantime is not taken again."""
    fresh = works.market.fresh(bars)
    if not fresh:
        return 0
    fills = _take(works, fresh)
    await follow(works, triggers(works.ready(), fresh, works.now_ms))
    await review(works)
    # last: bars that a crash cut short are looked at again when they come again
    works.market.store(works.now_ms)
    return fills


def _take(works: Works[D], bars: list[Candle]) -> int:
    """To the venue, whose reports are booked."""
    effects = works.effects
    # should this break off half-way, the venue is asked about every order that was open
    added = works.ready().orders.keys() - effects.suspects
    effects.suspects |= added
    reports = works.venue.on_bars(bars)
    works.market.on_bars(bars, works.now_ms)
    fills = sum(works.book(report) for report in reports)
    effects.suspects -= added
    return fills


async def follow(works: Works[D], told: Sequence[commands.Trigger]) -> list[ev.Event]:
    """What came of the triggers. What only cleared the way is decided once more when the venue has answered."""
    events: list[ev.Event] = []
    for _ in range(2):
        if not told:
            break
        draft = works.session.draft(works.now_ms)
        decided = [(command, draft.decide(command)) for command in told]
        works.commit(draft)
        # what is left to the venue may have been filled there by now
        left = {e.client_id for _, found in decided for e in found if isinstance(e, ev.LevelAwaited)}
        works.effects.suspects |= left
        await works.settle()
        events += [event for _, found in decided for event in found]
        told = [command for command, found in decided if exits.is_undecided(found)]
    return events


async def review(works: Works[D]) -> None:
    """Prices moved: trailing stops, guards, protections and times that are over follow."""
    draft = works.session.draft(works.now_ms)
    draft.decide(commands.Review())
    if draft.events:
        works.commit(draft)
        await works.settle()


def triggers(state: DeskState, bars: Sequence[Candle], now_ms: int) -> list[commands.Trigger]:
    """The second line behind the Book: a level inside a closed bar's range was crossed, the stop before the target."""
    by_name = {bar.instrument: bar for bar in bars}
    found = []
    for level in levels(state):
        bar = by_name.get(level.instrument)
        if bar is None:
            continue
        low_matters = (level.side is Side.SELL) == (level.kind is LevelKind.STOP)
        price = bar.low if low_matters else bar.high
        if crossed(level, price):
            found.append(commands.Trigger(level, price, bar.close_time_ms, now_ms))
    return found
