"""Runs the tests against each mutant in a fork of one process that has imported and collected everything once.

A change inside a function is made by giving the live function the changed code, so that nothing is imported again. A change
that is made as a module is imported has its fork forget our modules and collect anew; pydantic and the rest stay as they are.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Final, NamedTuple, NoReturn

import pytest

from tools.mutate.mutants import Mutant

MOST_BYTES: Final = 4 * 1024**3
"""Of memory, for a mutant that never stops growing."""
LEAST_S: Final = 5.0
TEST_S: Final = 2.0
TIMES: Final = 5.0
"""How many times its usual seconds a test may take, and all of a mutant's tests together, beside the least."""
MOST_TOLD: Final = 200
"""An exit code is a byte."""
OURS: Final = ("shared", "tests")


class Fate(StrEnum):
    """`timeout` counts as killed; `untested` means that no test comes near it, which counts as survived."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    UNTESTED = "untested"
    EQUIVALENT = "equivalent"


class Trial(NamedTuple):
    """A mutant, the tests to run against it, the quickest first, and how many seconds each of them usually takes."""

    mutant: Mutant
    tests: Sequence[pytest.Item]
    seconds: Sequence[float]


class Failed:
    """A pytest plugin that ends its process at the first failure; the exit code tells at which test, where that fits."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}
        self.number = 0

    def _end(self) -> NoReturn:
        os._exit(1 + self.number if self.number < MOST_TOLD else 1)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of each phase of each test."""
        if report.failed:
            self.number = self._numbers.get(report.nodeid, self.number)
            self._end()

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be imported any more."""
        if report.failed:
            self._end()


def functions() -> dict[tuple[str, str], list[FunctionType]]:
    """Every live function of ours, by module and qualified name."""
    found: dict[tuple[str, str], list[FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and str(each.__module__).startswith("shared."):
            found.setdefault((each.__module__, each.__code__.co_qualname), []).append(each)
    return found


def changed_code(mutant: Mutant) -> CodeType | None:
    """The code of the mutant's function; None where the change is not in a function."""
    waiting = [compile(mutant.source(), str(mutant.path), "exec", dont_inherit=True)]
    while waiting and mutant.function:
        code = waiting.pop()
        if code.co_qualname == mutant.function:
            return code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    return None


class _Changed:
    """Finds and loads the one changed module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Of the changed module only."""
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self._mutant.path, loader=self)  # type: ignore[arg-type]

    def create_module(self, _spec: ModuleSpec) -> None:
        """An ordinary one."""

    def exec_module(self, module: ModuleType) -> None:
        """Runs the changed text in it."""
        text = compile(self._mutant.source(), str(self._mutant.path), "exec", dont_inherit=True)
        exec(text, vars(module))  # noqa: S102 - our own source with one change


def _run(trial: Trial, known: dict[tuple[str, str], list[FunctionType]]) -> NoReturn:
    """In the fork: exits with 0 when every test passed, which is bad."""
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    live = known.get((trial.mutant.module, trial.mutant.function), [])
    code = changed_code(trial.mutant)
    if code is None or not live:
        _collect_anew(trial)
    for function in live:
        function.__code__ = code
    failed = Failed()
    trial.tests[0].config.pluginmanager.register(failed)
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    for failed.number, (item, usual_s) in enumerate(zip(trial.tests, trial.seconds, strict=True)):
        # of this process's own time, so that a busy machine kills nobody; a test's alarm is its own
        signal.setitimer(signal.ITIMER_VIRTUAL, TEST_S + TIMES * usual_s)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    os._exit(0)


def _collect_anew(trial: Trial) -> NoReturn:
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Changed(trial.mutant))
    options = ["-q", "-x", "-s", "-p", "no:cacheprovider", "--no-cov"]
    with tempfile.TemporaryDirectory() as folder:
        names = [item.nodeid for item in trial.tests]
        files = dict.fromkeys(name.split("::")[0] for name in names)
        code = pytest.main([*options, f"--basetemp={folder}/tests", *files], [Failed(names)])
    os._exit(1 if code else 0)


class _Child(NamedTuple):
    trial: Trial
    deadline: float


def fates(
    trials: Sequence[Trial], jobs: int, clock: Callable[[], float] = time.monotonic
) -> Iterator[tuple[Trial, Fate]]:
    """Each trial with what came of it, as they end; `jobs` of them at a time."""
    known = functions()
    children: dict[int, _Child] = {}
    waiting = list(reversed(trials))
    kills: Counter[str] = Counter()
    try:
        while waiting or children:
            while waiting and len(children) < jobs:
                trial = _by_worth(waiting.pop(), kills)
                pid = os.fork()
                if pid == 0:
                    _end_with(_run, trial, known)
                children[pid] = _Child(trial, clock() + LEAST_S + TIMES * sum(trial.seconds))
            yield from _ended(children, clock(), kills)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _end_with(run: Callable[..., NoReturn], *arguments: object) -> NoReturn:
    try:
        run(*arguments)
    finally:
        # whatever went wrong inside, the fork must never come back here
        os._exit(1)


def _by_worth(trial: Trial, kills: Counter[str]) -> Trial:
    """What has killed most mutants a second stands first: it will kill this one too."""
    worth = {
        item.nodeid: kills[item.nodeid] / (0.01 + each) for item, each in zip(trial.tests, trial.seconds, strict=True)
    }
    both = sorted(zip(trial.tests, trial.seconds, strict=True), key=lambda each: -worth[each[0].nodeid])
    return trial._replace(tests=[item for item, _ in both], seconds=[each for _, each in both])


def _ended(children: dict[int, _Child], now: float, kills: Counter[str]) -> Iterator[tuple[Trial, Fate]]:
    time.sleep(0.002)
    for pid, (trial, deadline) in list(children.items()):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            del children[pid]
            if os.WIFEXITED(status) and 0 < os.WEXITSTATUS(status) <= len(trial.tests):
                kills[trial.tests[os.WEXITSTATUS(status) - 1].nodeid] += 1
            over = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGVTALRM
            yield trial, Fate.TIMEOUT if over else Fate.SURVIVED if status == 0 else Fate.KILLED
        elif now > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            del children[pid]
            yield trial, Fate.TIMEOUT


def in_fork(work: Callable[[Path], None], folder: Path) -> None:
    """Runs `work` in a fork and waits; ChildProcessError when it did not end well."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(folder)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    if os.waitpid(pid, 0)[1]:
        raise ChildProcessError("the fork failed: see above")
