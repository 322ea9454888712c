"""A desk of its own for a test: opened directly, fed with bars that the test makes up, asked over the API or by RPC."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from shared.model import ids
from tests.system import System

PROBE = Path(__file__).parent / "probe" / "wrangler.toml"
DAY_MS = 86_400_000
FIRST_DAY_MS = 1_104_537_600_000  # 2005-01-01
LIMITS: dict[str, Any] = {
    "risk_per_trade_bps": 100,
    "max_order_notional": "50000",
    "max_symbol_notional": "60000",
    "max_total_notional": "90000",
    "max_open_positions": 3,
    "max_orders_per_minute": 1000,
    "max_data_age_ms": 600_000,
    "max_signal_age_bars": 1,
}
PAPER = {"fee_bps": "10", "slippage_bps": "5", "volume_share_bps": 1000}


class RpcFailed(AssertionError):
    """The peer answered an error; `code` is its code."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['detail']}")
        self.code = error["code"]


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def rpc(system: System, kind: str, name: str, method: str, body: dict[str, Any]) -> Any:
    """The value of a method of the brain, of a desk or of a book; `RpcFailed` for an error that came as a value."""
    reply = system.stack.fetch(
        "probe", f"/{kind}/{quote(name, safe='')}/{method}", "POST", body=json.dumps(body).encode()
    )
    assert reply.status == httpx.codes.OK, reply.body.decode()
    envelope = json.loads(reply.body)
    if not envelope["ok"]:
        raise RpcFailed(envelope["error"])
    return envelope["value"]


def instrument(symbol: str) -> dict[str, Any]:
    names = {"venue": "us", "symbol": symbol, "base": symbol, "quote": "USD", "settle": "USD"}
    steps = {"tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "10", "multiplier": "1", "listed_ms": 0}
    return names | steps


class Account:
    """Desk `name` with instruments us:AAA and us:BBB, on days that only this test knows."""

    def __init__(
        self,
        system: System,
        name: str,
        *,
        cash: str = "100000",
        limits: dict[str, Any] | None = None,
        protections: dict[str, Any] | None = None,
    ) -> None:
        self.system = system
        self.name = name
        self.cash = cash
        self.day = 0
        self._numbers = itertools.count(1)
        self.rpc(
            "open",
            desk=name,
            mode="paper",
            venue="us",
            interval_ms=DAY_MS,
            currency="USD",
            cash=cash,
            limits=LIMITS | (limits or {}),
            paper=PAPER,
            protections=protections or {},
            instruments=[instrument("AAA"), instrument("BBB")],
        )

    def rpc(self, method: str, **body: Any) -> Any:
        return rpc(self.system, "desk", self.name, method, body)

    def bar(self, price: str, close: str = "", *, low: str = "", volume: str = "1000000") -> dict[str, Any]:
        """The next day closes, for both instruments."""
        close = close or price
        high, lowest = max(price, close, key=float), min(price, close, key=float)
        prices = {"open": price, "high": high, "low": low or lowest, "close": close, "volume": volume}
        about = {"interval": "1d", "open_time_ms": FIRST_DAY_MS + self.day * DAY_MS}
        self.day += 1
        candles = [{"instrument": f"us:{symbol}", **about, **prices} for symbol in ("AAA", "BBB")]
        answer: dict[str, Any] = self.rpc("bars", candles=candles)
        return answer

    @property
    def now_ms(self) -> int:
        """Market time: the close of the newest bar."""
        return FIRST_DAY_MS + self.day * DAY_MS

    def post(self, path: str, body: object, key: str = "", role: str = "trader") -> httpx.Response:
        key = key or f"{self.name}-{next(self._numbers)}"
        return self.system.post(f"/v1/desks/{self.name}{path}", body, key, role)

    def place(self, side: str, qty: str, key: str = "", symbol: str = "AAA", **more: Any) -> dict[str, Any]:
        """An order by hand over the API; the order."""
        ticket = {"instrument": f"us:{symbol}", "side": side, "kind": "market", "qty": qty, **more}
        answer = self.post("/orders", ticket, key)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        order: dict[str, Any] = answer.json()["order"]
        return order

    def proposal(self, price: str, symbol: str = "AAA", **changes: Any) -> dict[str, Any]:
        """What the brain might propose on the newest bar: an entry, unless it is told otherwise."""
        action = changes.get("action", "enter")
        body = {
            "signal_id": ids.digest(self.name, symbol, self.day, action),
            "strategy": "sma_cross",
            "version": 1,
            "params": "c" * 32,
            "instrument": f"us:{symbol}",
            "bar_close_ms": self.now_ms,
            "action": action,
            "side": "buy" if action == "enter" else "sell",
            "price": price,
            "stop_distance": "5" if action == "enter" else None,
            "target_distance": None,
            "attempt": 1,
            "reason": "crossed",
        }
        return body | changes

    def propose(self, *proposals: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rpc("propose", proposals=list(proposals))["results"]
        return found

    def quote(self, bid: str, ask: str, symbol: str = "AAA") -> dict[str, Any]:
        """A quote within the day that has begun."""
        sizes = {"bid_qty": "100", "ask_qty": "100", "seq": 1}
        times = {"ts_ms": self.now_ms + 1000, "received_ms": wall_ms()}
        return {"instrument": f"us:{symbol}", "bid": bid, "ask": ask, **sizes, **times}

    def view(self) -> dict[str, Any]:
        found: dict[str, Any] = self.rpc("view")
        return found

    def evict(self) -> None:
        self.system.stack.evict("desk", "Desk", self.name)

    def sql(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """Reads the object's own tables."""
        return self.system.stack.object_sql("desk", "Desk", self.name, sql, *params)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The object's own log, or what is of one kind in it."""
        rows = self.sql("SELECT seq, kind, body FROM events ORDER BY seq")
        return [{**row, "body": json.loads(row["body"])} for row in rows if kind in ("", row["kind"])]

    def orders(self) -> list[dict[str, Any]]:
        return [json.loads(row["body"]) for row in self.sql("SELECT body FROM orders ORDER BY intended_seq")]
