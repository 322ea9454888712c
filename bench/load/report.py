"""What a run came to, as numbers, as a table and as a plot of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.load.plan import Sample
from bench.timing import percentile

BLOCKS = " ▁▂▃▄▅▆▇█"
NOT_SENT = "skipped"


@dataclass(frozen=True, slots=True)
class Run:
    """Milliseconds count from when a command was due. `sent` is a second, as planned; `answered` as it came."""

    name: str
    desks: int
    rate: float
    commands: int
    answered_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    worst_ms: float
    errors: int
    refused: int
    late_p99_ms: float
    codes: dict[str, int]
    by_second: list[float]
    """p99 of what was due in each second."""

    @classmethod
    def of(cls, name: str, desks: int, rate: float, samples: Sequence[Sample]) -> Run:
        """The numbers of one run; `rate` is that of the plan."""
        sent = [each for each in samples if each.code != NOT_SENT]
        times = [each.ms for each in sent]
        took_s = max(each.at_s + each.ms / 1000 for each in sent) - min(each.at_s for each in sent)
        seconds = range(int(max(each.at_s for each in sent)) + 1)
        per_second = [[each.ms for each in sent if int(each.at_s) == second] for second in seconds]
        return cls(
            name=name,
            desks=desks,
            rate=rate,
            commands=len(sent),
            answered_per_s=len(sent) / took_s,
            p50_ms=percentile(times, 0.5),
            p90_ms=percentile(times, 0.9),
            p99_ms=percentile(times, 0.99),
            worst_ms=max(times),
            errors=sum(each.failed for each in sent),
            refused=sum(bool(each.code) and not each.failed for each in sent),
            late_p99_ms=percentile([each.late_ms for each in sent], 0.99),
            codes=dict(Counter(each.code for each in sent if each.code)),
            by_second=[round(percentile(each, 0.99), 1) for each in per_second if each],
        )

    def wire(self) -> dict[str, Any]:
        """For the results' JSON."""
        return asdict(self)


def bars(values: Sequence[float], most: float | None = None) -> str:
    """One character a value, from empty to a full block at `most` or above; "" for no values."""
    top = most or max(values, default=0.0) or 1.0
    return "".join(BLOCKS[min(len(BLOCKS) - 1, int(value / top * (len(BLOCKS) - 1) + 0.5))] for value in values)


def show(runs: Sequence[Run]) -> None:
    """The table, and p99 over the seconds of each run."""
    console = Console(width=150)
    table = Table(title="load", title_justify="left")
    columns = (
        "run",
        "desks",
        "asked/s",
        "answered/s",
        "commands",
        "p50 ms",
        "p90",
        "p99",
        "worst",
        "errors",
        "refused",
    )
    for column in (*columns, "generator late p99"):
        table.add_column(column, justify="left" if column == "run" else "right")
    for run in runs:
        times = (f"{ms:,.1f}" for ms in (run.p50_ms, run.p90_ms, run.p99_ms, run.worst_ms))
        counts = (str(run.desks), f"{run.rate:g}", f"{run.answered_per_s:.0f}", str(run.commands))
        table.add_row(run.name, *counts, *times, str(run.errors), str(run.refused), f"{run.late_p99_ms:.1f}")
    console.print(table)
    width = max((len(run.name) for run in runs), default=0)
    console.print("p99 of the commands due in each second, a full block is the worst of the run:")
    for run in runs:
        console.print(f"  {run.name:<{width}} |{bars(run.by_second)}| {max(run.by_second):,.0f} ms", highlight=False)
    for run in runs:
        if run.codes:
            console.print(f"  {run.name}: {run.codes}", highlight=False)
