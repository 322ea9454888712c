"""ALERTS and ALERT_SECRETS: what is wrong is named, and no secret is shown."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.alerts import config as cf
from shared.alerts.build import channels
from shared.alerts.channel import Channel
from shared.clock import FixedClock
from shared.config import CronSettings
from shared.errors import Invalid
from tests.unit.alerts.samples import HUSH, KINDS, config, secret
from tests.unit.test_config import BASE, DESK, VENUES, cron

URL = "https://service.example"
ALL = {kind: config(kind, URL) for kind in KINDS}
SHORT = "whsec_" + "a" * 28
KEYS = {kind: secret(kind, URL) for kind in KINDS}


def build(wanted: dict[str, Any], secrets: object) -> dict[str, Channel]:
    async def go() -> dict[str, Channel]:
        async with httpx.AsyncClient() as client:
            parsed = cf.AlertChannels.parse(json.dumps({"channels": wanted}))
            text = secrets if isinstance(secrets, str) else json.dumps(secrets)
            return channels(parsed, SecretStr(text), client, FixedClock())

    return asyncio.run(go())


def test_without_the_setting_there_are_no_channels() -> None:
    settings = cron()
    assert cf.AlertChannels() == settings.ALERTS
    assert build({}, settings.ALERT_SECRETS.get_secret_value()) == {}


def test_every_kind_can_be_configured() -> None:
    assert set(build(ALL, KEYS)) == set(KINDS) == set(cf.SECRETS)


def read(**setting: Any) -> CronSettings:
    return cron(ALERTS=json.dumps(setting))


def test_a_route_is_an_order_of_channels() -> None:
    settings = read(channels=ALL, routes={"critical": ["pagerduty", "telegram"], "info": ["slack"]}, repeat_s=0)
    assert settings.ALERTS.routes.critical == ("pagerduty", "telegram")
    assert (settings.ALERTS.routes.warning, settings.ALERTS.repeat_s) == ((), 0)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"channels": {"a": {"kind": "pigeon"}}}, "kind"),
        ({"channels": {"A": ALL["slack"]}}, "channels"),
        ({"channels": {"a": {**ALL["slack"], "token": HUSH}}}, "token"),
        ({"channels": {"a": {**ALL["slack"], "per_minute": 0}}}, "per_minute"),
        ({"channels": {"a": {**ALL["telegram"], "chat_id": "my chat"}}}, "chat_id"),
        ({"channels": {"a": {**ALL["telegram"], "api_url": "http://evil.example"}}}, "https"),
        ({"channels": {"a": {**ALL["webhook"], "url": "https://"}}}, "https"),
        ({"channels": {"a": {**ALL["webhook"], "url": "https://u:p@h.example"}}}, "user name"),
        ({"channels": {"a": {**ALL["webhook"], "url": "https://[::1"}}}, "address"),
        ({"channels": {"a": {**ALL["email"], "to": []}}}, "to"),
        ({"channels": {"a": {**ALL["email"], "to": ["a b@c"]}}}, "to"),
        ({"channels": {"a": {**ALL["email"], "sender": "x@y\r\nBcc: z@z"}}}, "sender"),
        ({"channels": {"a": {**ALL["sms"], "to": "0155 1234"}}}, "to"),
        ({"channels": {"a": {**ALL["sms"], "account_sid": "../x"}}}, "account_sid"),
        ({"routes": {"warning": ["a"]}}, "routes.warning names 'a'"),
        ({"channels": ALL, "routes": {"warning": ["slack", "slack"]}}, "twice"),
        ({"channels": ALL, "routes": {"critical": ["slack"]}}, "routes.critical must name at least 2 channels"),
        ({"routes": {"grave": []}}, "grave"),
        ({"repeat_s": -1}, "repeat_s"),
        ({"repeats": 1}, "repeats"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match="ALERTS") as refused:
        read(**setting)
    assert words in refused.value.detail
    assert HUSH not in refused.value.detail


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ("", "must be a JSON object"),
        (f'"{HUSH}"', "must be a JSON object"),
        (f'{{"{HUSH}', "must be a JSON object"),
        ({}, "ALERT_SECRETS.telegram"),
        ({**KEYS, "other": {"token": HUSH}}, "ALERT_SECRETS.other: '***' is no channel of ALERTS"),
        ({**KEYS, "telegram": {}}, "ALERT_SECRETS.telegram.token"),
        ({**KEYS, "telegram": HUSH}, "ALERT_SECRETS.telegram"),
        ({**KEYS, "telegram": {"token": HUSH, "url": HUSH}}, "ALERT_SECRETS.telegram.url"),
        ({**KEYS, "telegram": {"token": f"{HUSH}\n"}}, "printable"),
        ({**KEYS, "telegram": {"token": ""}}, "ALERT_SECRETS.telegram.token"),
        ({**KEYS, "telegram": {"token": 7}}, "ALERT_SECRETS.telegram.token"),
        ({**KEYS, "slack": {"url": f"http://h.example/{HUSH}"}}, "ALERT_SECRETS.slack"),
        ({**KEYS, "webhook": {"signing_secret": HUSH}}, "ALERT_SECRETS.webhook.signing_secret"),
        ({**KEYS, "webhook": {"signing_secret": SHORT}}, "24 to 64 bytes"),
    ],
)
def test_wrong_secrets_are_refused_and_not_shown(secrets: object, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        build(ALL, secrets)
    assert words in refused.value.detail
    assert HUSH not in refused.value.detail + repr(refused.value.wire())


@pytest.mark.parametrize("change", [{"ALERT_SECRET": HUSH}, {"ALERT_SECRETS": HUSH, "VENUES": "{}"}])
def test_no_error_of_the_settings_shows_a_secret(change: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        # first in the environment, so that an error that showed the whole would show it
        CronSettings.load({name: change.get(name, value) for name, value in {**change, **cron_env()}.items()})
    assert HUSH not in refused.value.detail


def cron_env() -> dict[str, str]:
    venues, desks = json.dumps(VENUES), json.dumps({"stocks": DESK})
    return {**BASE, "VENUES": venues, "DESKS": desks}


def test_the_secrets_of_the_settings_print_as_stars() -> None:
    settings = cron(ALERT_SECRETS=json.dumps(KEYS))
    assert HUSH not in repr(settings) + str(settings)


@given(st.text(max_size=40), st.sampled_from(["", "http://", "https://", "https://h.example/", "//"]))
def test_an_address_is_https_or_refused(text: str, start: str) -> None:
    try:
        found = cf.checked_url(start + text)
    except ValueError:
        return
    assert found.lower().startswith(("https://", "http://localhost", "http://127.0.0.1"))
