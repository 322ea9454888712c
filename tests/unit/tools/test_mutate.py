"""What counts as a change, how it is made in a live process, and what is told of the rest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tools.mutate import equivalent, mutants, report
from tools.mutate.coverage_of import Covered
from tools.mutate.forks import Fate, changed_code
from tools.mutate.mutants import Mutant

SOURCE = '''
"""Words."""
from typing import Any
__all__ = ["one"]
_log = log.get("x")
Alias = dict[str, int | None]
MOST = 3

def one(a: int | None = None, b: int = 2) -> int:
    """Words."""
    _log.warning("seen", extra={"a": 1})
    if isinstance(a, int) and a < b:
        raise Refused("words for people", code="late")
    return a

class Two:
    name = "two"

    @property
    def three(self) -> str:
        return f"{self.name}-x" + f"words of {self.name + 1}"
'''


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mutant]:
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    path = tmp_path / "shared" / "x.py"
    path.parent.mkdir()
    path.write_text(SOURCE)
    return mutants.mutants(path)


def changes(found: list[Mutant]) -> set[tuple[str, str, str]]:
    return {(each.function, each.before, each.after) for each in found}


def test_every_meaningful_place_is_changed_and_no_other(found: list[Mutant]) -> None:
    told = changes(found)
    assert ("", "MOST = 3", "MOST = None") in told
    assert ("", "3", "4") in told
    assert ("", "2", "3") in told, "a default belongs to the import, not to the body"
    assert ("one", "< b", "<= b") in {(name, before.strip(), after.strip()) for name, before, after in told}
    assert ("one", '"late"', '"XXlateXX"') in told
    assert (
        "Two.three",
        'f"{self.name}-x" + f"words of {self.name + 1}"',
        'f"{self.name}-x" - f"words of {self.name + 1}"',
    ) in told
    texts = " ".join(before for _, before, _ in told)
    for untouched in ("Alias", "__all__", "seen", "extra", "isinstance", "Any", '"x"'):
        assert untouched not in texts.replace("isinstance(a, int) and a < b", "")
    assert not [after for _, before, after in told if before.startswith("Refused") and "words for people" not in after]


def test_each_change_gives_a_text_that_can_be_compiled(found: list[Mutant]) -> None:
    for mutant in found:
        assert mutant.source() != SOURCE
        code = changed_code(mutant)
        assert (code is None) is (mutant.function == "")
        assert code is None or code.co_qualname == mutant.function


def test_lines_are_those_of_the_statement(found: list[Mutant]) -> None:
    late = next(each for each in found if each.before == '"late"')
    assert SOURCE.splitlines()[late.lines.start - 1].strip().startswith("raise Refused")
    assert late.where == f"shared/x.py:{late.lines.start} one"


def test_a_change_is_named_by_its_whole_statement(found: list[Mutant]) -> None:
    said = 'raise Refused("words for people", code="late")'
    late = next(each for each in found if each.before == '"late"')
    assert equivalent.key(late) == ("shared.x", "one", said, said.replace("late", "XXlateXX"))
    assert equivalent.key(next(each for each in found if each.before == "3"))[2:] == ("MOST = 3", "MOST = 4")


def test_an_entry_that_no_mutant_answers_to_is_stale(found: list[Mutant]) -> None:
    known = equivalent.key(found[0])
    gone = known._replace(before="something else")
    elsewhere = known._replace(module="shared.other")
    assert equivalent.stale({known: "why", gone: "why", elsewhere: "why"}, found) == [gone]


def test_an_entry_says_why(tmp_path: Path) -> None:
    entry = '[[equivalent]]\nmodule = "a"\nfunction = "f"\nbefore = "1"\nafter = "2"\nreason = "the same"\n'
    path = tmp_path / "list.toml"
    path.write_text(entry)
    assert list(equivalent.read(path).values()) == ["the same"]
    path.write_text(entry + entry)
    with pytest.raises(equivalent.ToolError, match="twice"):
        equivalent.read(path)


class Item:
    """Of pytest: all that is asked of one is its name."""

    def __init__(self, nodeid: str) -> None:
        self.nodeid = nodeid


def covered(lines: dict[Path, dict[int, list[str]]], *names: str) -> Covered:
    """As if it had measured that."""
    made = Covered.__new__(Covered)
    made._items = {name: Item(name) for name in names}  # type: ignore[misc]
    made._seconds = {name: float(number) for number, name in enumerate(reversed(names))}
    made._lines = lines
    return made


def test_a_mutant_meets_the_tests_that_run_it_and_a_declaration_those_named_for_its_module(found: list[Mutant]) -> None:
    names = ("t/test_a.py::one", "t/test_a.py::two", "t/test_x.py::one", "t/test_xx.py::one")
    inside = next(each for each in found if each.before == '"late"')
    outside = next(each for each in found if each.before == "MOST = 3")
    measured = covered({inside.path: {inside.lines.start: ["", "t/test_a.py::two"]}}, *names)
    assert [item.nodeid for item in measured.trial(inside).tests] == ["t/test_a.py::two"]
    assert [item.nodeid for item in measured.trial(outside).tests] == ["t/test_a.py::two", "t/test_a.py::one"]
    never = covered({inside.path: {1: [""]}}, *names)
    assert never.trial(inside).tests == []
    assert [item.nodeid for item in never.trial(outside).tests] == ["t/test_x.py::one"]


def test_what_cannot_be_noticed_does_not_count() -> None:
    counts = Counter({Fate.KILLED: 6, Fate.TIMEOUT: 1, Fate.SURVIVED: 2, Fate.UNTESTED: 1, Fate.EQUIVALENT: 5})
    assert report.killed(counts) == (7, 10)


def test_the_interval_is_wilsons() -> None:
    # the worked example of A. Agresti and B. Coull (1998): no success in ten gives 0 to 0.278
    low, high = report.wilson(0, 10)
    assert (low, round(high, 3)) == (0.0, 0.278)
    low, high = report.wilson(90, 100)
    assert (round(low, 3), round(high, 3)) == (0.826, 0.945)
    assert report.wilson(0, 0) == (0.0, 1.0)


def test_survivors_are_written_with_their_diff_and_the_entry_that_would_excuse_them(
    found: list[Mutant], tmp_path: Path
) -> None:
    late = next(each for each in found if each.before == '"late"')
    report.write([(late, Fate.SURVIVED), (found[0], Fate.KILLED)], tmp_path / "out")
    text = (tmp_path / "out" / "survivors.md").read_text()
    assert '+        raise Refused("words for people", code="XXlateXX")' in text
    entry = text.split("```toml\n")[1].split("```")[0] + 'reason = "x"\n'
    path = tmp_path / "list.toml"
    path.write_text(entry)
    assert list(equivalent.read(path)) == [equivalent.key(late)]
    assert text.count("## ") == 1
