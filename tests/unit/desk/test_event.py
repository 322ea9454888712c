"""What every event is."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.desk.event import Event


class Told(Event):
    kind = "told"
    by: str


def test_an_event_is_of_the_first_version_unless_it_says_otherwise() -> None:
    assert (Told(by="me").v, Told.kind) == (1, "told")
    assert Told(by="me").wire() == {"by": "me"}


def test_an_event_never_changes() -> None:
    with pytest.raises(ValidationError):
        Told(by="me").by = "you"  # type: ignore[misc]
