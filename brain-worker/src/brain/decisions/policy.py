"""Stage 4: a table of conditions, row by row; the first row that holds says what is done with an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from shared.model import Action
from shared.model.decision import PolicyRow

HOUR_MS = 3_600_000
ONE = Decimal(1)


class Case(NamedTuple):
    """What is judged. `score` and `bias` in -1..1, `dissent` in 0..1; `regime` is "" where none was found."""

    symbol: str
    strategy: str
    action: Action
    close_ms: int
    score: float
    bias: float
    dissent: float = 0.0
    regime: str = ""
    numbers: Mapping[str, float] = {}

    @property
    def hour(self) -> int:
        """Of the UTC day."""
        return self.close_ms // HOUR_MS % 24


class Ruling(NamedTuple):
    """`row` is the place of the row that held, from 0 on; None where none did. `factor` is what the size is multiplied with."""

    do: Literal["allow", "shrink", "veto", "ask"]
    reason: str = ""
    factor: Decimal = ONE
    row: int | None = None

    @property
    def code(self) -> str:
        """Why there is no proposal; "" where there is one."""
        return f"{self.do}:{self.reason}" if self.do in ("veto", "ask") else ""


ALLOWED = Ruling("allow")


def judge(rows: Sequence[PolicyRow], case: Case) -> Ruling:
    """Without a row that holds, and for every exit, it is allowed."""
    if case.action is Action.EXIT:
        return ALLOWED
    for at, row in enumerate(rows):
        if holds(row, case):
            return Ruling(row.do, row.reason, row.factor or ONE, at)
    return ALLOWED


def holds(row: PolicyRow, case: Case) -> bool:
    """Whether all conditions of the row do."""
    return (
        (row.strategy is None or row.strategy == case.strategy)
        and (row.action is None or row.action is case.action)
        and fnmatchcase(case.symbol, row.symbols)
        and (row.score is None or case.score in row.score)
        and (row.bias is None or case.bias in row.bias)
        and (row.dissent is None or case.dissent in row.dissent)
        and (row.hours is None or case.hour in row.hours)
        and (not row.regimes or case.regime in row.regimes)
        and all(name in case.numbers and case.numbers[name] in within for name, within in row.numbers.items())
    )
