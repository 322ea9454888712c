"""The market's side of the desk: prices come in, paper fills and crossed levels come out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from shared import log
from shared.desk import bodies, commands, exits
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.engine import Engine
from shared.desk.levels import crossed, levels
from shared.errors import Invalid
from shared.model import Candle, LevelKind, Quote, Side

Body = Mapping[str, Any]
Wire = dict[str, Any]
_log = log.get("desk.watch")


class Watch:
    """The methods that bring prices. What they lead to is decided by the same rules as everything else."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def bars(self, body: Body) -> Wire:
        """`{fills, market_ms}`. One close after the other, so that what a bar leads to is at the venue before the next bar."""
        asked = bodies.BarsBody.read(body)
        engine = self.engine
        state = engine.ready()
        for bar in asked.candles:
            if bar.interval.ms != state.interval_ms:
                raise Invalid.field("candles.interval", bar.interval.value, f"is not of {state.interval_ms} ms")
        if asked.candles:
            engine.deadman.beat("data")
        known = [bar for bar in asked.candles if bar.instrument in state.instruments]
        known.sort(key=lambda bar: bar.close_time_ms)
        fills = 0
        for _, bars in groupby(known, key=lambda bar: bar.close_time_ms):
            # what another delivery brought while this one waited is not taken again
            fresh = engine.market.fresh(list(bars))
            if fresh:
                fills += self._take(fresh)
                await self._follow(self._triggers(fresh))
                await self._review()
                # last: bars that a crash cut short are looked at again when they come again
                engine.market.store(engine.now_ms)
        await engine.settle()
        return {"fills": fills, "market_ms": engine.market.market_ms}

    def _take(self, bars: list[Candle]) -> int:
        """Bars of one close go to the venue, then its reports are booked; how many fills were new."""
        engine = self.engine
        # should this break off half-way, the venue is asked about every order that was open
        added = engine.ready().orders.keys() - engine.effects.suspects
        engine.effects.suspects |= added
        reports = engine.venue.on_bars(bars)
        engine.market.on_bars(bars, engine.now_ms)
        fills = sum(engine.book(report) for report in reports)
        engine.effects.suspects -= added
        return fills

    async def heartbeat(self, body: Body) -> Wire:
        """`{levels}`; a quote that has crossed one is followed at once, should its trigger have been lost."""
        asked = bodies.HeartbeatBody.read(body)
        engine = self.engine
        state = engine.ready()
        if asked.quotes:
            engine.deadman.beat("data")
        known = [quote for quote in asked.quotes if quote.instrument in state.instruments]
        by_name = {quote.instrument: quote for quote in known if self._take_quote(quote)}
        engine.market.store_if_due(engine.now_ms)
        triggers = [
            commands.Trigger.by_quote(level, by_name[level.instrument])
            for level in levels(state)
            if level.instrument in by_name and level.crossed_by(by_name[level.instrument])
        ]
        await self._follow(triggers)
        await self._review()
        return self._levels()

    async def trigger(self, body: Body) -> Wire:
        """`outcome` is `intended`, or why not: `stale_level`, `stale_data`, `not_crossed`, `exit_rejected`, `left_to_venue`,
        `exit_pending`."""
        asked = bodies.TriggerBody.read(body)
        if asked.level.instrument != asked.quote.instrument:
            raise Invalid.field("quote.instrument", asked.quote.instrument, f"is not {asked.level.instrument}")
        engine = self.engine
        state = engine.ready()
        if asked.quote.instrument in state.instruments and not self._take_quote(asked.quote):
            return {"outcome": "stale_data", "client_id": None, **self._levels()}
        command = commands.Trigger.by_quote(asked.level, asked.quote)
        context = Context(now_ms=engine.now_ms, marks=engine.market.marks)
        refusal = exits.trigger_refusal(state, command, context)
        found = await self._follow([command])
        client_id = next((e.order.client_id for e in found if isinstance(e, ev.OrderIntended)), None)
        outcome = "intended" if client_id else refusal.code if refusal else "exit_pending"
        return {"outcome": outcome, "client_id": client_id, **self._levels()}

    def _take_quote(self, quote: Quote) -> bool:
        """Whether the quote's time can be true."""
        believed = self.engine.market.on_quote(quote, self.engine.now_ms)
        if not believed:
            _log.warning("quote_ignored", extra={"instrument": quote.instrument, "ts_ms": quote.ts_ms})
        return believed

    async def _follow(self, triggers: Sequence[commands.Trigger]) -> list[ev.Event]:
        """What came of them. What only cleared the way is decided once more when the venue has answered."""
        events: list[ev.Event] = []
        for _ in range(2):
            if not triggers:
                break
            draft = self.engine.session.draft(self.engine.now_ms)
            decided = [(command, draft.decide(command)) for command in triggers]
            self.engine.commit(draft)
            # what is left to the venue may have been filled there by now
            left = {e.client_id for _, found in decided for e in found if isinstance(e, ev.LevelAwaited)}
            self.engine.effects.suspects |= left
            await self.engine.settle()
            events += [event for _, found in decided for event in found]
            triggers = [command for command, found in decided if exits.is_undecided(found)]
        return events

    async def _review(self) -> None:
        """Prices moved: trailing stops, guards, protections and times that are over follow."""
        draft = self.engine.session.draft(self.engine.now_ms)
        draft.decide(commands.Review())
        if draft.lines:
            self.engine.commit(draft)
            await self.engine.settle()

    def _triggers(self, bars: Sequence[Candle]) -> list[commands.Trigger]:
        """The second line behind the Book: a level inside a closed bar's range was crossed, the stop before the target."""
        by_name = {bar.instrument: bar for bar in bars}
        found = []
        for level in levels(self.engine.ready()):
            bar = by_name.get(level.instrument)
            if bar is None:
                continue
            low_matters = (level.side is Side.SELL) == (level.kind is LevelKind.STOP)
            price = bar.low if low_matters else bar.high
            if crossed(level, price):
                found.append(commands.Trigger(level, price, bar.close_time_ms, self.engine.now_ms))
        return found

    def _levels(self) -> Wire:
        return {"levels": [level.wire() for level in levels(self.engine.ready())]}
