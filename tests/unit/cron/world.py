"""A venue on the wire, a desk that keeps its contract, and the ports that jobs are given."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx

from cron.context import Context, Ports
from cron.minute import minute
from shared.clock import FixedClock
from shared.config import CronSettings
from shared.errors import NotFound
from shared.model import Interval
from shared.model.ids import client_order_id
from shared.ports import Peer
from shared.venues.replay import ReplayVenue
from shared.venues.trouble import Trouble
from tests.unit.native_ports import (
    BrainPeer,
    InstantWaits,
    MemoryKeyValue,
    MemoryQueue,
    MemoryStore,
    NativeDatabase,
    no_counting,
)

DAY_MS = 86_400_000
MINUTE_MS = 60_000
START_MS = 20_000 * DAY_MS
WireRow = list[Any]

LIMITS = (
    '{"max_order_notional":"20000","max_symbol_notional":"40000","max_total_notional":"100000",'
    '"max_open_positions":10,"max_orders_per_minute":60}'
)
PAPER = '{"fee_bps":"1","slippage_bps":"2","volume_share_bps":1000}'
STRATEGIES = '[{"name":"sma_cross","params":{"fast":3,"slow":8}},{"name":"rsi_reversion","params":{}}]'


def desk_json(name: str, venue: str = "us", symbols: str = "[]") -> str:
    return (
        f'"{name}":{{"venue":"{venue}","currency":"USD","cash":"100000","strategies":{STRATEGIES},'
        f'"symbols":{symbols},"limits":{LIMITS},"paper":{PAPER}}}'
    )


def settings(
    interval: str = "1m",
    calendar: str = "continuous",
    desks: str = "",
    name: str = "us",
    trading_mode: str = "paper",
    **venue: Any,
) -> CronSettings:
    extra = "".join(f',"{name}":{str(value).lower()}' for name, value in venue.items())
    return CronSettings.load(
        {
            "ENVIRONMENT": "local",
            "TRADING_MODE": trading_mode,
            "REPLAY_URL": "http://venue",
            "VENUES": f'{{"{name}":{{"kind":"replay","interval":"{interval}","calendar":"{calendar}"{extra}}}}}',
            "DESKS": f"{{{desks or desk_json('alpha', name)}}}",
        }
    )


def wave(start_ms: int, step_ms: int, bars: int, seed: int = 0) -> list[WireRow]:
    """Bars that swing enough for both strategies to speak."""
    rows: list[WireRow] = []
    last = 100.0
    for i in range(bars):
        close = 100 + 20 * math.sin((i + 7 * seed) / 6) + 3 * math.sin(i * 1.7 + seed)
        high, low = max(last, close) + 1, min(last, close) - 1
        rows.append([start_ms + i * step_ms, *(f"{x:.2f}" for x in (last, high, low, close)), "10000"])
        last = close
    return rows


class WireVenue:
    """Plays bars over httpx as the replay venue does; `spoil` may replace an answer, `calls` are those for candles."""

    def __init__(self, bars: Mapping[str, list[WireRow]], step_ms: int = MINUTE_MS, listed_ms: int = 0) -> None:
        self.bars = {symbol: list(rows) for symbol, rows in bars.items()}
        self.listed = dict.fromkeys(bars, listed_ms)
        self.step_ms = step_ms
        self.market_ms = 0
        self.ended = False
        self.calls: list[dict[str, str]] = []
        self.spoil: Callable[[dict[str, str], dict[str, Any]], httpx.Response | None] = lambda query, body: None
        self.spoil_other: Callable[[str], httpx.Response | None] = lambda path: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.rsplit("/", 1)[-1]
        if path != "candles":
            spoilt = self.spoil_other(path)
            return spoilt or httpx.Response(200, json=self._other(path))
        query = dict(request.url.params)
        self.calls.append(query)
        start_ms, limit = int(query["start_ms"]), int(query["limit"])
        items = {symbol: self._rows(symbol, start_ms)[:limit] for symbol in query["symbols"].split(",")}
        body = {"market_ms": self.market_ms, "items": items}
        return self.spoil(query, body) or httpx.Response(200, json=body)

    def _rows(self, symbol: str, start_ms: int) -> list[WireRow]:
        return [row for row in self.bars[symbol] if start_ms <= row[0] <= self.market_ms - self.step_ms]

    def _other(self, path: str) -> dict[str, Any]:
        if path == "clock":
            return {"venue": "us", "market_ms": self.market_ms, "bar": 0, "bars": 9, "ended": self.ended}
        fixed = {"quote": "USD", "tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "1", "multiplier": "1"}
        return {
            "items": [
                {"symbol": s, "base": s, **fixed, "listed_ms": self.listed[s], "intervals": ["1m", "1h", "1d"]}
                for s in self.bars
            ]
        }


class DeskStandIn:
    """What docs/contracts.md says of a desk, without its money: it remembers what it was told, and dedupes by ids."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_open = False
        self.log: list[tuple[str, Any]] = []
        self.intended: dict[str, str] = {}
        self.market_ms = 0
        self.ticks: list[dict[str, Any]] = []
        self.status: tuple[str, list[str]] = ("active", [])
        self.trades: list[dict[str, Any]] = []
        self.fail: Callable[[str], None] = lambda method: None
        self.after: Callable[[str], None] = lambda method: None

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.fail(method)
        if method == "open":
            self.is_open = True
        elif not self.is_open:
            raise NotFound("no such desk", code="desk_not_open")
        answer: dict[str, Any] = getattr(self, f"_{method}")(body)
        self.after(method)
        return answer

    def _open(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.log.append(("open", dict(body)))
        return {"seq": 1, "created": True}

    def _tick(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.ticks.append(dict(body))
        status, codes = self.status
        return {"seq": 1, "outbox_lag": 0, "next_alarm_ms": None, "status": status, "codes": codes}

    def _bars(self, body: Mapping[str, Any]) -> dict[str, Any]:
        times = [each["open_time_ms"] for each in body["candles"]]
        assert times == sorted(times)
        step = Interval(body["candles"][0]["interval"]).ms
        self.market_ms = max(self.market_ms, times[-1] + step)
        self.log.append(("bars", [(each["instrument"], each["open_time_ms"]) for each in body["candles"]]))
        return {"fills": 0, "market_ms": self.market_ms}

    def _propose(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.log.append(("propose", [each["signal_id"] for each in body["proposals"]]))
        return {"results": [self._result(each) for each in body["proposals"]]}

    def _result(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        strategy, params = proposal["strategy"], proposal["params"]
        instrument, close_ms, side = proposal["instrument"], proposal["bar_close_ms"], proposal["side"]
        client_id = client_order_id(
            self.name, strategy, proposal["version"], params, instrument, close_ms, side, proposal["attempt"]
        )
        outcome = "duplicate" if client_id in self.intended else "intended"
        self.intended[client_id] = proposal["signal_id"]
        return {"signal_id": proposal["signal_id"], "outcome": outcome, "client_id": client_id, "code": None}

    def _view(self, body: Mapping[str, Any]) -> dict[str, Any]:
        market_ms = self.market_ms or None
        return {"desk": self.name, "equity": "100000", "cash": "100000", "open_positions": 0, "market_ms": market_ms}

    def _order(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if body["client_id"] not in self.intended:
            raise NotFound("no such order", code="order_not_found")
        return {"order": {"client_id": body["client_id"]}}

    def _positions(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"items": [], "seq": 1}

    def _trades(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.log.append(("trades", body["after_seq"]))
        told = [each for each in self.trades if each["seq"] > body["after_seq"]]
        return {"items": told, "seq": max((each["seq"] for each in self.trades), default=1)}

    def heard(self, what: str) -> list[Any]:
        return [body for kind, body in self.log if kind == what]


class BookStandIn:
    """Remembers what it was asked to watch."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.watched: list[dict[str, Any]] = []

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.watched.append({"method": method, **body})
        return {"connected": True, "symbols": len(body["symbols"])}


class Family:
    """`ports.Peers`."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self.members: dict[str, Any] = {}

    def named(self, name: str) -> Peer:
        found: Peer = self.members.setdefault(name, self._make(name))
        return found


class World:
    """Everything around the jobs; `tick()` is one minute of wall time."""

    def __init__(self, venue: WireVenue | None = None, config: CronSettings | None = None, url: str = "") -> None:
        self.venue = venue or WireVenue({})
        self.settings = config or settings()
        self.db = NativeDatabase()
        self.store = MemoryStore()
        self.hot = MemoryKeyValue()
        self.queue = MemoryQueue()
        self.brain = BrainPeer()
        self.desks = Family(DeskStandIn)
        self.books = Family(BookStandIn)
        self.clock = FixedClock(START_MS + 300 * DAY_MS)
        self.waits = InstantWaits(lambda seconds: self.clock.advance(int(seconds * 1000)))
        self._tokens = map(str, itertools.count())
        self._url = url

    @property
    def ports(self) -> Ports:
        transport = None if self._url else httpx.MockTransport(self.venue)
        client = httpx.AsyncClient(transport=transport)

        def market(venue: str, trouble: Trouble) -> ReplayVenue:
            interval = self.settings.VENUES[venue].interval
            return ReplayVenue(client, self._url or "http://venue", venue, interval, trouble, 0.5)

        return Ports(
            db=self.db,
            store=self.store,
            hot=self.hot,
            queue=self.queue,
            brain=self.brain,
            desks=self.desks,
            books=self.books,
            markets=market,
            clock=self.clock,
            waits=self.waits,
            jitter=lambda: 0.5,
            token=lambda: next(self._tokens),
            counting=no_counting,
        )

    def context(self, scope: str = "", run: str = "run") -> Context:
        return Context(self.ports, self.settings, self.clock.now_ms(), scope, run)

    def tick(self, market_ms: int | None = None) -> dict[str, int]:
        if market_ms is not None:
            self.venue.market_ms = market_ms
        self.clock.advance(MINUTE_MS)
        return asyncio.run(minute(self.context()))

    def desk(self, name: str = "alpha") -> DeskStandIn:
        found: DeskStandIn = self.desks.named(name)  # type: ignore[assignment]
        return found

    def runs(self, job: str) -> list[dict[str, Any]]:
        return self.db.all("SELECT * FROM job_runs WHERE job = ? ORDER BY queued_ms, id", job)


def symbols(count: int, bars: int, step_ms: int = MINUTE_MS, start_ms: int = START_MS) -> dict[str, list[WireRow]]:
    return {f"S{i:03d}": wave(start_ms, step_ms, bars, i) for i in range(count)}


def times(rows: Iterable[Any]) -> list[int]:
    return [row[0] for row in rows]
