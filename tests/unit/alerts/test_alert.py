"""An alert is valid at birth, and stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import Invalid
from tests.unit.alerts.samples import alert


@pytest.mark.parametrize(
    "change",
    [
        {"id": "xyz"},
        {"desk": "Not A Desk"},
        {"severity": "urgent"},
        {"code": "Bad Code"},
        {"dedupe_key": ""},
        {"dedupe_key": "a\nb"},
        {"title": ""},
        {"title": "a\r\nBcc: x"},
        {"title": "x" * 201},
        {"detail": "x" * 4001},
        {"context": {"a": 1.5}},
        {"context": {"a": {"b": 1}}},
        {"context": {"a": True}},
        {"context": {"a": None}},
        {"context": {"A b": 1}},
        {"context": {"a": "x" * 401}},
        {"context": {f"n{i}": i for i in range(33)}},
        {"at_ms": -1},
        {"resolves": [""]},
        {"resolves": ["a\nb"]},
        {"resolves": ["k"] * 21},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_wrong_alert_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        alert(**change)


def test_what_resolves_nothing_says_nothing_of_it() -> None:
    # a release that does not know the field reads every other alert
    assert "resolves" not in alert().json_text()
    assert "resolves" not in alert().wire()
    assert alert(resolves=["k"]).wire()["resolves"] == ["k"]


def test_an_alert_does_not_change() -> None:
    with pytest.raises(ValidationError):
        alert().title = "other"
