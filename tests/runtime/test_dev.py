"""`make dev` as a person runs it: a process of its own, its output, its keys, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.runtime.accounts import LIMITS, PAPER
from tests.system import System, until
from tools.paths import ROOT

PROMISE_S = 60
SWEEP: dict[str, Any] = {
    "venue": "us",
    "interval": "1d",
    "span": {"from_ms": 0, "to_ms": 2**53},
    "strategies": [{"name": "sma_cross"}],
    "account": {"currency": "USD", "cash": "100000", "limits": LIMITS, "paper": PAPER},
    "sweep": {"strategy": "sma_cross", "grid": {"fast": [*range(3, 13)], "slow": [20, 25, 30, 35]}},
}
"""More runs than end before the desk is stopped."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children(root: int) -> set[int]:
    """Every process below `root`, itself included, as /proc has it now."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(text.rpartition(")")[2].split()[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[str]:
    """The commands of those that still run; a zombie runs no more."""
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                found.add(f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes()[:80]!r}")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


class Dev:
    """A running `make dev` and what it has printed."""

    def __init__(self, state_dir: Path, **environment: str) -> None:
        self.state_dir = state_dir
        self.port = free_port()
        self.lines: list[str] = []
        environ = {**_own_environment(), "PORT": str(self.port), "STATE_DIR": str(state_dir), **environment}
        self.process = subprocess.Popen(
            ["make", "--no-print-directory", "dev"],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        self.lines.extend(line.rstrip() for line in self.process.stdout or ())

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def ready(self) -> None:
        until(lambda: re.search(r"^Ready after", self.text, re.MULTILINE) or self.process.poll() is not None, 120)
        assert self.process.poll() is None, self.text

    def keys(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.state_dir / "credentials.json").read_text())
        return found

    def get(self, path: str, role: str = "viewer") -> Any:
        headers = {"Authorization": f"Bearer {self.keys()[role]}"}
        answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=30)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def post(self, path: str, body: Any, role: str = "trader") -> Any:
        headers = {"Authorization": f"Bearer {self.keys()[role]}", "Idempotency-Key": os.urandom(8).hex()}
        answer = httpx.post(f"http://127.0.0.1:{self.port}{path}", json=body, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def interrupt(self) -> None:
        """Ctrl-C, which a terminal sends to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def dev(state_dir: Path, **environment: str) -> Iterator[Dev]:
    running = Dev(state_dir, **environment)
    pids: set[int] = set()
    try:
        running.ready()
        yield running
        pids = children(running.process.pid)
        assert len(pids) >= 4, "make, Python, Node and workerd"
        running.interrupt()
        running.process.wait(30)
        until(lambda: not alive(pids))
        assert "stopped; the next start goes on from here" in running.text
        assert "Traceback" not in running.text, running.text
    finally:
        for pid in pids or children(running.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture(scope="module", autouse=True)
def alone(shared_system: System) -> None:
    """One stack at a time."""
    shared_system.stack.stop()


def ended(running: Dev, backtest: str) -> Any:
    found = running.get(f"/v1/backtests/{backtest}")
    return found if found["state"] not in {"queued", "running"} else None


def promised(running: Dev) -> bool:
    """Five symbols, candles, signals and filled paper orders, all of it over the API."""
    markets = running.get("/v1/health")["markets"]
    fills = [fill for desk in ("stocks", "fx") for fill in running.get(f"/v1/desks/{desk}/fills")["items"]]
    return (
        sum(market["symbols"] for market in markets) >= 5 and bool(running.get("/v1/signals")["items"]) and bool(fills)
    )


def test_a_first_start_keeps_its_promises_within_a_minute_and_the_next_start_goes_on(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    with dev(state_dir) as running:
        began = time.monotonic()
        until(lambda: promised(running), PROMISE_S)
        assert time.monotonic() - began <= PROMISE_S
        for symbol in ("AAPL", "IBM", "MSFT", "SPX", "IXIC"):
            assert running.get(f"/v1/candles?venue=us&symbol={symbol}&interval=1d")["items"]
        orders = (
            running.get("/v1/desks/stocks/orders?state=closed")["items"] + running.get("/v1/desks/fx/orders")["items"]
        )
        assert any(order["status"] == "filled" for order in orders)
        assert set(_stored(state_dir)) >= {"candles in R2", "hot bars in KV"}
        mode = stat.S_IMODE((state_dir / "credentials.json").stat().st_mode)
        assert mode == 0o600
        keys = running.keys()
        assert keys.keys() == {"viewer", "trader", "admin"}
        roles = {item["prefix"]: item["role"] for item in running.get("/v1/keys", "admin")["items"]}
        assert {role: roles[key.split("_")[1]] for role, key in keys.items()} == {role: role for role in keys}
        assert str(state_dir / "credentials.json") in running.text
        assert not any(key in running.text for key in keys.values()), "a key is a secret"
        clock = running.get("/v1/desks/stocks")["market_ms"]
        backtest = running.post("/v1/backtests", SWEEP)["id"]
    with dev(state_dir) as again:
        assert again.keys() == keys
        assert again.get("/v1/desks/stocks")["market_ms"] >= clock
        assert "migration" not in again.text
        assert "jobs that waited at the last stop go on" in again.text
        found = until(lambda: ended(again, backtest), PROMISE_S)
        assert (found["state"], found["done"]) == ("done", found["runs"])
        ready = re.search(r"Ready after ([0-9.]+) s", again.text)
        assert ready
        assert float(ready[1]) <= 15


def _own_environment() -> dict[str, str]:
    """This process's, without what somebody may have told `make dev`."""
    return {name: value for name, value in os.environ.items() if name not in ("DATASET", "REPLAY_SPEED")}


def _stored(state_dir: Path) -> Iterator[str]:
    """What lies below STATE_DIR, looked at without the workers."""
    found = [path for path in state_dir.rglob("*") if path.is_file()]
    if any("r2" in path.parts and "blobs" in path.parts for path in found):
        yield "candles in R2"
    if any("kv" in path.parts and "blobs" in path.parts for path in found):
        yield "hot bars in KV"


def test_a_dataset_with_malformed_rows_plays_without_them_and_says_which(tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    day_ms = 86_400_000
    head = "symbol,interval,open_time_ms,open,high,low,close,volume"
    rows = [f"GOLD,1d,{day * day_ms},{100 + day % 9},{110 + day % 9},90,{101 + day % 9},1000" for day in range(300)]
    rows[7] = f"GOLD,1d,{7 * day_ms},-1,110,90,101,1000"
    rows[9] = f"GOLD,1d,{9 * day_ms},100,95,90,101,1000"
    rows[11] = f"GOLD,1d,{11 * day_ms},NaN,110,90,101,1000"
    (folder / "gold.csv").write_text("\n".join([head, *rows]) + "\n")
    with dev(tmp_path / "state", DATASET=str(folder), REPLAY_SPEED="5") as running:
        refused = [line for line in running.lines if "refused" in line]
        for line, column, rule in ((9, "open", "> 0"), (11, "high", "high >="), (13, "open", "")):
            assert any(f"gold.csv:{line}" in told and column in told and rule in told for told in refused), refused
        until(lambda: running.get("/v1/health")["markets"])
        bars = running.get("/v1/candles?venue=file&symbol=GOLD&interval=1d&limit=500")["items"]
        assert len(bars) >= 50
        assert not {7 * day_ms, 9 * day_ms, 11 * day_ms} & {bar["open_time_ms"] for bar in bars}
        assert running.get("/v1/desks/file")["status"] == "active"


def test_a_setting_that_is_wrong_is_refused_with_a_remedy(tmp_path: Path) -> None:
    for name, value in (("PORT", "80"), ("REPLAY_SPEED", "fast"), ("DATASET", str(tmp_path / "nowhere"))):
        environ = {**os.environ, "STATE_DIR": str(tmp_path / "state"), name: value}
        result = subprocess.run(["make", "dev"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        assert result.returncode != 0
        assert f"error: {name}={value}" in result.stderr.replace("'", "")
