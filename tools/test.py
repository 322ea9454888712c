"""Run every test, suite by suite, with one summary at the end.

unit runs natively (with coverage) and pyodide the same tests in Pyodide; contract holds code and docs together; simulation
runs the desk through seeds of faults; runtime and flow run in workerd. The last line is plain: `N passed, N failed, N skipped`.
"""

import argparse
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tools import pyodide_tests
from tools.failure import ToolError, run_main, say
from tools.paths import BUILD, ROOT

SUITES: Final = ("unit", "pyodide", "contract", "simulation", "runtime", "flow")
REPORTS: Final = BUILD / "junit"
COVERAGE_GOALS: Final = {"shared": 90, "brain-worker": 95}
PROCESSES: Final = 2
"""At a time, of the suites whose tests do not mind each other."""
COVERAGE: Final = (
    *(f"--numprocesses={PROCESSES}", "--cov", f"--cov-fail-under={min(COVERAGE_GOALS.values())}"),
    *("--cov-report=term:skip-covered", "--cov-report=xml:build/coverage.xml"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one suite came to."""

    suite: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    code: int

    @property
    def good(self) -> bool:
        """Whether it ran at least one test, and nothing failed."""
        return self.code == 0 and self.failed == 0 and self.passed > 0

    @property
    def verdict(self) -> str:
        """One word or two for the summary."""
        if self.good:
            return "passed"
        if self.failed:
            return "failed"
        return "no tests ran" if not self.passed else f"exit code {self.code}"


def counted(suite: str, reports: Sequence[Path], seconds: float, code: int) -> Outcome:
    """Read a suite's JUnit XML files; where one is missing or broken, no tests count."""
    try:
        roots = [ElementTree.parse(report).getroot() for report in reports]  # noqa: S314 - written by our own pytest
    except (FileNotFoundError, ElementTree.ParseError):
        roots = []
    cases = [case for root in roots for case in root.iter("testcase")]
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Outcome(suite, len(cases) - failed - skipped, failed, skipped, seconds, code)


def run_suite(suite: str) -> Outcome:
    """Run one suite and count what came of it."""
    say(f"\n=== {suite}")
    reports = [REPORTS / f"{suite}-{part}.xml" for part in range(PROCESSES if suite == "pyodide" else 1)]
    for report in reports:
        report.unlink(missing_ok=True)
    started = time.monotonic()
    if suite == "pyodide":
        code = pyodide_tests.run_all(reports)
    else:
        options = COVERAGE if suite == "unit" else ()
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={reports[0]}", *options, f"tests/{suite}"]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if suite == "unit" and code == 0:
            code = covered()
    return counted(suite, reports, time.monotonic() - started, code)


def covered() -> int:
    """0 when each measured folder reaches the goal by itself: a strong one must not hide a weak one."""
    worst = 0
    for folder, goal in COVERAGE_GOALS.items():
        report = ["coverage", "report", "--format=total", f"--include={folder}/*", f"--fail-under={goal}"]
        done = subprocess.run([sys.executable, "-m", *report], cwd=ROOT, check=False, capture_output=True, text=True)
        say(f"coverage of {folder}: {done.stdout.strip()} % (goal {goal} %)")
        worst = max(worst, done.returncode)
    return worst


def summary(outcomes: list[Outcome]) -> None:
    """Draw the table, then the plain line of totals."""
    table = Table(title="tests", title_justify="left")
    table.add_column("suite")
    for name in ("passed", "failed", "skipped", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for outcome in outcomes:
        counts = (str(outcome.passed), str(outcome.failed), str(outcome.skipped), f"{outcome.seconds:.0f}")
        table.add_row(outcome.suite, *counts, outcome.verdict, style="" if outcome.good else "red")
    Console().print(table)
    passed, failed, skipped = (sum(getattr(o, name) for o in outcomes) for name in ("passed", "failed", "skipped"))
    say(f"{passed} passed, {failed} failed, {skipped} skipped")


def main() -> int:
    """Run the suites that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tools.test", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"which (default: all): {', '.join(SUITES)}")
    suites: list[str] = parser.parse_args().suites or list(SUITES)
    if unknown := set(suites) - set(SUITES):
        raise ToolError(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    REPORTS.mkdir(parents=True, exist_ok=True)
    outcomes = [run_suite(suite) for suite in suites]
    summary(outcomes)
    return 0 if all(outcome.good for outcome in outcomes) else 1


if __name__ == "__main__":
    run_main(main)
