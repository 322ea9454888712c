"""The market's side of the desk: prices come in, paper fills and crossed levels come out of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from shared import log
from shared.desk import bodies, commands, exits, following
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.engine import Engine
from shared.desk.levels import levels
from shared.errors import Invalid
from shared.model import Quote

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
            fills += await following.close(engine, list(bars))
        await engine.settle()
        return {"fills": fills, "market_ms": engine.market.market_ms}

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
        await following.follow(self.engine, triggers)
        await following.review(self.engine)
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
        found = await following.follow(engine, [command])
        client_id = next((e.order.client_id for e in found if isinstance(e, ev.OrderIntended)), None)
        outcome = "intended" if client_id else refusal.code if refusal else "exit_pending"
        return {"outcome": outcome, "client_id": client_id, **self._levels()}

    def _take_quote(self, quote: Quote) -> bool:
        """Whether the quote's time can be true."""
        believed = self.engine.market.on_quote(quote, self.engine.now_ms)
        if not believed:
            _log.warning("quote_ignored", extra={"instrument": quote.instrument, "ts_ms": quote.ts_ms})
        return believed

    def _levels(self) -> Wire:
        return {"levels": [level.wire() for level in levels(self.engine.ready())]}
