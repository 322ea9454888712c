"""From nothing to the first answer of the application, cold and from the memory snapshot."""

from __future__ import annotations

import time
from statistics import median

import httpx

from bench.places import desk_on, yardstick
from bench.report import Row, Verdict
from tools.replay import Market, generated_market

WARM_GOAL_S = 15.0


def measure(quick: bool) -> list[Row]:
    """Seconds; the yardstick is one JavaScript worker in the same kind of stack."""
    market = generated_market(1)
    theirs = median(started_js() for _ in range(1 if quick else 3))
    warm = median(started(market, snapshot=True) for _ in range(1 if quick else 3))
    rows = [
        Row(
            "start from a snapshot to the first answer",
            f"{warm:.1f} s",
            f"{theirs:.1f} s",
            f"{warm / theirs:.1f}",
            f"<= {WARM_GOAL_S:g} s",
            Verdict.of(warm <= WARM_GOAL_S),
        )
    ]
    if not quick:
        cold = started(market, snapshot=False)
        rows.append(Row("cold start to the first answer", f"{cold:.1f} s", f"{theirs:.1f} s", f"{cold / theirs:.1f}"))
    return rows


def started(market: Market, snapshot: bool) -> float:
    """Until the application, not only the entry, has refused a request without a key."""
    began = time.monotonic()
    with desk_on([market], snapshot=snapshot) as (system, _):
        answer = httpx.get(f"{system.stack.url}/v1/health", timeout=60)
        took = time.monotonic() - began
    if answer.status_code != httpx.codes.UNAUTHORIZED:
        raise ValueError(f"expected a refusal, got {answer.status_code}")
    return took


def started_js() -> float:
    """The same of the yardstick."""
    began = time.monotonic()
    with yardstick() as stack:
        httpx.get(f"{stack.url}/livez", timeout=60).raise_for_status()
        return time.monotonic() - began
