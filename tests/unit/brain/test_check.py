"""Strategies are judged before anything runs with them."""

from __future__ import annotations

from typing import Any

import pytest

from brain.check import MAX_SETS, check
from brain.registry import STRATEGIES
from shared.errors import Invalid


def cross(**params: Any) -> list[dict[str, Any]]:
    return [{"name": "sma_cross", "params": params}]


def refusal(body: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        check(body)
    return caught.value


def test_what_can_run_is_counted() -> None:
    assert check({"sets": [cross()]}) == {"good": 1, "refused": 0}
    assert check({"sets": [cross(fast=50), cross(fast=3), cross(fast=21)]}) == {"good": 1, "refused": 2}


def test_where_not_one_can_run_the_first_is_told() -> None:
    found = refusal({"sets": [cross(fast=50), cross(fast=60)]})
    assert found.detail == "strategies.0.params: fast 50 must be below slow 20"


def test_an_unknown_strategy_is_told_with_those_that_there_are() -> None:
    found = refusal({"sets": [[{"name": "smacross", "params": {}}]]})
    assert found.context["field"] == "strategies.0.name"
    assert found.detail.endswith(", ".join(STRATEGIES))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "sets"),
        ({"sets": []}, "sets"),
        ({"sets": {}}, "sets"),
        ({"sets": [cross()] * (MAX_SETS + 1)}, "sets"),
        ({"sets": [[]]}, "strategies"),
        ({"sets": [cross()], "x": 1}, "x"),
    ],
)
def test_a_bad_body_is_named(body: Any, field: str) -> None:
    assert refusal(body).context["field"] == field
