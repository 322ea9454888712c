"""Which test runs which line, and how long each test takes: measured once, in a fork, before anything is changed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import coverage
import pytest
from pydantic import TypeAdapter

from shared.jsontext import read_json
from tools.failure import ToolError
from tools.mutate.forks import Trial, in_fork
from tools.mutate.mutants import Mutant

_SECONDS = TypeAdapter(dict[str, float])


class Failures:
    """A pytest plugin that collects what fails."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of each phase of each test."""
        if report.failed:
            self.names.append(report.nodeid)


class Covered:
    """`tests_of` answers from one measured run of all tests."""

    def __init__(self, items: Sequence[pytest.Item], source: Path, folder: Path) -> None:
        self._items = {item.nodeid: item for item in items}
        self._source = source
        in_fork(self._measure, folder)
        self._seconds = _SECONDS.validate_python(read_json((folder / "seconds.json").read_text()))
        data = coverage.CoverageData(str(folder / "coverage"))
        data.read()
        self._lines = {Path(name): data.contexts_by_lineno(name) for name in data.measured_files()}

    def _measure(self, folder: Path) -> None:
        measured = coverage.Coverage(
            data_file=str(folder / "coverage"), source=[str(self._source)], config_file=False, messages=False
        )
        failures = Failures()
        config = next(iter(self._items.values())).config
        config.pluginmanager.register(failures)
        seconds = {}
        measured.start()
        for name, item in self._items.items():
            measured.switch_context(name)
            began = time.monotonic()
            config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            seconds[name] = time.monotonic() - began
        measured.stop()
        measured.save()
        if failures.names:
            raise ToolError(f"tests fail before anything is changed: {', '.join(failures.names[:5])}")
        (folder / "seconds.json").write_text(json.dumps(seconds))

    def trial(self, mutant: Mutant) -> Trial:
        """The tests that run the mutant's statement, those of the file named for the module and the quickest first.

        For one that is made at import: those that run anything of its module, and all that stand in one file with them;
        where nothing of it ever runs, since it only declares, the file that is named for it.
        """
        lines = self._lines.get(mutant.path, {})
        own = f"/test_{mutant.path.name}"
        names = {name for line in mutant.lines if mutant.function for name in lines.get(line, [])}
        if not mutant.function:
            files = {_file(name) for found in lines.values() for name in found if name}
            names = {name for name in self._items if _file(name) in files or (not files and _file(name).endswith(own))}
        ordered = sorted(
            names & self._items.keys(), key=lambda name: (not _file(name).endswith(own), self._seconds[name])
        )
        return Trial(mutant, [self._items[name] for name in ordered], [self._seconds[name] for name in ordered])


def _file(test: str) -> str:
    return test.split("::")[0]
