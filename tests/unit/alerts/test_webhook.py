"""The signature against the official library, and by itself where that cannot run."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerts.webhook import signature, signing_key
from tests.unit.alerts.samples import SIGNING

KEYS = st.binary(min_size=24, max_size=64)


@given(KEYS, st.text(st.characters(codec="ascii", exclude_characters="."), min_size=1), st.binary())
def test_a_signature_is_an_hmac_over_id_time_and_body(key: bytes, message_id: str, body: bytes) -> None:
    made = signature(key, message_id, 1_614_265_330, body)
    wanted = hmac.new(key, message_id.encode() + b".1614265330." + body, hashlib.sha256).digest()
    assert made == f"v1,{base64.b64encode(wanted).decode()}"


@given(KEYS)
def test_a_signing_secret_gives_its_bytes(key: bytes) -> None:
    assert signing_key("whsec_" + base64.b64encode(key).decode()) == key


@pytest.mark.oracle
@given(KEYS, st.text(min_size=1, max_size=200))
def test_the_official_library_signs_alike(key: bytes, body: str) -> None:
    import standardwebhooks

    made = standardwebhooks.Webhook(key).sign("msg_1", datetime.fromtimestamp(1_614_265_330, UTC), body)
    assert signature(key, "msg_1", 1_614_265_330, body.encode()) == made


@pytest.mark.oracle
def test_the_official_library_takes_what_was_signed_now() -> None:
    import standardwebhooks

    seconds = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature(signing_key(SIGNING), "msg_1", seconds, b'{"a":1}'),
    }
    assert standardwebhooks.Webhook(SIGNING).verify(b'{"a":1}', headers) == {"a": 1}
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SIGNING).verify(b'{"a":2}', headers)
