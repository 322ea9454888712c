"""The rows that a source refuses, collected while the rest still plays."""

from __future__ import annotations

from tools.replay.errors import Refusal, RuleError

DETAILED = 1_000


class Refused:
    """Counts every refusal, and keeps the first thousand of them in full."""

    def __init__(self) -> None:
        self.count = 0
        self.details: list[Refusal] = []

    def add(self, file: str, line: int, broken: RuleError) -> None:
        """Refuse `line` of `file`."""
        self.count += 1
        if len(self.details) < DETAILED:
            self.details.append(Refusal.of(file, line, broken))
