"""Change the desk's core in every small way there is, one change at a time, and see whether a test notices.

All of shared/desk takes some minutes. What no test noticed is listed with its diff in build/mutation/survivors.md;
changes that cannot be noticed stand with their reason in tests/mutation/equivalent.toml.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tools.failure import ToolError, run_main, say
from tools.mutate import equivalent, report
from tools.mutate.coverage_of import Covered
from tools.mutate.forks import Fate, fates
from tools.mutate.mutants import Mutant, mutants
from tools.paths import ROOT

SOURCE: Final = ROOT / "shared" / "desk"
TESTS: Final = "tests/unit/desk"
EXAMPLES: Final = 15
SAID_EVERY: Final = 100
"""Where there is no terminal to draw a bar on."""


class Runner:
    """A pytest plugin: lets pytest collect, and then runs mutants instead of the tests."""

    def __init__(self, chosen: Sequence[Mutant], jobs: int) -> None:
        self._chosen = chosen
        self._jobs = jobs
        self.results: list[tuple[Mutant, Fate]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} errors while collecting: nothing can be tried")
        say(f"mutate: {len(session.items)} tests, {len(self._chosen)} mutants; measuring which test runs which line")
        with tempfile.TemporaryDirectory(prefix="edgedesk-mutate-") as folder:
            covered = Covered(session.items, SOURCE, Path(folder))
        listed = equivalent.read()
        trials = []
        for mutant in self._chosen:
            trial = covered.trial(mutant)
            if equivalent.key(mutant) in listed:
                self.results.append((mutant, Fate.EQUIVALENT))
            elif not trial.tests:
                self.results.append((mutant, Fate.UNTESTED))
            else:
                trials.append(trial)
        bar = Progress(
            TextColumn("mutate"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[lived]} survived"),
            TimeRemainingColumn(),
            console=Console(width=100),
            auto_refresh=False,  # a thread would not survive the forks
        )
        with bar:
            task = bar.add_task("", total=len(trials), lived=0)
            lived = 0
            for trial, fate in fates(trials, self._jobs):
                lived += fate is Fate.SURVIVED
                self.results.append((trial.mutant, fate))
                bar.update(task, advance=1, lived=lived, refresh=bar.console.is_terminal)
                if not bar.console.is_terminal and len(self.results) % SAID_EVERY == 0:
                    say(f"mutate: {len(self.results)} of {len(self._chosen)} done, {lived} survived")
        return True


def files(names: Sequence[str]) -> list[Path]:
    """Of the modules named, by their path below shared/desk (`ledger`, `protections/drawdown`); all where none is."""
    if not names:
        return sorted(SOURCE.rglob("*.py"))
    found = [SOURCE / f"{name.strip().removesuffix('.py')}.py" for name in names]
    if missing := [path.stem for path in found if not path.is_file()]:
        known = ", ".join(sorted(path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py")))
        raise ToolError(f"no such module: {', '.join(missing)}; there are {known}")
    return found


def chosen_of(paths: Sequence[Path], sample: int, seed: int) -> list[Mutant]:
    """All mutants, or a random sample of them; ToolError for an entry of the list that no mutant answers to."""
    found = [mutant for path in paths for mutant in mutants(path)]
    if stale := equivalent.stale(equivalent.read(), found):
        raise ToolError(f"{equivalent.FILE.name}: the code has moved on: take out or renew {stale[0]}")
    if not 0 < sample < len(found):
        return found
    return sorted(random.Random(seed).sample(found, sample), key=lambda each: (each.module, each.start))  # noqa: S311


def run(chosen: Sequence[Mutant], jobs: int) -> list[tuple[Mutant, Fate]]:
    """Each mutant with its fate, in the order of the text."""
    settings.register_profile(
        "mutate",
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutate")
    runner = Runner(chosen, jobs)
    options = ["-q", "-s", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-cov", TESTS]
    code = pytest.main(options, [runner])
    if len(runner.results) != len(chosen):
        raise ToolError(f"pytest ended with code {code} before every mutant was tried: see above")
    return sorted(runner.results, key=lambda each: (each[0].module, each[0].start))


def main() -> int:
    """0, or with `--strict` 2 when something survived."""
    env = os.environ
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("--modules", default=env.get("MODULES", ""), help="MODULES: such as ledger,log (default: all)")
    parser.add_argument("--sample", type=int, default=int(env.get("SAMPLE") or 0), help="SAMPLE: so many at random")
    parser.add_argument("--seed", type=int, default=int(env.get("SEED") or 1), help="SEED: of the sample (default: 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--strict", action="store_true", help="exit with 2 when a mutant survived")
    asked = parser.parse_args()
    paths = files([name for name in asked.modules.split(",") if name.strip()])
    results = run(chosen_of(paths, asked.sample, asked.seed), asked.jobs)
    report.show(results, sampled=asked.sample > 0)
    report.write(results)
    lived = sum(fate in (Fate.SURVIVED, Fate.UNTESTED) for _, fate in results)
    say(f"{len(results)} mutants, {lived} survived: {report.FOLDER.relative_to(ROOT) / 'survivors.md'}")
    return 2 if lived and asked.strict else 0


if __name__ == "__main__":
    run_main(main)
