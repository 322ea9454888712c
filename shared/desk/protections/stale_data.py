"""Prices that are too old to decide on."""

from __future__ import annotations

from pydantic import Field

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import MS, Breaker, CallsFor, Finding
from shared.desk.state import DeskState, Timebase
from shared.desk.totals import totals


class StaleData(Breaker):
    """Refuses an entry whose price was received more than `limits.max_data_age_ms` ago, or never.

    Idea: a price that nobody confirmed is a guess. Unless it `calls_for` only `refuse`, a price of something held that is older
    than `after_s` stops the desk as well. Units: wall time since the price was received, since what is measured is our line.
    Source: FIA, Best Practices for Automated Trading Risk Controls (2024), market data reasonability.
    """

    clock = Timebase.WALL
    always = True
    place = 40
    refusals = ("stale_data",)
    findings = ("stale_data",)
    calls_for: CallsFor = "refuse"
    after_s: int = Field(default=900, ge=1, le=86_400)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if not intent.is_entry:
            return None
        mark = context.marks.get(intent.instrument.id)
        if mark is None:
            return Refusal("stale_data", f"no price of {intent.instrument.id} yet")
        age_ms = context.now_ms - mark.received_ms
        if age_ms > state.limits.max_data_age_ms:
            return Refusal("stale_data", f"the price is {age_ms} ms old, more than {state.limits.max_data_age_ms}")
        return None

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        oldest_ms = context.now_ms - self.after_s * MS
        for position in totals(state, context).held:
            mark = context.marks.get(position.instrument)
            if mark is None or mark.received_ms < oldest_ms:
                reason = f"no price of {position.instrument}, which is held, for more than {self.after_s} s"
                return Finding(code="stale_data", reason=reason)
        return None
