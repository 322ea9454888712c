"""The summary counts what ran, and a suite in which nothing ran is no success."""

from pathlib import Path

import pytest

from tools.test import counted

pytestmark = pytest.mark.native

REPORT = """<testsuites><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>
<testcase name="c"><skipped/></testcase><testcase name="d"><error/></testcase></testsuite></testsuites>"""


def test_cases_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(REPORT)
    outcome = counted("unit", tmp_path / "r.xml", 1.0, 1)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 2, 1)
    assert outcome.verdict == "failed"


@pytest.mark.parametrize("text", [None, "<broken", "<testsuites/>"])
def test_a_suite_that_ran_nothing_is_not_good(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "r.xml").write_text(text)
    outcome = counted("flow", tmp_path / "r.xml", 0.0, 0)
    assert not outcome.good
    assert outcome.verdict == "no tests ran"
