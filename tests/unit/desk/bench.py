"""A desk on native ports with a daily market, and short ways to speak to it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from shared.clock import FixedClock
from shared.desk.shell import Desk
from shared.model import ids
from shared.venues.paper import PaperVenue
from tests.unit.desk.native_sql import NativeAlarm, NativeD1, NativeSql

DAY = 86_400_000
T0 = 1_104_537_600_000
NOW = 1_700_000_000_000
LIMITS: dict[str, Any] = {
    "risk_per_trade_bps": 100,
    "max_order_notional": "50000",
    "max_symbol_notional": "60000",
    "max_total_notional": "90000",
    "max_open_positions": 3,
    "max_orders_per_minute": 1000,
    "max_data_age_ms": 60_000,
    "max_signal_age_bars": 1,
}
PAPER: dict[str, Any] = {"fee_bps": "10", "slippage_bps": "5", "volume_share_bps": 1000}
PARAMS = "c" * 32


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def instrument(symbol: str, **changes: Any) -> dict[str, Any]:
    body = {
        "venue": "us",
        "symbol": symbol,
        "base": symbol,
        "quote": "USD",
        "settle": "USD",
        "tick": "0.01",
        "lot": "1",
        "min_qty": "1",
        "min_notional": "10",
        "multiplier": "1",
        "listed_ms": 0,
    }
    return {**body, **changes}


def opening(*symbols: str, **changes: Any) -> dict[str, Any]:
    body = {
        "desk": "alpha",
        "mode": "paper",
        "venue": "us",
        "interval_ms": DAY,
        "currency": "USD",
        "cash": "100000",
        "limits": LIMITS,
        "paper": PAPER,
        "instruments": [instrument(symbol) for symbol in symbols or ("AAA", "BBB", "CCC", "DDD")],
    }
    return {**body, **changes}


def candle(
    symbol: str, day: int, open_: str, high: str = "", low: str = "", close: str = "", volume: str = "1000000"
) -> dict[str, Any]:
    prices = [float(price) for price in (open_, close or open_)]
    return {
        "instrument": f"us:{symbol}",
        "interval": "1d",
        "open_time_ms": T0 + day * DAY,
        "open": open_,
        "high": high or str(max(prices)),
        "low": low or str(min(prices)),
        "close": close or open_,
        "volume": volume,
    }


def proposal(symbol: str, day: int, price: str, **changes: Any) -> dict[str, Any]:
    """An entry made at the close of bar number `day`."""
    body = {
        "signal_id": ids.digest(symbol, day, changes.get("action", "enter")),
        "strategy": "sma_cross",
        "version": 1,
        "params": PARAMS,
        "instrument": f"us:{symbol}",
        "bar_close_ms": T0 + (day + 1) * DAY,
        "action": "enter",
        "side": "buy",
        "price": price,
        "stop_distance": "5",
        "target_distance": None,
        "attempt": 1,
        "reason": "crossed",
    }
    return {**body, **changes}


def quote(symbol: str, bid: str, ask: str, ts_ms: int, received_ms: int = NOW, seq: int = 1) -> dict[str, Any]:
    return {
        "instrument": f"us:{symbol}",
        "bid": bid,
        "ask": ask,
        "bid_qty": "100",
        "ask_qty": "100",
        "ts_ms": ts_ms,
        "received_ms": received_ms,
        "seq": seq,
    }


class Bench:
    """`desk` is the living shell; `reborn()` drops it and wakes another on the same file, as after an eviction.

    `shell` goes to the shell, `changes` into what it is opened with; `remote` is the venue of a desk that is not on paper.
    """

    def __init__(
        self,
        path: str | Path = ":memory:",
        venue: Callable[[NativeSql], Any] = PaperVenue,
        opened: bool = True,
        shell: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        self._path = path
        self._shell = dict(shell or {})
        self._venue_of = venue
        self._keys = itertools.count(1)
        self.remote: Any = None
        self.clock = FixedClock(NOW)
        self.alarm = NativeAlarm()
        self.d1 = NativeD1()
        self.sql = NativeSql(path)
        self._make()
        if opened:
            run(self.desk.open(opening(**changes)))
            # as the alarm does at once: nothing is entered before ledger and venue were compared
            run(self.desk.engine.looking.look())

    def _make(self) -> None:
        self.venue = self._venue_of(self.sql)
        tokens = (f"token-{n}" for n in self._keys)
        ports = (self.sql, self.alarm, self.d1, self.clock, self.venue)
        self.desk = Desk(*ports, token=lambda: next(tokens), **self._shell)

    def reborn(self) -> Bench:
        if str(self._path) != ":memory:":
            self.sql.close()
            self.sql = NativeSql(self._path)
        self._make()
        return self

    @property
    def state(self) -> Any:
        return self.desk.engine.ready()

    def call(self, method: str, **body: Any) -> dict[str, Any]:
        target = self.desk if hasattr(self.desk, method) else self.desk.read
        found: dict[str, Any] = run(getattr(target, method)(body))
        return found

    def bars(self, *candles: dict[str, Any]) -> dict[str, Any]:
        return self.call("bars", candles=list(candles))

    def propose(self, *proposals: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("propose", proposals=list(proposals))["results"]
        return found

    def place(self, symbol: str, side: str, qty: str, key: str = "", **order: Any) -> dict[str, Any]:
        ticket = {"instrument": f"us:{symbol}", "side": side, "kind": "market", "qty": qty, **order}
        key = key or f"k{next(self._keys)}"
        found: dict[str, Any] = self.call("place", order=ticket, by="edk_test", idempotency_key=key)["order"]
        return found

    def order(self, client_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("order", client_id=client_id)["order"]
        return found

    def fire(self) -> None:
        run(self.desk.engine.fire())

    def kinds(self) -> list[str]:
        return [kind for (kind,) in self.sql.rows("SELECT kind FROM events ORDER BY seq")]

    def held(self, symbol: str = "AAA", day: int = 0, price: str = "100", qty: str = "10", **order: Any) -> None:
        """Buys by hand and lets the next bar fill it; afterwards the newest bar is number `day + 1`."""
        self.bars(candle(symbol, day, price))
        self.place(symbol, "buy", qty, **order)
        self.bars(candle(symbol, day + 1, price))
