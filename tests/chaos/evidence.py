"""What is known of one desk once all is quiet: what the sandbox saw, what D1 and the object hold, what callers were told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.told import Told

Row = dict[str, Any]
CASH = "1000000"
READ_BACK = ("request", "answer", "placed", "filled")
"""The kinds of the sandbox's journal that proofs are made of."""


@dataclass
class Evidence:
    """`venue` is the sandbox's journal, `account` its truth; `journal`, `fills`, `orders` are rows of D1, `log` of the object."""

    desk: str
    told: Told
    cash: str = CASH
    venue: list[Row] = field(default_factory=list)
    venue_read: int = 0
    account: Row = field(default_factory=dict)
    journal: list[Row] = field(default_factory=list)
    log: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    view: Row = field(default_factory=dict)
    positions: list[Row] = field(default_factory=list)

    def saw(self, rows: list[Row]) -> None:
        """More of the sandbox's journal."""
        for row in rows:
            self.venue_read = row["n"]
            if row["kind"] in READ_BACK:
                self.venue.append(row)

    def kinds(self, kind: str) -> list[Row]:
        return [row for row in self.venue if row["kind"] == kind]

    def events(self, kind: str) -> list[Row]:
        """Bodies of the events of one kind in D1, each with its `seq`."""
        return [json.loads(row["body"]) | {"seq": row["seq"]} for row in self.journal if row["kind"] == kind]
