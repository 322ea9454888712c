"""The API over HTTP: `/livez`, a page of signals and a desk, each against JavaScript that does the same nothing."""

from __future__ import annotations

import json

from bench.places import desk_on, floor, yardstick
from bench.report import Row
from bench.timing import Asker, compared, in_turns
from tests.system import System
from tools.failure import ToolError
from tools.replay import builtin_markets
from tools.stack import Stack

PAGE = 100
DESK = "stocks"
MOST_TICKS = 60
LIST = f"/v1/signals?limit={PAGE}"
ASKED = (("/livez", "/livez", 1.4), (LIST, "/signals", 2.0), (f"/v1/desks/{DESK}", "/object", 2.0))
"""Our path, the yardstick's, and how many times its p50 ours may take."""


def measure(quick: bool) -> list[Row]:
    """Rows of the three requests, each with what a bare Python worker takes for the same."""
    with desk_on(builtin_markets()) as (system, _), yardstick() as stack, floor() as bare:
        fill(system)
        for each in (stack, bare):
            seed(system, each)
        return compare(system, stack, bare, (100, 150) if quick else (300, 600))


def fill(system: System) -> None:
    """Ticks until a full page of signals is there."""
    for _ in range(MOST_TICKS):
        system.tick()
        if len(system.get(LIST)["items"]) == PAGE:
            return
    raise ToolError(f"{MOST_TICKS} ticks have not brought {PAGE} signals")


def seed(system: System, stack: Stack) -> None:
    """The yardstick gets the very bodies that we answer with."""
    rows = [
        {"id": each["id"] + each["desk"], "body": json.dumps(each), "created_ms": 0}
        for each in system.get(LIST)["items"]
    ]
    body = json.dumps({"rows": rows, "view": json.dumps(system.get(f"/v1/desks/{DESK}"))}).encode()
    reply = stack.fetch("yardstick", "/seed", "POST", body=body)
    if reply.status != 200:
        raise ToolError(f"the yardstick could not be seeded: {reply.body.decode()[:500]}")


def compare(system: System, stack: Stack, bare: Stack, sizes: tuple[int, int]) -> list[Row]:
    """All three in turns, one connection each; `sizes`: requests to warm up, and requests measured."""
    headers = {"Authorization": f"Bearer {system.keys['viewer']}"}
    rows = []
    for path, other, goal in ASKED:
        askers = [Asker(system.stack.url, path, headers), Asker(stack.url, other), Asker(bare.url, other)]
        ours, theirs, bottom = in_turns(askers, sizes[1], sizes[0])
        rows.append(compared(f"GET {path}", ours, theirs, goal))
        rows.append(compared("  the same from a bare Python worker", bottom, theirs))
        for asker in askers:
            asker.close()
    return rows


def visit(system: System) -> None:
    """Every kind of request once, so that the router's memory is what it is in use."""
    for path, _, _ in ASKED[1:]:
        for _ in range(50):
            system.get(path)
    for path in ("/v1/health", "/v1/instruments", "/v1/books", "/v1/jobs", "/v1/desks"):
        system.get(path)
