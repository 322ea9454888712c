"""Starts the sandbox as a process of its own, for tests of any folder:

with sandbox(setup={"start_ms": 0}, script=[{"endpoint": "place", "kind": "timeout_after"}]) as venue:
    venue.url, venue.key, venue.secret          # what an adapter needs
    venue.move("AAA", "101.50")
    venue.journal("request", endpoint="place")  # what it saw
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
STOP_S = 10.0


class SandboxError(Exception):
    """The sandbox did not start, or would not do what it was told."""


class Sandbox:
    """A running sandbox. Prices and quantities are decimal text."""

    def __init__(self, process: subprocess.Popen[str], told: Mapping[str, Any]) -> None:
        self._process = process
        self.url: str = told["url"]
        self.key: str = told["key"]
        self.secret: str = told["secret"]
        self._control = httpx.Client(
            base_url=f"{self.url}/control/", headers={"X-Control-Key": told["control_key"]}, timeout=30
        )

    def tell(self, word: str, **told: Any) -> dict[str, Any]:
        """Any word of the control; `SandboxError` where it is refused."""
        return self._done(self._control.post(word, json=told))

    def read(self, what: str, **asked: str | int) -> dict[str, Any]:
        return self._done(self._control.get(what, params=asked))

    def reset(self, setup: Mapping[str, Any] | None = None) -> None:
        """A new market and a new account with these settings; the address and the key stay."""
        self.tell("reset", **(setup or {}))

    def move(self, symbol: str, *prices: str) -> None:
        """The market goes through these prices, one after the other."""
        self.tell("move", symbol=symbol, prices=prices)

    def trade(self, symbol: str, side: str, qty: str, price: str) -> None:
        """Somebody buys or sells just so much at this price or better."""
        self.tell("trade", symbol=symbol, side=side, qty=qty, price=price)

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """These rules instead of those that stood; none: all goes well from now on."""
        self.tell("faults", rules=list(rules))

    def time(self, **told: int) -> dict[str, Any]:
        """`push_ms`, `market_ms`, `skew_ms`."""
        return self.tell("time", **told)

    def account(self) -> dict[str, Any]:
        """The truth: balances, positions, all orders, prices."""
        return self.read("account")

    def journal(self, kind: str | None = None, after: int = 0, **like: Any) -> list[dict[str, Any]]:
        """Rows from `after` on, of one kind and with these values."""
        rows: list[dict[str, Any]] = self.read("journal", after=after)["rows"]
        return [
            row
            for row in rows
            if kind in (None, row["kind"]) and all(row.get(name) == value for name, value in like.items())
        ]

    def stop(self) -> None:
        """Ends the process; nothing happens where it has ended."""
        self._control.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @staticmethod
    def _done(answer: httpx.Response) -> dict[str, Any]:
        body: dict[str, Any] = answer.json()
        if answer.status_code != httpx.codes.OK:
            raise SandboxError(f"{answer.url.path}: {body}")
        return body


def start(
    setup: Mapping[str, Any] | None = None,
    script: Sequence[Mapping[str, Any]] = (),
    port: int = 0,
    journal: Path | None = None,
) -> Sandbox:
    """`setup` holds fields of `tests.sandbox.setup.Setup`; raises `SandboxError` when it does not come up."""
    with tempfile.TemporaryDirectory() as folder:
        setup_file, script_file = Path(folder, "setup.json"), Path(folder, "script.json")
        setup_file.write_text(json.dumps(setup or {}))
        script_file.write_text(json.dumps({"rules": list(script)}))
        command = [sys.executable, "-m", "tests.sandbox", "--port", str(port)]
        command += ["--setup", str(setup_file), "--script", str(script_file)]
        command += ["--journal", str(journal)] if journal else []
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline() if process.stdout else ""
    if not line:
        process.wait(STOP_S)
        raise SandboxError(f"the sandbox ended at once with code {process.returncode}; its standard error says why")
    return Sandbox(process, json.loads(line))


@contextmanager
def sandbox(
    setup: Mapping[str, Any] | None = None,
    script: Sequence[Mapping[str, Any]] = (),
    port: int = 0,
    journal: Path | None = None,
) -> Iterator[Sandbox]:
    running = start(setup, script, port, journal)
    try:
        yield running
    finally:
        running.stop()
