"""Any address, signed as Standard Webhooks asks: HMAC-SHA256 over `id.timestamp.body`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

import httpx

from shared.alerts.config import SigningSecret, WebhookConfig
from shared.alerts.http import Post
from shared.alerts.mask import Mask
from shared.alerts.text import iso
from shared.clock import Clock
from shared.errors import Invalid
from shared.model.alert import Alert

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)


class Webhook:
    """One receiver; it knows a second try by `webhook-id`, the alert's own id."""

    def __init__(self, config: WebhookConfig, secret: SigningSecret, client: httpx.AsyncClient, clock: Clock) -> None:
        text = secret.signing_secret.get_secret_value()
        self._url = config.url
        self._clock = clock
        self._secret = secret.signing_secret
        signing_key(text)  # a wrong one is refused at the start
        self._post = Post(client, Mask([text, text.removeprefix(PREFIX), config.url]))

    async def send(self, alert: Alert) -> int:
        """Any 2xx answer is a yes."""
        told = {"type": "edgedesk.alert", "timestamp": iso(alert.at_ms), "data": alert.wire()}
        body = json.dumps(told, separators=(",", ":")).encode()
        seconds = self._clock.now_ms() // 1000
        headers = {
            "content-type": "application/json",
            "webhook-id": alert.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(signing_key(self._secret.get_secret_value()), alert.id, seconds, body),
        }
        answer = await self._post(self._url, range(200, 300), content=body, headers=headers)
        return answer.status


def signing_key(secret: str) -> bytes:
    """The bytes of `whsec_…`; `Invalid`, which does not show it, for anything else."""
    rule, remedy = "must be whsec_ and 24 to 64 bytes in base64", "make one: openssl rand -base64 32"
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.field("signing_secret", "***", rule, remedy) from None
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise Invalid.field("signing_secret", "***", rule, remedy)
    return key


def signature(key: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 in base64."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
