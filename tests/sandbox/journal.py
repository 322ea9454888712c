"""All that the sandbox saw and did, in order: proofs are judged by it and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sandbox.venue_time import VenueTime


class Journal:
    """Rows of `n`, `wall_ms`, `market_ms`, `kind` and what the kind brings; also written to a file, where one is given."""

    def __init__(self, time: VenueTime, file: Path | None = None) -> None:
        self.rows: list[dict[str, Any]] = []
        self._time = time
        self._file = file

    def note(self, kind: str, **said: Any) -> int:
        """Its number."""
        row = {
            "n": len(self.rows) + 1,
            "wall_ms": self._time.wall_ms(),
            "market_ms": self._time.market_ms(),
            "kind": kind,
            **said,
        }
        self.rows.append(row)
        if self._file is not None:
            with self._file.open("a") as out:
                out.write(json.dumps(row, separators=(",", ":")) + "\n")
        return int(row["n"])

    def after(self, n: int) -> list[dict[str, Any]]:
        return self.rows[n:]
