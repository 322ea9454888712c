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


@pytest.mark.parametrize("mode", ["live", "demo", "PAPER", ""])
def test_any_mode_but_paper_refuses_to_start_and_says_it_comes_later(mode: str) -> None:
    with pytest.raises(Invalid, match="later release") as refused:
        DeskSettings.load(BASE | {"TRADING_MODE": mode})
    assert refused.value.context["field"] == "TRADING_MODE"


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
