"""What the measures run on: the whole desk with a probe beside it, and the JavaScript yardstick."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.system import System
from tools import vendor
from tools.dev import credentials, desks
from tools.dev.player import Player
from tools.failure import ToolError
from tools.paths import ROOT
from tools.replay import Market, ReplayServer, generated_market
from tools.replay.generator import VENUE
from tools.stack import Stack

PROBE = ROOT / "bench" / "probe" / "wrangler.toml"
FLOOR = ROOT / "bench" / "floor"
YARDSTICK = ROOT / "bench" / "js" / "wrangler.toml"
TARGETS = {"router": "ROUTER", "cron": "CRON", "brain": "BRAIN", "desk": "DESK_WORKER", "book": "BOOK_WORKER"}
STRATEGIES = [{"name": "sma_cross", "params": {}}, {"name": "rsi_reversion", "params": {}}]
LIMITS = {
    "risk_per_trade_bps": 50,
    "max_order_notional": "20000",
    "max_symbol_notional": "25000",
    "max_total_notional": "1000000",
    "max_open_positions": 100,
    "max_orders_per_minute": 600,
}
PAPER = {"fee_bps": "5", "slippage_bps": "2", "volume_share_bps": 1000}
DESK = "gen"
_VENUE = {"kind": "replay", "interval": "1m", "calendar": "continuous"}
_DESK = {
    "venue": VENUE,
    "currency": "USD",
    "cash": "1000000",
    "strategies": [{"name": each["name"]} for each in STRATEGIES],
    "limits": LIMITS,
    "paper": PAPER,
}


class Vitals(NamedTuple):
    """Of one worker's isolate."""

    heap_bytes: int
    operations: Mapping[str, int]


class Probe:
    """Calls methods of workers and objects that nobody reaches from outside."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def call(
        self, target: str, method: str, calls: Sequence[Sequence[Any]], name: str | None = None
    ) -> tuple[float, list[str]]:
        """Milliseconds for all the calls together, and the answers; `name` that of an object."""
        body = {"target": target, "object": name, "method": method, "calls": calls}
        reply = self._stack.fetch("probe", "/", "POST", body=json.dumps(body).encode())
        if reply.status != 200:
            raise ToolError(f"the probe's call of {target}.{method} failed: {reply.body.decode()[:2000]}")
        found = json.loads(reply.body)
        return float(found["ms"]), found["answers"]

    def value(self, target: str, method: str, body: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
        """The value of one call by `docs/contracts.md`; ToolError when it was refused."""
        return opened(self.call(target, method, [[json.dumps(body)]], name)[1][0])

    def vitals(self) -> dict[str, Vitals]:
        """Of every worker."""
        found = {}
        for worker, target in TARGETS.items():
            body = json.loads(self.call(target, "vitals", [[]])[1][0])
            found[worker] = Vitals(body["heap_bytes"], body["operations"])
        return found


def opened(text: str) -> dict[str, Any]:
    """The value in an envelope; ToolError for a refusal."""
    envelope = json.loads(text)
    if not envelope["ok"]:
        raise ToolError(f"refused: {envelope['error']}")
    value: dict[str, Any] = envelope["value"]
    return value


@contextmanager
def desk_on(
    markets: list[Market], cron_vars: Mapping[str, str] | None = None, snapshot: bool = True
) -> Iterator[tuple[System, Probe]]:
    """The whole desk on these markets, in a folder of its own, with the probe beside it."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="edgedesk-bench-")))
        replay = ReplayServer(markets, None)
        url = replay.start()
        cleanup.callback(replay.stop)
        stack = Stack(
            folder / "workers",
            vars={"cron": {**desks.cron_vars(markets, url), **(cron_vars or {})}},
            secrets={"router": {"KEY_PEPPER": credentials.pepper(folder)}},
            snapshot=snapshot,
            extra_configs=[PROBE],
            rate_limit=10_000_000,
        )
        cleanup.callback(stack.stop)
        stack.start()
        stack.apply_migrations()
        player = Player(stack, replay, [market.venue for market in markets])
        yield System(player, credentials.ensure(folder, stack)), Probe(stack)


@contextmanager
def generated(symbols: int) -> Iterator[tuple[System, Probe]]:
    """One desk on so many made-up symbols with one-minute bars."""
    variables = {"VENUES": json.dumps({VENUE: _VENUE}), "DESKS": json.dumps({DESK: _DESK})}
    with desk_on([generated_market(symbols)], variables) as found:
        yield found


@contextmanager
def yardstick() -> Iterator[Stack]:
    """The JavaScript worker that does the same nothing, in a workerd of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="edgedesk-bench-js-") as folder,
        Stack(Path(folder), workers=(), extra_configs=[YARDSTICK], snapshot=False) as stack,
    ):
        yield stack


@contextmanager
def floor() -> Iterator[Stack]:
    """The bare Python worker, with the yardstick beside it for its object and its rows."""
    with tempfile.TemporaryDirectory(prefix="edgedesk-bench-floor-") as folder:
        worker = Path(folder, "floor")
        shutil.copytree(FLOOR, worker)
        shutil.copytree(vendor.packages("brain"), worker / "python_modules")
        configs = [worker / "wrangler.toml", YARDSTICK]
        with Stack(Path(folder, "state"), workers=(), extra_configs=configs) as stack:
            yield stack
