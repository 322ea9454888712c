"""When the power is cut: at random, or just when an order is at its most delicate."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEXTS = {
    "anywhen": "at any moment under load",
    "arrived": "an order has reached the venue, which has not taken it up",
    "taken": "the venue has taken an order, and its answer is on its way",
    "answered": "the venue has just answered an order",
    "halted": "every desk has just acknowledged a halt",
    "waking": "within the first second after a start",
}
WEIGHTS = {"anywhen": 4, "arrived": 2, "taken": 2, "answered": 2, "halted": 1, "waking": 2}
RULES: dict[str, tuple[dict[str, Any], ...]] = {
    "arrived": ({"endpoint": "place", "kind": "late", "delay_ms": 700, "probability": 0.5},),
    "taken": ({"endpoint": "place", "kind": "slow", "delay_ms": 700, "probability": 0.7},),
}
"""What makes the moment last long enough to be hit."""
FAULTS = {"arrived": "late", "taken": "slow", "answered": ""}
LOAD_S = (0.3, 3.0)
SOON_S = 10.0
LOOK_EVERY_S = 0.001


def drawn(chance: random.Random) -> str:
    return chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


class Watch:
    """Follows a sandbox's journal as it is written."""

    def __init__(self, journal: Path) -> None:
        self._file = journal.open()
        self._file.seek(0, 2)
        self._half = ""

    def close(self) -> None:
        self._file.close()

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> bool:
        """Waits for a row; False where none comes soon."""
        deadline = time.monotonic() + SOON_S
        while time.monotonic() < deadline:
            *lines, self._half = (self._half + self._file.read()).split("\n")
            if any(wanted(json.loads(line)) for line in lines):
                return True
            time.sleep(LOOK_EVERY_S)
        return False


def wait(moment: str, chance: random.Random, journal: Path) -> bool:
    """Returns at the moment; False where it did not come, and any moment has to do."""
    time.sleep(chance.uniform(0.0, 1.0) if moment == "waking" else chance.uniform(*LOAD_S))
    if moment not in FAULTS:
        return True
    watch = Watch(journal)
    places: set[int] = set()

    def wanted(row: dict[str, Any]) -> bool:
        if row["kind"] == "request" and row["endpoint"] == "place" and row["fault"] == FAULTS[moment]:
            places.add(row["n"])
            return moment == "arrived"
        return row["kind"] == "answer" and row["to"] in places

    try:
        return watch.until(wanted)
    finally:
        watch.close()
