"""Settings are read once, strictly; what is unknown or wrong refuses to start."""

import json
from typing import Any

import pytest

from shared.config import CronSettings, DeskSettings, RouterSettings, require
from shared.errors import Invalid

BASE = {"ENVIRONMENT": "local", "TRADING_MODE": "paper"}
VENUES = {"us": {"kind": "replay", "interval": "1d", "calendar": "session"}}
DESK: dict[str, Any] = {
    "venue": "us",
    "currency": "USD",
    "cash": "100000",
    "strategies": [{"name": "sma_cross", "params": {"fast": 5}}],
    "limits": {
        "max_order_notional": "10000",
        "max_symbol_notional": "20000",
        "max_total_notional": "80000",
        "max_open_positions": 5,
        "max_orders_per_minute": 30,
    },
    "paper": {"fee_bps": "1", "slippage_bps": "2", "volume_share_bps": 1000},
}


def cron(desk: dict[str, Any] | None = None, **changes: str) -> CronSettings:
    env = BASE | {"VENUES": json.dumps(VENUES), "DESKS": json.dumps({"stocks": DESK | (desk or {})})} | changes
    return CronSettings.load(env)


def test_structured_settings_are_json() -> None:
    settings = cron()
    assert settings.DESKS["stocks"].strategies[0].params == {"fast": 5}
    assert settings.VENUES["us"].interval.ms == 86_400_000


@pytest.mark.parametrize("mode", ["real", "PAPER", ""])
def test_a_mode_that_there_is_not_refuses_to_start(mode: str) -> None:
    with pytest.raises(Invalid, match="'paper', 'demo' or 'live'") as refused:
        DeskSettings.load(BASE | {"TRADING_MODE": mode})
    assert refused.value.context["field"] == "TRADING_MODE"


FAR = {"trading": {"kind": "sandbox"}}


@pytest.mark.parametrize(
    ("ceiling", "mode", "may"),
    [
        ("paper", "paper", True),
        ("paper", "demo", False),
        ("demo", "demo", True),
        ("demo", "live", False),
        ("live", "demo", True),
        ("live", "live", True),
    ],
)
def test_no_desk_is_more_than_the_worker_allows(ceiling: str, mode: str, may: bool) -> None:
    desk = {"mode": mode, **(FAR if mode != "paper" else {})}
    if may:
        assert cron(desk, TRADING_MODE=ceiling).DESKS["stocks"].mode == mode
        return
    with pytest.raises(Invalid, match="above TRADING_MODE"):
        cron(desk, TRADING_MODE=ceiling)


@pytest.mark.parametrize("desk", [FAR, {"mode": "live"}, {"mode": "demo", "trading": {"kind": "paper"}}])
def test_a_paper_desk_trades_on_paper_and_no_other_does(desk: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="does not belong to mode"):
        cron(desk, TRADING_MODE="live")


def test_a_desk_cannot_be_its_own_rehearsal() -> None:
    assert cron({"rehearsed_as": "other"}).DESKS["stocks"].rehearsal_days == 30
    with pytest.raises(Invalid, match="another desk"):
        cron({"rehearsed_as": "stocks"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SURPRISE": "1"}, "SURPRISE"),
        ({"VENUES": "{"}, "VENUES"),
        ({"VENUES": '{"us": {"kind": "replay", "interval": "1d", "calendar": "lunar"}}'}, "us.calendar"),
        ({"VENUES": '{"US": {"kind": "replay", "interval": "1d", "calendar": "session"}}'}, "VENUES"),
        ({"VENUES": "{}"}, "not in VENUES"),
        ({"RETENTION_DAYS": "0"}, "RETENTION_DAYS"),
        ({"ENVIRONMENT": "moon"}, "ENVIRONMENT"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, str], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        cron(**changes)


@pytest.mark.parametrize("change", [{"cash": 100000}, {"cash": "-1"}, {"strategies": []}, {"leverage": "5"}])
def test_a_wrong_desk_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="DESKS"):
        cron(desk=change)


def test_what_a_desk_at_the_sandbox_lacks_is_named() -> None:
    whole = {"SANDBOX_URL": "https://venue.example", "SANDBOX_KEY": "k", "SANDBOX_SECRET": "s"}
    assert DeskSettings.load(BASE).lacks() == tuple(whole)
    assert DeskSettings.load(BASE | whole).lacks() == ()
    for name in whole:
        assert DeskSettings.load(BASE | whole | {name: ""}).lacks() == (name,)


def test_secrets_print_as_stars() -> None:
    settings = RouterSettings.load(BASE | {"KEY_PEPPER": "s3cret" * 8})
    assert "s3cret" not in repr(settings) + str(settings)
    with pytest.raises(Invalid) as refused:
        RouterSettings.load(BASE | {"KEY_PEPPER": "s3cret"})
    assert "s3cret" not in str(refused.value)


def test_a_missing_setting_says_what_to_do() -> None:
    assert require("x", "REPLAY_URL", "") == "x"
    with pytest.raises(Invalid, match="point it"):
        require("", "REPLAY_URL", "point it at a replay venue")


def test_a_committee_that_could_never_enter_refuses_to_start() -> None:
    committee = {"enter_at": 0.2, "exit_at": 0, "quorum": 2}
    two = [{"name": "sma_cross"}, {"name": "rsi_reversion"}]
    assert cron({"strategies": two, "decisions": {"committee": committee}}).DESKS["stocks"].decisions
    with pytest.raises(Invalid) as refused:
        cron({"decisions": {"committee": committee}})
    assert refused.value.context["field"] == "DESKS.stocks.decisions.committee.quorum"
    assert refused.value.detail == (
        "DESKS.stocks.decisions.committee.quorum: 2 must not be above the number of strategies, 1, or the committee never"
        " enters; lower it, or name more strategies"
    )


def test_a_policy_for_a_strategy_that_the_desk_does_not_have_refuses_to_start() -> None:
    policy = [{"strategy": "sma_cros", "do": "veto", "reason": "never"}]
    with pytest.raises(Invalid) as refused:
        cron({"strategies": [{"name": "sma_cross"}], "decisions": {"policy": policy}})
    assert refused.value.context["field"] == "DESKS.stocks.decisions.policy.0.strategy"
    assert refused.value.context["remedy"] == "choose from sma_cross, or leave it out"


def test_a_webhook_among_the_channels_goes_into_no_part_of_the_refusal() -> None:
    hushed = "https://hooks.slack.com/services/" + "hush"
    with pytest.raises(Invalid) as caught:
        cron(ALERTS=json.dumps({"chat": {"kind": hushed}}))
    assert "hush" not in json.dumps(caught.value.wire())
    assert "value" not in caught.value.context
