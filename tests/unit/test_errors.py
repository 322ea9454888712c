"""The error tree crosses between workers and says what to do."""

import pytest

from shared import errors
from shared.errors import DeskError, Invalid, VenueUnavailable, from_wire


def tree(cls: type[DeskError]) -> list[type[DeskError]]:
    """The classes of `shared.errors`: what a worker adds for itself does not cross."""
    children = (child for child in cls.__subclasses__() if child.__module__ == errors.__name__)
    return [cls, *(found for child in children for found in tree(child))]


@pytest.mark.parametrize("cls", tree(DeskError))
def test_every_error_crosses_whole(cls: type[DeskError]) -> None:
    sent = cls("what happened", code="a_code", field="qty", value=3)
    back = from_wire(sent.wire())
    assert type(back) is cls
    assert (back.detail, back.error_code, back.context, back.status) == (
        "what happened",
        "a_code",
        sent.context,
        cls.status,
    )


def test_the_tree_is_drawn_in_the_docstring() -> None:
    drawn = errors.__doc__ or ""
    assert all(cls.__name__ in drawn for cls in tree(DeskError))


def test_codes_are_unique() -> None:
    codes = [cls.code for cls in tree(DeskError)]
    assert len(set(codes)) == len(codes)


def test_an_unknown_class_is_not_lost() -> None:
    assert from_wire({"class": "FromTomorrow", "code": "x", "detail": "y"}).error_code == "x"


def test_a_refused_field_names_value_rule_and_remedy() -> None:
    error = Invalid.field("qty", "-1" * 100, "must be above 0", "give more")
    assert error.detail.startswith("qty: '-1-1") and error.detail.endswith("must be above 0; give more")
    assert len(error.detail) < 130
    assert error.context["value"].startswith("-1-1") and len(error.context["value"]) == 80
    told = {name: error.context[name] for name in ("field", "rule", "remedy")}
    assert told == {"field": "qty", "rule": "must be above 0", "remedy": "give more"}
    assert from_wire(error.wire()).context == error.context


@pytest.mark.parametrize("name", ["signing_secret", "channels.chat.API_KEY", "KEY_PEPPER"])
def test_the_value_of_what_is_named_like_a_secret_goes_nowhere(name: str) -> None:
    error = Invalid.field(name, "hunter2", "is too short")
    assert error.detail == f"{name}: '***' is too short"
    assert error.context == {"field": name, "rule": "is too short"}


@pytest.mark.parametrize("value", [{"token": "hunter2"}, [{"token": "hunter2"}], ("hunter2",), {"hunter2"}, {}, []])
def test_an_object_or_a_list_is_not_shown(value: object) -> None:
    error = Invalid.field("settings", value, "is wrong", "give more")
    assert error.detail == "settings: is wrong; give more"
    assert error.context == {"field": "settings", "rule": "is wrong", "remedy": "give more"}


def test_what_is_no_secret_is_shown_though_the_path_to_it_looks_like_one() -> None:
    assert Invalid.field("market.TOKENUSD.o", 1.5, "is wrong").context["value"] == "1.5"


def test_an_empty_secret_is_said_to_be_empty() -> None:
    assert Invalid.field("SANDBOX_SECRET", "", "must be set").detail == "SANDBOX_SECRET: '' must be set"


def test_a_venue_may_say_when_to_come_back() -> None:
    assert VenueUnavailable("busy", retry_after_s=2.5).retry_after_s == 2.5
