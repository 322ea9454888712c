"""Times of single requests, ours and the yardstick's in turns, so that whatever the machine does hits both."""

from __future__ import annotations

import http.client
import math
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from bench.report import Row, Verdict
from tools.failure import ToolError


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


class Asker:
    """One GET again and again over one kept-alive connection."""

    def __init__(self, base_url: str, path: str, headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=60)
        self._path = path
        self._headers = dict(headers or {})

    def ask(self) -> tuple[float, bytes]:
        """Milliseconds until the whole answer was there, and its body; ToolError when it is not 200."""
        began = time.perf_counter()
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took_ms = (time.perf_counter() - began) * 1000
        if answer.status != http.client.OK:
            raise ToolError(f"{self._path} answered {answer.status}: {body[:500]!r}")
        return took_ms, body

    def close(self) -> None:
        """Lets the connection go."""
        self._connection.close()


def compared(what: str, ours: Sequence[float], theirs: Sequence[float], goal: float | None = None) -> Row:
    """Shown with p50 and p99; the goal is for the ratio at p50."""
    ratios = [percentile(ours, share) / percentile(theirs, share) for share in (0.5, 0.99)]
    return Row(
        what,
        _both(ours),
        _both(theirs),
        " / ".join(f"{ratio:.2f}" for ratio in ratios),
        "" if goal is None else f"p50 <= {goal:g} x",
        Verdict.SAID if goal is None else Verdict.of(ratios[0] <= goal),
    )


def _both(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.2f} / {percentile(values, 0.99):.2f} ms"


def in_turns(askers: Sequence[Asker], times: int, warm_up: int) -> list[list[float]]:
    """Milliseconds of each, asked in turns; wasm runs at its full speed only after some hundred requests."""
    for _ in range(warm_up):
        for asker in askers:
            asker.ask()
    found: list[list[float]] = [[] for _ in askers]
    for _ in range(times):
        for asker, times_ms in zip(askers, found, strict=True):
            times_ms.append(asker.ask()[0])
    return found
