"""A pause for an instrument that was just left."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import MOST_S, MS, Protection
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.model import exact


class Cooldown(Protection):
    """Refuses to enter an instrument again within `for_s` of the end of its last round trip.

    Idea: the signal that was just left must not be bought back at once. `after` says whether only a `loss` calls for the pause.
    Units: seconds of market time. Locks one instrument and never the desk.
    Source: freqtrade's CooldownPeriod.
    """

    refusals = ("cooldown",)
    for_s: int = Field(default=3600, ge=1, le=MOST_S)
    after: Literal["any", "loss"] = "any"

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if not intent.is_entry:
            return None
        name = intent.instrument.id
        last = next((trade for trade in reversed(state.trades) if trade.instrument == name), None)
        if last is None or (self.after == "loss" and last.net >= exact.ZERO):
            return None
        since_ms = totals(state, context).market_ms_of(name) - last.closed_ms
        if since_ms >= self.for_s * MS:
            return None
        return Refusal("cooldown", f"{name} was left {since_ms} ms ago, less than {self.for_s} s")
