"""What came of a run: a table for each module, the survivors with their diffs, and everything as JSON."""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tools.mutate.equivalent import key
from tools.mutate.forks import Fate
from tools.mutate.mutants import Mutant
from tools.paths import BUILD

FOLDER: Final = BUILD / "mutation"
COUNTED: Final = (Fate.KILLED, Fate.TIMEOUT, Fate.SURVIVED, Fate.UNTESTED)
Z95: Final = 1.959964
Results = Sequence[tuple[Mutant, Fate]]


def wilson(good: int, total: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (E. B. Wilson, 1927); (0, 1) for nothing counted."""
    if not total:
        return 0.0, 1.0
    share, z2 = good / total, Z95 * Z95
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def killed(counts: Counter[Fate]) -> tuple[int, int]:
    """How many of those that count were killed, and how many count: equivalent ones do not."""
    return counts[Fate.KILLED] + counts[Fate.TIMEOUT], sum(counts[fate] for fate in COUNTED)


def by_module(results: Results) -> dict[str, Counter[Fate]]:
    """Module -> how many met which fate."""
    found: dict[str, Counter[Fate]] = {}
    for mutant, fate in results:
        found.setdefault(mutant.module, Counter())[fate] += 1
    return dict(sorted(found.items()))


def show(results: Results, sampled: bool) -> None:
    """Draws the table; of a sample, the total's share has its confidence interval."""
    table = Table(title="mutation", title_justify="left")
    table.add_column("module")
    for name in ("mutants", *Fate, "killed %"):
        table.add_column(str(name), justify="right")
    total: Counter[Fate] = Counter()
    for module, counts in by_module(results).items():
        total += counts
        table.add_row(*_row(module, counts), style="red" if counts[Fate.SURVIVED] + counts[Fate.UNTESTED] else "")
    table.add_section()
    table.add_row(*_row("all", total))
    console = Console(width=130)
    console.print(table)
    if sampled:
        low, high = wilson(*killed(total))
        console.print(f"a random sample: {100 * low:.1f} to {100 * high:.1f} % of all are killed, with 95 % confidence")


def _row(name: str, counts: Counter[Fate]) -> list[str]:
    good, all_ = killed(counts)
    share = f"{100 * good / all_:.1f}" if all_ else "–"
    return [name, str(counts.total()), *(str(counts[fate]) for fate in Fate), share]


def write(results: Results, folder: Path = FOLDER) -> None:
    """`results.json` and `survivors.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {module: {str(f): n for f, n in each.items()} for module, each in by_module(results).items()}
    (folder / "results.json").write_text(json.dumps(counts, indent=1) + "\n")
    lines = ["# Survivors", ""]
    for mutant, fate in results:
        if fate in (Fate.SURVIVED, Fate.UNTESTED):
            lines += [f"## {mutant.where} ({fate})", "", "```diff", *_diff(mutant), "```", "", *_entry(mutant), ""]
    (folder / "survivors.md").write_text("\n".join(lines))


def _diff(mutant: Mutant) -> list[str]:
    before, after = mutant.path.read_text().splitlines(), mutant.source().splitlines()
    return list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]


def _entry(mutant: Mutant) -> list[str]:
    """What would have to stand in the list of equivalent ones."""
    change = key(mutant)
    texts = [f"{name} = {json.dumps(value)}" for name, value in zip(change._fields, change, strict=True)]
    return ["```toml", "[[equivalent]]", *texts, "```"]
