"""One round trip of the desk, flat to flat."""

from __future__ import annotations

from shared.model import exact
from shared.model.base import Model
from shared.model.entry import Entry
from shared.model.exact import Exact
from shared.model.instrument import symbol_of
from shared.model.order import Cause
from shared.model.outcome import MAX_R, Outcome


class Trade(Model):
    """`net` is quote profit after fees in the quote asset, `cost` what went in; times are market time, `seq` is the event that
    ended it and `cause` that of its order. `entry` is None where nobody can tell who opened the position."""

    instrument: str
    opened_ms: int
    closed_ms: int
    net: Exact
    cost: Exact
    cause: Cause
    seq: int = 0
    entry: Entry | None = None

    def outcome(self) -> Outcome | None:
        """What it teaches the strategy that bought, however it was left; None where a person had a hand in the buying, or the
        risk is not known."""
        entry = self.entry
        if entry is None or not entry.proposed or not entry.risk:
            return None
        r = float(exact.divide(self.net, entry.risk))
        return Outcome(
            strategy=entry.by,
            symbol=symbol_of(self.instrument),
            r=max(-MAX_R, min(MAX_R, r)),
            closed_ms=self.closed_ms,
            opened_ms=self.opened_ms,
            id=entry.client_id,
        )
