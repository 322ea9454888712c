"""The newest prices the desk knows, in memory and in one packed row: an object that wakes still knows what things cost.

A price is stored at every bar and otherwise every ten seconds at most, since a row a heartbeat and symbol would cost more than
all the rest of the desk. Prices are not events.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from pydantic import TypeAdapter, ValidationError

from shared import log
from shared.desk import ledger
from shared.desk.context import Mark
from shared.model import Candle, Quote, exact
from shared.ports import Sql

STORE_EVERY_MS = 10_000
AHEAD_BARS = 400
AHEAD_MS = 31 * 86_400_000
_HALF = Decimal("0.5")
_MARKS = TypeAdapter(dict[str, Mark])
_log = log.get("desk.market")


class Market:
    """`market_ms` is the close of the newest bar of any instrument and never runs backwards; `step_ms` the length of a bar."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._stored_ms = 0
        self.marks: dict[str, Mark] = {}
        self.market_ms = 0
        self.step_ms = 0
        # no mark is of a later market time than this, but one of a bar, which is of `market_ms` at most
        self._latest_ms = 0

    def load(self) -> None:
        """A price that cannot be read is forgotten: the next one replaces it."""
        found = self._sql.rows("SELECT body FROM marks WHERE id = 1")
        self.marks = _read(found[0][0]) if found else {}
        self.market_ms = max((mark.bar_close_ms for mark in self.marks.values()), default=0)
        self._latest_ms = self._newest_ms()

    def believes(self, ts_ms: int) -> bool:
        """Whether a quote may be of that time: one from far beyond the newest bar would stand against every price to come."""
        most_ms = max(AHEAD_MS, AHEAD_BARS * self.step_ms)
        return not self.market_ms or ts_ms - self.market_ms <= most_ms

    def fresh(self, candles: Sequence[Candle]) -> list[Candle]:
        """Those that close after the newest bar known of their instrument."""
        return [bar for bar in candles if bar.close_time_ms > self._bar_close_ms(bar.instrument)]

    def on_bars(self, candles: Sequence[Candle], now_ms: int) -> None:
        """Marks every instrument at its newest close; what was told before the first bar of an impossible time is forgotten."""
        self.market_ms = max([self.market_ms, *(bar.close_time_ms for bar in candles)])
        if not self.believes(self._latest_ms):
            self._forget()
        for bar in candles:
            self.on_close(bar.instrument, bar.close, bar.close_time_ms, now_ms)

    def on_close(self, instrument: str, close: Decimal, close_ms: int, now_ms: int) -> None:
        """The close of one bar, unless a later one is known."""
        before = self.marks.get(instrument)
        if before is not None and close_ms <= before.bar_close_ms:
            return
        if before is not None and before.market_ms > close_ms:
            # a quote told of a later moment: the price stays, the bar is noted
            mark = before.model_copy(update={"bar_close_ms": close_ms, "before": close})
        else:
            mark = Mark(
                price=close, market_ms=close_ms, received_ms=now_ms, bar_close_ms=close_ms, before=_last_close(before)
            )
        self.marks[instrument] = mark

    def _forget(self) -> None:
        for name in [name for name, mark in self.marks.items() if not self.believes(mark.market_ms)]:
            del self.marks[name]
        self._latest_ms = self._newest_ms()

    def _newest_ms(self) -> int:
        return max((mark.market_ms for mark in self.marks.values()), default=0)

    def on_quote(self, quote: Quote, now_ms: int) -> bool:
        """Marks at the middle of bid and ask, which stand until the next bar, unless the quote is older than the mark.

        False for one of an impossible time.
        """
        if not self.believes(quote.ts_ms):
            return False
        before = self.marks.get(quote.instrument)
        if before is not None and quote.ts_ms < before.market_ms:
            return True
        self._latest_ms = max(self._latest_ms, quote.ts_ms)
        self.marks[quote.instrument] = Mark(
            # the middle of two prices may have one place more than they
            price=ledger.to_places(exact.multiply(exact.add(quote.bid, quote.ask), _HALF)),
            market_ms=quote.ts_ms,
            # a clock that runs ahead elsewhere must not make a price look fresh for longer
            received_ms=min(quote.received_ms, now_ms),
            bar_close_ms=before.bar_close_ms if before else 0,
            bid=quote.bid,
            ask=quote.ask,
            before=_last_close(before),
        )
        return True

    def store_if_due(self, now_ms: int) -> None:
        if now_ms - self._stored_ms >= STORE_EVERY_MS:
            self.store(now_ms)

    def store(self, now_ms: int) -> None:
        body = _MARKS.dump_json(self.marks).decode()
        self._sql.rows("INSERT OR REPLACE INTO marks (id, body) VALUES (1, ?)", body)
        self._stored_ms = now_ms

    def _bar_close_ms(self, instrument: str) -> int:
        mark = self.marks.get(instrument)
        return mark.bar_close_ms if mark else 0


def _last_close(mark: Mark | None) -> Decimal | None:
    """The newest bar's close as far as the mark knows: its price, or what stands behind the price of a quote."""
    if mark is None or not mark.bar_close_ms:
        return None
    return mark.price if mark.bid is None else mark.before


def _read(body: str) -> dict[str, Mark]:
    try:
        return _MARKS.validate_json(body)
    except ValidationError:
        return _readable(body)


def _readable(body: str) -> dict[str, Mark]:
    """One by one: an unreadable price takes no other with it."""
    found = {}
    for name, value in json.loads(body).items():
        try:
            found[name] = Mark.model_validate_json(json.dumps(value))
        except ValidationError:
            _log.error("mark_unreadable", extra={"instrument": name})
    return found
