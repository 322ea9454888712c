"""Too many orders in too short a time."""

from __future__ import annotations

from bisect import bisect_right

from pydantic import Field

from shared.desk.apply import RATE_WINDOW_MS
from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import MOST_S, MS, Breaker, CallsFor, Finding
from shared.desk.state import DeskState, Timebase


class OrderRate(Breaker):
    """Refuses an entry when `limits.max_orders_per_minute` orders were intended within the last minute; exits count too.

    Idea: a loop that runs wild is stopped before it has cost much. Unless it `calls_for` only `refuse`, reaching the limit stops
    the desk for `for_s`. Units: orders in 60 s of wall time, since it is our own machine that is watched.
    Source: order throttles, SEC rule 15c3-5 and MiFID II RTS 6 article 15.
    """

    clock = Timebase.WALL
    always = True
    place = 220
    refusals = ("order_rate",)
    findings = ("order_rate",)
    calls_for: CallsFor = "refuse"
    for_s: int = Field(default=300, ge=0, le=MOST_S)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if not intent.is_entry:
            return None
        recent = self._recent(state, context)
        if recent < state.limits.max_orders_per_minute:
            return None
        return Refusal("order_rate", f"{recent} orders in the last minute")

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        recent = self._recent(state, context)
        if recent < state.limits.max_orders_per_minute:
            return None
        until_ms = state.recent_order_ms[-1] + self.for_s * MS if self.for_s else None
        return Finding(code="order_rate", reason=f"{recent} orders in the last minute", until_ms=until_ms)

    @staticmethod
    def _recent(state: DeskState, context: Context) -> int:
        # the log's time never runs backwards
        return len(state.recent_order_ms) - bisect_right(state.recent_order_ms, context.now_ms - RATE_WINDOW_MS)
