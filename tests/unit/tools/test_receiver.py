"""The receiver of alerts takes what is signed, and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from shared.alerts.build import channels
from shared.alerts.config import AlertChannels
from shared.alerts.webhook import signature, signing_key
from shared.clock import FixedClock
from shared.model.alert import Alert, Severity
from tools.dev import webhooks
from tools.dev.receiver import Receiver
from tools.failure import ToolError

pytestmark = pytest.mark.native

SIGNED_WITH = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ALERT = Alert(
    id=f"{1:032x}",
    desk="drill",
    severity=Severity.CRITICAL,
    code="halted",
    dedupe_key="drill:halted:7",
    title="halted by max_drawdown",
    context={"seq": 7},
    at_ms=5,
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver(0, SIGNED_WITH)
    yield found
    found.stop()


def signed(body: bytes, secret: str = SIGNED_WITH) -> dict[str, str]:
    told = signature(signing_key(secret), ALERT.id, 9, body)
    return {"webhook-id": ALERT.id, "webhook-timestamp": "9", "webhook-signature": told}


def body_of(alert: Alert = ALERT) -> bytes:
    return json.dumps({"type": "edgedesk.alert", "data": alert.wire()}).encode()


def test_a_signed_alert_is_kept_with_its_channel(receiver: Receiver) -> None:
    url = receiver.start()
    assert httpx.post(f"{url}/pager", content=body_of(), headers=signed(body_of())).status_code == 204
    got = receiver.wait(bool, 5)
    assert got is not None
    assert [(each.channel, each.alert) for each in got] == [("pager", ALERT)]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (body_of(), {}),
        (body_of(), signed(body_of(), "whsec_" + base64.b64encode(bytes(32)).decode())),
        (body_of(), signed(body_of()) | {"webhook-timestamp": "10"}),
        (body_of(), signed(body_of()) | {"webhook-timestamp": "soon"}),
        (body_of(), signed(body_of()) | {"webhook-signature": "v1,ü"}),
        (b"{", signed(b"{")),
        (b"[]", signed(b"[]")),
        (b"[" * 5000, signed(b"[" * 5000)),
        (b'{"data": {}}', signed(b'{"data": {}}')),
        (b"\xff", signed(b"\xff")),
    ],
    ids=["unsigned", "another-key", "another-time", "no-time", "no-text", "cut", "a-list", "deep", "no-alert", "bytes"],
)
def test_anything_else_is_refused(receiver: Receiver, body: bytes, headers: dict[str, str]) -> None:
    assert not receiver.take("pager", headers, body)
    assert receiver.wait(bool, 0) is None


def test_a_taken_port_is_told_with_the_remedy(receiver: Receiver) -> None:
    port = int(receiver.start().rpartition(":")[2])
    with pytest.raises(ToolError, match="ALERT_PORT"):
        Receiver(port, SIGNED_WITH).start()


def test_the_signing_secret_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    secret = webhooks.signing_secret(tmp_path)
    assert webhooks.signing_secret(tmp_path) == secret
    assert signing_key(secret)
    assert (tmp_path / "alerts.json").stat().st_mode & 0o777 == 0o600
    told = json.loads(webhooks.cron_secrets(tmp_path)["ALERT_SECRETS"])
    assert {name: each["signing_secret"] for name, each in told.items()} == dict.fromkeys(webhooks.CHANNELS, secret)


def test_what_make_dev_tells_the_cron_is_good_configuration(tmp_path: Path) -> None:

    config = AlertChannels.parse(webhooks.cron_vars(8788)["ALERTS"])
    made = channels(
        config, SecretStr(webhooks.cron_secrets(tmp_path)["ALERT_SECRETS"]), httpx.AsyncClient(), FixedClock(0)
    )
    assert set(made) == set(webhooks.CHANNELS) == set(config.routes.critical)
