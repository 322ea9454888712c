"""One desk as its callers know it: what they ask by RPC, and what they are told."""

from __future__ import annotations

import json
import random
import threading
from typing import Any

import httpx

from shared.model import ids
from tests.chaos.evidence import CASH
from tests.chaos.told import Told, wall_ms
from tests.sandbox.harness import Sandbox

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")
_STEPS = {"tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "10", "multiplier": "1", "listed_ms": 0}
INSTRUMENTS: list[dict[str, Any]] = [
    {"venue": "us", "symbol": symbol, "base": symbol, "quote": "USD", "settle": "USD", **_STEPS} for symbol in SYMBOLS
]
MINUTE_MS = 60_000
TIMEOUT_S = 30.0
LIMITS: dict[str, Any] = {
    "risk_per_trade_bps": 20,
    "max_order_notional": "50000",
    "max_symbol_notional": "400000",
    "max_total_notional": "900000",
    "max_open_positions": 10,
    "max_orders_per_minute": 10_000,
    "max_data_age_ms": 600_000,
    "max_signal_age_bars": 2,
}
PAPER = {"fee_bps": "10", "slippage_bps": "5", "volume_share_bps": 1000}


class CutError(Exception):
    """No answer came: the desk was killed, or it took too long."""


class RefusedError(Exception):
    """The desk answered an error, whose code this is."""


class Caller:
    """Desk `name` of worker `number`, trading at `venue`. `url` is where the probe answers, another one after each start."""

    def __init__(self, number: int, venue: Sandbox) -> None:
        self.number = number
        self.name = f"desk-{number}"
        self.venue = venue
        self.url = ""
        self.told = Told()
        self.prices = dict.fromkeys(SYMBOLS, "100")
        self.held: list[str] = []
        # one after the other: of a halt that crosses a resumption nobody could say what it promised
        self._switch = threading.Lock()

    def ask(self, method: str, client: httpx.Client | None = None, **body: Any) -> dict[str, Any]:
        """The value of a method; `RefusedError` or `CutError`."""
        try:
            answer = (client or httpx).post(
                f"{self.url}/{self.number}/{self.name}/{method}", content=json.dumps(body), timeout=TIMEOUT_S
            )
        except httpx.HTTPError as error:
            raise CutError(str(error)) from None
        if answer.status_code != httpx.codes.OK:
            # a runtime that is going down says so in its own words
            raise CutError(answer.text[:300])
        envelope = json.loads(answer.text)
        if not envelope["ok"]:
            raise RefusedError(envelope["error"]["code"])
        value: dict[str, Any] = envelope["value"]
        return value

    def open(self) -> None:
        self.ask(
            "open",
            desk=self.name,
            mode="demo",
            trading={"kind": "sandbox"},
            venue="us",
            interval_ms=MINUTE_MS,
            currency="USD",
            cash=CASH,
            limits=LIMITS,
            paper=PAPER,
            instruments=INSTRUMENTS,
        )

    def place(self, key: str, ticket: dict[str, Any], client: httpx.Client | None = None) -> dict[str, Any]:
        """An order by hand; the order as it was answered."""
        self.told.tickets[key] = ticket
        order: dict[str, Any] = self.ask("place", client, order=ticket, by="chaos", idempotency_key=key)["order"]
        self.told.order(key, order["client_id"])
        return order

    def again(self, key: str, client: httpx.Client | None = None) -> None:
        """The same request once more: it has to bring the same order, if it brought one."""
        self.place(key, self.told.tickets[key], client)

    def halt(self, client: httpx.Client | None = None) -> None:
        with self._switch:
            self.ask("halt", client, by="chaos", reason="a drill")
            self.told.halted()

    def resume(self, client: httpx.Client | None = None) -> None:
        with self._switch:
            confirm = self.ask("resume_request", client, by="chaos", reason="the drill is over")["confirm"]
            self.told.ending_halt()
            self.ask("resume_confirm", client, by="chaos", confirm=confirm)

    def look(self, client: httpx.Client | None = None) -> None:
        """What is held, so that somebody can sell it."""
        self.held = [each["instrument"].partition(":")[2] for each in self.ask("positions", client)["items"]]

    def quotes(self, client: httpx.Client | None = None) -> None:
        """The market as it stood a moment ago."""
        self.ask("heartbeat", client, quotes=[self._quote(symbol) for symbol in SYMBOLS])

    def bars(self, client: httpx.Client | None = None) -> None:
        """The minute that has just closed."""
        opened_ms = wall_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS
        about = {"interval": "1m", "open_time_ms": opened_ms, "volume": "1000"}
        candles = [
            {"instrument": f"us:{symbol}", **about, **dict.fromkeys(("open", "high", "low", "close"), price)}
            for symbol, price in self.prices.items()
        ]
        self.ask("bars", client, candles=candles)

    def propose(self, chance: random.Random, client: httpx.Client | None = None) -> None:
        """What a strategy might propose on the minute that has just closed."""
        enter = not self.held or chance.random() < 0.6
        symbol = chance.choice(SYMBOLS if enter else self.held)
        bar_ms = wall_ms() // MINUTE_MS * MINUTE_MS
        proposal = {
            "signal_id": ids.digest(self.name, symbol, str(bar_ms), str(chance.random())),
            "strategy": "sma_cross",
            "version": 1,
            "params": ids.digest("chaos"),
            "instrument": f"us:{symbol}",
            "bar_close_ms": bar_ms,
            "action": "enter" if enter else "exit",
            "side": "buy" if enter else "sell",
            "price": self.prices[symbol],
            "stop_distance": chance.choice(("0.30", "1", "5")) if enter else None,
            "target_distance": chance.choice((None, "0.30", "5")) if enter else None,
            "attempt": chance.randint(1, 99),
            "reason": "crossed",
        }
        (result,) = self.ask("propose", client, proposals=[proposal])["results"]
        if result["outcome"] == "refused":
            raise RefusedError(result["code"])
        self.told.order(f"proposal {result['client_id']}", result["client_id"])

    def _quote(self, symbol: str) -> dict[str, Any]:
        price = float(self.prices[symbol])
        sides = {"bid": f"{price - 0.01:.2f}", "ask": f"{price + 0.01:.2f}", "bid_qty": "100", "ask_qty": "100"}
        return {"instrument": f"us:{symbol}", **sides, "seq": 1, "ts_ms": wall_ms(), "received_ms": wall_ms()}
