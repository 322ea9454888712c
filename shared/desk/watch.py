"""The market's side of the desk: prices come in, paper fills and crossed levels come out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.desk import bodies, commands, trading
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.engine import Engine
from shared.desk.levels import crossed, levels
from shared.desk.state import DeskState
from shared.errors import Invalid
from shared.model import Candle, LevelKind, Side

Body = Mapping[str, Any]
Wire = dict[str, Any]


class Watch:
    """The methods that bring prices. What they lead to is decided by the same rules as everything else."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def bars(self, body: Body) -> Wire:
        """`{fills, market_ms}`: closed bars go to the venue first, then its reports are booked, then levels are looked at."""
        asked = bodies.BarsBody.read(body)
        engine = self.engine
        state = engine.ready()
        known = [bar for bar in asked.candles if bar.instrument in state.instruments]
        fresh = engine.market.fresh(known)
        fills = 0
        if fresh:
            # should this break off half-way, the venue is asked about every order that was open
            added = state.orders.keys() - engine.effects.suspects
            engine.effects.suspects |= added
            reports = engine.venue.on_bars(fresh)
            engine.market.on_bars(fresh, engine.now_ms)
            fills = sum(engine.book(report) for report in reports)
            engine.effects.suspects -= added
            self._watch_bars(fresh)
        await engine.settle()
        return {"fills": fills, "market_ms": engine.market.market_ms}

    async def heartbeat(self, body: Body) -> Wire:
        """`{levels}`; a quote that has crossed one is followed at once, should its trigger have been lost."""
        asked = bodies.HeartbeatBody.read(body)
        engine = self.engine
        state = engine.ready()
        quotes = [quote for quote in asked.quotes if quote.instrument in state.instruments]
        for quote in quotes:
            engine.market.on_quote(quote, engine.now_ms)
        engine.market.store_if_due(engine.now_ms)
        by_name = {quote.instrument: quote for quote in quotes}
        triggers = [
            commands.Trigger.by_quote(level, by_name[level.instrument])
            for level in levels(state)
            if level.instrument in by_name and level.crossed_by(by_name[level.instrument])
        ]
        await self._follow(triggers)
        return self._levels()

    async def trigger(self, body: Body) -> Wire:
        """`outcome` is `intended`, or why not: `stale_level`, `stale_data`, `not_crossed`."""
        asked = bodies.TriggerBody.read(body)
        if asked.level.instrument != asked.quote.instrument:
            raise Invalid.field("quote.instrument", asked.quote.instrument, f"is not {asked.level.instrument}")
        engine = self.engine
        state = engine.ready()
        if asked.quote.instrument in state.instruments:
            engine.market.on_quote(asked.quote, engine.now_ms)
        command = commands.Trigger.by_quote(asked.level, asked.quote)
        draft = engine.session.draft(engine.now_ms)
        found = draft.decide(command)
        client_id = next((e.order.client_id for e in found if isinstance(e, ev.OrderIntended)), None)
        outcome = "intended" if client_id else self._why_not(state, command)
        engine.commit(draft)
        await engine.settle()
        return {"outcome": outcome, "client_id": client_id, **self._levels()}

    async def _follow(self, triggers: Sequence[commands.Trigger]) -> None:
        if not triggers:
            return
        draft = self.engine.session.draft(self.engine.now_ms)
        for command in triggers:
            draft.decide(command)
        self.engine.commit(draft)
        await self.engine.settle()

    def _watch_bars(self, bars: Sequence[Candle]) -> None:
        """The second line behind the Book: a level inside a closed bar's range was crossed, the stop before the target."""
        state = self.engine.ready()
        now_ms = self.engine.now_ms
        newest = {bar.instrument: bar for bar in bars}
        draft = self.engine.session.draft(now_ms)
        for level in levels(state):
            bar = newest.get(level.instrument)
            if bar is None:
                continue
            low_matters = (level.side is Side.SELL) == (level.kind is LevelKind.STOP)
            price = bar.low if low_matters else bar.high
            if crossed(level, price):
                draft.decide(commands.Trigger(level, price, bar.close_time_ms, now_ms))
        self.engine.commit(draft)

    def _why_not(self, state: DeskState, command: commands.Trigger) -> str:
        context = Context(now_ms=self.engine.now_ms, marks=self.engine.market.marks)
        refusal = trading.trigger_refusal(state, command, context)
        return refusal.code if refusal else "stale_level"

    def _levels(self) -> Wire:
        return {"levels": [level.wire() for level in levels(self.engine.ready())]}
