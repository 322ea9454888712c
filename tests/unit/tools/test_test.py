"""The summary counts what ran, and a suite in which nothing ran is no success."""

import subprocess
from pathlib import Path

import pytest

from tools import pyodide_tests
from tools.paths import ROOT
from tools.test import counted

pytestmark = pytest.mark.native

REPORT = """<testsuites><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>
<testcase name="c"><skipped/></testcase><testcase name="d"><error/></testcase></testsuite></testsuites>"""


def test_cases_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(REPORT)
    outcome = counted("unit", [tmp_path / "r.xml"], 1.0, 1)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 2, 1)
    assert outcome.verdict == "failed"


def test_a_suite_in_two_parts_is_one_suite_and_without_one_of_them_none(tmp_path: Path) -> None:
    (tmp_path / "0.xml").write_text(REPORT)
    both = [tmp_path / "0.xml", tmp_path / "1.xml"]
    assert not counted("pyodide", both, 1.0, 0).good
    (tmp_path / "1.xml").write_text(REPORT)
    assert counted("pyodide", both, 1.0, 1).failed == 4


def test_the_parts_of_the_unit_tests_are_all_of_them_each_once() -> None:
    parts = pyodide_tests.shares(2)
    named = [path for part in parts for path in part]
    tests = {file for file in pyodide_tests.UNIT.rglob("test_*.py") if pyodide_tests.LEFT_OUT not in file.parents}
    assert sorted(named) == sorted(file.relative_to(ROOT).as_posix() for file in tests)
    assert all(parts)


@pytest.mark.parametrize("codes", [(0, 0), (0, 5), (-9, 0), (1, 1)])
def test_each_interpreter_runs_what_the_others_leave_out_and_none_fails_unseen(
    codes: tuple[int, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[list[str]] = []

    def ran(arguments: list[str], *_: object) -> subprocess.CompletedProcess[bytes]:
        seen.append(arguments)
        [part] = [number for number in range(2) if f"--junitxml=/repo/build/{number}.xml" in arguments]
        return subprocess.CompletedProcess([], codes[part], f"said by {part}".encode())

    monkeypatch.setattr(pyodide_tests, "_pytest", ran)
    monkeypatch.setattr(pyodide_tests, "_packages", lambda: ROOT)
    code = pyodide_tests.run_all([ROOT / "build" / "0.xml", ROOT / "build" / "1.xml"])
    assert (code == 0) == (codes == (0, 0))
    told = capsys.readouterr().out
    assert "said by 0" in told and "said by 1" in told
    left_out = [{each.removeprefix("--ignore=") for each in one if each.startswith("--ignore=")} for one in seen]
    assert sorted(map(sorted, left_out)) == sorted(map(sorted, pyodide_tests.shares(2)))


@pytest.mark.parametrize("text", [None, "<broken", "<testsuites/>"])
def test_a_suite_that_ran_nothing_is_not_good(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "r.xml").write_text(text)
    outcome = counted("flow", [tmp_path / "r.xml"], 0.0, 0)
    assert not outcome.good
    assert outcome.verdict == "no tests ran"
