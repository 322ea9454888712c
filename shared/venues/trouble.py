"""What a venue's answers were like: rows refused and why, duplicates, disorder, retries; counted, with samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_SAMPLES = 10
MAX_SHOWN = 80


class RefusedRow(NamedTuple):
    """One row that was left out: where it stood, what it said, and the rule it breaks."""

    symbol: str
    number: int
    field: str
    value: str
    rule: str

    def __str__(self) -> str:
        return f"{self.symbol}[{self.number}].{self.field}: {self.value} {self.rule}"


@dataclass
class Trouble:
    """Collects over one run; `refused_at` holds the readable open times of each symbol's refused rows."""

    counts: Counter[str] = field(default_factory=Counter)
    samples: list[RefusedRow] = field(default_factory=list)
    refused_at: dict[str, set[int]] = field(default_factory=dict)

    def note(self, what: str, n: int = 1) -> None:
        """Adds to a count; nothing is written for none."""
        if n:
            self.counts[what] += n

    def refuse(self, row: RefusedRow, open_time_ms: int | None = None) -> None:
        """Counts a row that was left out, and keeps the first few as samples."""
        self.note("rows_refused")
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(row._replace(value=row.value[:MAX_SHOWN]))
        if open_time_ms is not None:
            self.refused_at.setdefault(row.symbol, set()).add(open_time_ms)
