"""An alert, and one channel of every kind that speaks to a given address."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
from pydantic import SecretStr

from shared.alerts.build import channels
from shared.alerts.channel import Channel
from shared.alerts.config import AlertChannels
from shared.clock import FixedClock
from shared.model.alert import Alert

NOW_MS = 1_700_000_000_123
AT_MS = 1_699_999_999_007
ID = "ab" * 16
SID = "AC" + "0" * 32
HUSH = "hush-hush-and-more"
SIGNING = "whsec_" + base64.b64encode(HUSH.encode() * 2).decode()
PATHS = {"slack": f"/services/T000/{HUSH}", "discord": f"/api/webhooks/42/{HUSH}"}

CONFIGS: dict[str, dict[str, Any]] = {
    "telegram": {"chat_id": "-100123"},
    "email": {"sender": "Desk <desk@example.org>", "to": ["a@example.org", "b@example.org"]},
    "sms": {"account_sid": SID, "sender": "+15005550006", "to": "+15005550009"},
    "pagerduty": {"source": "desk-eu"},
    "slack": {},
    "discord": {},
    "webhook": {},
}
SECRETS: dict[str, dict[str, str]] = {
    "telegram": {"token": f"12345:{HUSH}"},
    "email": {"api_key": HUSH},
    "sms": {"auth_token": HUSH},
    "pagerduty": {"routing_key": HUSH},
    "webhook": {"signing_secret": SIGNING},
}
KINDS = tuple(CONFIGS)


def alert(**changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": ID,
        "desk": "stocks",
        "severity": "critical",
        "code": "halted",
        "dedupe_key": "stocks:halted:7",
        "title": "halted by <risk> & co",
        "detail": "drawdown_25%",
        "context": {"by": "risk", "seq": 7},
        "at_ms": AT_MS,
    }
    return Alert.parse(json.dumps({**fields, **changes}))


def config(kind: str, url: str, **changes: Any) -> dict[str, Any]:
    found = {"kind": kind, **CONFIGS[kind], **changes}
    if kind == "webhook":
        found["url"] = f"{url}/in"
    elif kind not in PATHS:
        found["api_url"] = url
    return found


def secret(kind: str, url: str) -> dict[str, str]:
    return SECRETS[kind] if kind in SECRETS else {"url": url + PATHS[kind]}


def channel(kind: str, url: str, client: httpx.AsyncClient) -> Channel:
    wanted = AlertChannels.parse(json.dumps({"channels": {"one": config(kind, url)}}))
    secrets = SecretStr(json.dumps({"one": secret(kind, url)}))
    return channels(wanted, secrets, client, FixedClock(NOW_MS))["one"]
