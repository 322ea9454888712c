"""One row for each thing measured, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from rich.console import Console
from rich.table import Table

COLUMNS = ("what", "measured", "yardstick", "ratio", "goal", "verdict")


class Verdict(Enum):
    """Whether a goal was met; `SAID` where there is none."""

    MET = "met"
    MISSED = "missed"
    SAID = ""

    @classmethod
    def of(cls, met: bool) -> Verdict:
        """Of a goal that there is."""
        return cls.MET if met else cls.MISSED


@dataclass(frozen=True, slots=True)
class Row:
    """Everything as it is shown."""

    what: str
    measured: str
    yardstick: str = ""
    ratio: str = ""
    goal: str = ""
    verdict: Verdict = Verdict.SAID


def at_most(what: str, value: float, limit: float, unit: str, digits: int = 2) -> Row:
    """A row whose goal is an upper bound in the same unit."""
    measured = f"{value:.{digits}f} {unit}"
    return Row(what, measured, goal=f"<= {limit:g} {unit}", verdict=Verdict.of(value <= limit))


def show(rows: Sequence[Row]) -> None:
    """Draws the table."""
    table = Table(title="bench", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("what", "verdict") else "right", no_wrap=True)
    for row in rows:
        cells = (row.what, row.measured, row.yardstick, row.ratio, row.goal, row.verdict.value)
        table.add_row(*cells, style="red" if row.verdict is Verdict.MISSED else "")
    Console(width=150).print(table)
