"""How a model that does not come into being says why."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.backtest import Span
from shared.errors import Invalid
from shared.model import Model
from shared.model.base import invalid_from


class Trip(Model):
    """A model within a model."""

    name: str
    span: Span


def refusal(body: str, where: str = "") -> Invalid:
    with pytest.raises(ValidationError) as caught:
        Trip.model_validate_json(body)
    return invalid_from(caught.value, where=where)


def test_what_is_missing_is_said_to_be_missing() -> None:
    found = refusal('{"name": "x", "span": {"from_ms": 1}}')
    assert found.detail == "span.to_ms: is missing; give it"
    assert found.context == {"field": "span.to_ms", "rule": "is missing", "remedy": "give it"}


def test_a_rule_over_several_fields_is_told_without_all_the_others() -> None:
    found = refusal('{"name": "x", "span": {"from_ms": 5, "to_ms": 3}}')
    assert found.detail == "span: from_ms 5 must be before to_ms 3"
    assert found.context["field"] == "span"


def test_an_object_where_something_else_is_meant_is_told_without_what_stands_in_it() -> None:
    found = refusal('{"name": {"token": "hunter2"}, "span": {"from_ms": 1, "to_ms": 2}}')
    assert found.detail == "name: input should be a valid string"
    assert "value" not in found.context


def test_what_is_too_much_is_to_be_removed() -> None:
    found = refusal('{"name": "x", "span": {"from_ms": 1, "to_ms": 2}, "more": 1}')
    assert (found.context["field"], found.context["value"], found.context["remedy"]) == ("more", "1", "remove it")


def test_the_place_of_the_whole_stands_before_the_field() -> None:
    assert refusal('{"span": {"from_ms": 1, "to_ms": 2}}', "trips.3").context["field"] == "trips.3.name"
    assert refusal("[]", "trips.3").context["field"] == "trips.3"
    assert refusal("[]").context["field"] == "Trip"
