"""What a campaign came to, for the table and for build/chaos.json."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.evidence import Evidence


@dataclass
class Tally:
    """Counts of all desks together; times in seconds. `wrongs` is empty where every rule held, all the time.

    `missed` moments did not come, so any had to do; in `locked` rounds D1 took nothing until after the kill.
    """

    seed: int
    moments: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    locked: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    starts_s: list[float] = field(default_factory=list)
    settles_s: list[float] = field(default_factory=list)
    checks: int = 0
    trouble: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.moments.total()

    def add(self, e: Evidence) -> None:
        """One desk's whole history, at the end of all."""
        self.faults.update(row["fault"] for row in e.kinds("request") if row["fault"])
        places = [json.loads(row["body"])["client_id"] for row in e.kinds("request") if row["endpoint"] == "place"]
        self.counts.update(
            {
                "orders sent": len(set(places)),
                "sent again": len(places) - len(set(places)),
                "orders accepted": len(e.kinds("placed")),
                "fills": len(e.kinds("filled")),
                "events": len(e.journal),
                "cancels": sum(row["endpoint"] == "cancel" for row in e.kinds("request")),
                "replacements": len(e.events("replacement_intended")),
                "unknown, and resolved": len(e.events("order_unknown")),
                "not found, and sent anew or given up": len(e.events("order_not_found")),
                "halts": len(e.events("halted")),
                "orders told to callers": len(e.told.orders),
            }
        )

    def wire(self) -> dict[str, Any]:
        """As build/chaos.json has it."""
        return {
            "seed": self.seed,
            "kills": self.kills,
            "moments": dict(self.moments),
            "moments_missed": self.missed,
            "d1_locked": self.locked,
            "checks": self.checks,
            "counts": dict(self.counts),
            "faults": dict(self.faults),
            "asked": dict(self.asked),
            "start_s": _times(self.starts_s),
            "settle_s": _times(self.settles_s),
            "trouble": self.trouble,
            "wrongs": self.wrongs,
        }


def _times(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    return {"median": round(ordered[len(ordered) // 2], 2), "worst": round(ordered[-1], 2)}
