"""Who sits in a committee."""

from __future__ import annotations

import pytest

from brain.decisions.members import members

THERE = ["b@1:x", "a@1:x"]


@pytest.mark.parametrize(
    ("lost", "known", "more"),
    [
        ((), ["c@1:x"], []),
        (["c"], [], ["c@0:0"]),
        (["c"], ["c@2:y", "cc@1:x", "a@1:x"], ["c@2:y"]),
        (["c"], ["c@0:0"], ["c@0:0"]),
        # one of a name is there, another one is lost
        (["a"], ["a@1:x"], ["a@0:0"]),
        (["a"], ["a@1:x", "a@1:y"], ["a@1:y"]),
        (["c", "d", "c"], ["c@1:x"], ["c@0:0", "c@1:x", "d@0:0"]),
        (["c", "c"], ["c@0:1"], ["c@0:0", "c@0:1"]),
        # which of them it was, nobody can tell
        (["c"], ["c@1:x", "c@1:y"], ["c@1:x", "c@1:y"]),
    ],
)
def test_of_a_lost_one_its_own_keys_are_kept_and_others_only_stand_in_for_it(
    lost: list[str], known: list[str], more: list[str]
) -> None:
    assert members(THERE, lost, known) == sorted([*THERE, *more])


def test_where_none_are_named_none_are() -> None:
    assert members((), (), ["a@1:x"]) == []
