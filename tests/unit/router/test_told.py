"""What an answer tells of a field that breaks a rule: field, value, rule and remedy, and never a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.problems import Problem, problem_of
from shared.config import RouterSettings
from shared.errors import Invalid, from_wire
from shared.model.base import Model
from tests.unit.router.native import World, problem

ORDERS = "/v1/desks/main/orders"
ORDER: dict[str, Any] = {"instrument": "us:AAPL", "side": "buy", "kind": "market", "qty": "1"}
BACKTEST: dict[str, Any] = {
    "venue": "us",
    "interval": "1d",
    "span": {"from_ms": 0, "to_ms": 9},
    "strategies": [{"name": "sma_cross"}],
    "account": {},
}
HUSHED = "a s3cret"
KEY = "edk_0123abcd_" + "s3cret-" * 6


def document(answer: Problem) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body("r"))
    return found


def told(error: Exception) -> dict[str, str]:
    [found] = document(problem_of(error))["errors"]
    return dict(found)


def refused(world: World, path: str, body: dict[str, Any], field: str) -> dict[str, str]:
    """What is told of that field."""
    said = problem(world.ask("POST", path, "trader", json=body), 422, "invalid")
    [found] = [each for each in said["errors"] if each["field"] == field]
    return dict(found)


def test_a_refusal_of_another_worker_is_told_whole() -> None:
    sent = Invalid.field("strategies.0.name", "sma_cros", "is not a known strategy", "choose one of sma_cross")
    assert told(from_wire(json.loads(json.dumps(sent.wire())))) == {
        "field": "strategies.0.name",
        "value": "sma_cros",
        "rule": "is not a known strategy",
        "remedy": "choose one of sma_cross",
    }


def test_without_a_remedy_none_is_told() -> None:
    assert told(Invalid.field("qty", 0, "must be above 0")) == {"field": "qty", "value": "0", "rule": "must be above 0"}


def test_a_desk_of_before_tells_no_value() -> None:
    assert told(Invalid("qty: bad", field="qty")) == {"field": "qty", "value": "", "rule": "qty: bad"}


@pytest.mark.parametrize("value", ["9" * 5000, 10**4000])
def test_a_long_value_is_told_short(value: object) -> None:
    assert len(told(Invalid.field("qty", value, "is wrong"))["value"]) == 80


@pytest.mark.parametrize("value", [["x"] * 900, {"token": "hunter2"}, [{"token": "hunter2"}], ("hunter2",)])
def test_an_object_or_a_list_is_not_told(value: object) -> None:
    answer = document(problem_of(Invalid.field("qty", value, "is wrong")))
    assert answer["errors"] == [{"field": "qty", "value": "", "rule": "is wrong"}]
    assert answer["detail"] == "qty: is wrong"


def test_a_long_name_rule_and_remedy_are_told_short() -> None:
    long = "9" * 30_000
    answer = document(problem_of(Invalid.field(long, "x", long, long)))
    [found] = answer["errors"]
    assert {name: len(text) for name, text in found.items()} == {"field": 120, "value": 1, "rule": 300, "remedy": 300}
    assert len(answer["detail"]) == 1000


def test_a_body_with_a_long_name_is_answered_short(world: World) -> None:
    answer = world.ask("POST", ORDERS, "trader", json=ORDER | {"x" * 30_000: 1})
    [found] = problem(answer, 422, "invalid")["errors"]
    assert len(found["field"]) == 120
    assert len(answer.content) < 1000


@pytest.mark.parametrize("path", ["." * 60_000, ".1" * 30_000 + "x", "token" + ".1" * 30_000])
def test_a_path_of_any_length_is_judged_at_once(path: str) -> None:
    answer = document(problem_of(Invalid.field(path, "hunter2", "is wrong")))
    assert ("hunter2" in json.dumps(answer)) is not path.startswith("token")


@pytest.mark.parametrize(
    ("change", "field", "choices"),
    [
        ({"side": "both"}, "side", "'buy' or 'sell'"),
        ({"kind": "iceberg"}, "kind", "'market', 'limit', 'stop' or 'stop_limit'"),
        ({"time_in_force": "day"}, "time_in_force", "'gtc', 'gtd', 'ioc' or 'fok'"),
    ],
)
def test_a_rule_over_few_choices_says_them(world: World, change: dict[str, str], field: str, choices: str) -> None:
    found = refused(world, ORDERS, ORDER | change, field)
    assert found["value"] == change[field]
    assert choices in found["rule"]


@pytest.mark.parametrize(
    ("change", "field", "choice"),
    [
        ({"interval": "2h"}, "interval", "'1h'"),
        ({"rank_by": "luck"}, "rank_by", "'max_drawdown'"),
        ({"decisions": {"sizing": {"kind": "martingale"}}}, "decisions.sizing", "'fixed'"),
    ],
)
def test_a_backtest_s_choices_are_said(world: World, change: dict[str, Any], field: str, choice: str) -> None:
    assert choice in refused(world, "/v1/backtests", BACKTEST | change, field)["rule"]


def test_what_is_missing_and_what_is_too_much_have_a_remedy(world: World) -> None:
    body = {name: value for name, value in ORDER.items() if name != "qty"} | {"quantity": "1"}
    assert refused(world, ORDERS, body, "qty") == {
        "field": "qty",
        "value": "",
        "rule": "is missing",
        "remedy": "give it",
    }
    assert refused(world, ORDERS, body, "quantity")["remedy"] == "remove it"


def test_a_rule_over_several_fields_does_not_repeat_the_body(world: World) -> None:
    found = refused(world, ORDERS, ORDER | {"kind": "limit"}, "body")
    assert found["value"] == ""
    assert "limit_price" in found["rule"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("api_key", HUSHED), ("instrument", KEY), ("note", KEY), (KEY, "x"), ("note", {"a": KEY})),
        *(("note", {"private_key": HUSHED}), ("X-Api-Key", HUSHED), ("routing_key", HUSHED), ("passwd", HUSHED)),
    ],
)
def test_an_api_key_in_the_wrong_place_does_not_come_back(world: World, field: str, value: str) -> None:
    answer = world.ask("POST", ORDERS, "trader", json=ORDER | {field: value})
    problem(answer, 422, "invalid")
    assert "s3cret" not in answer.text


def test_an_api_key_as_an_idempotency_key_does_not_come_back(world: World) -> None:
    headers = {"idempotency-key": KEY + "s3cret-" * 6}
    answer = world.ask("POST", ORDERS, "trader", json=ORDER, headers=headers)
    problem(answer, 422, "invalid")
    assert "s3cret" not in answer.text


def test_a_webhook_does_not_come_back() -> None:
    url = "https://hooks.slack.com/services/" + "T0/B0/hush"
    answer = document(problem_of(Invalid.field("channel", url, f"is no channel: {url}", f"leave {url} out")))
    assert "hush" not in json.dumps(answer)
    assert answer["errors"][0]["value"] == "https://hooks.slack.com/***"


def test_a_secret_setting_is_not_shown() -> None:
    env = {"ENVIRONMENT": "local", "TRADING_MODE": "paper", "KEY_PEPPER": "too-short"}
    with pytest.raises(Invalid) as caught:
        RouterSettings.load(env)
    assert "too-short" not in json.dumps(document(problem_of(caught.value)))
    found = told(caught.value)
    assert (found["field"], found["value"]) == ("KEY_PEPPER", "")
    assert "at least 32" in found["rule"]


def test_a_field_named_like_a_secret_is_not_shown() -> None:
    class Login(Model):
        token: int

    with pytest.raises(Invalid) as caught:
        Login.parse('{"token": "hunter2"}')
    assert "hunter2" not in json.dumps(document(problem_of(caught.value)))
