"""E-mail over an HTTP API of Resend's shape; the alert's id as Idempotency-Key makes a second try harmless."""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from shared.alerts.config import ApiKeySecret, EmailConfig
from shared.alerts.http import Post
from shared.alerts.mask import Mask
from shared.alerts.text import details, fit, headline
from shared.model.alert import Alert

MAX_SUBJECT = 200
MAX_TEXT = 20_000


class Email:
    """One sender and up to fifty recipients, in plain text."""

    def __init__(self, config: EmailConfig, secret: ApiKeySecret, client: httpx.AsyncClient) -> None:
        self._config = config
        self._api_key: SecretStr = secret.api_key
        self._post = Post(client, Mask([secret.api_key.get_secret_value()]))

    async def send(self, alert: Alert) -> int:
        """Any 2xx answer is a yes: services differ in which."""
        body = {
            "from": self._config.sender,
            "to": list(self._config.to),
            "subject": fit(headline(alert), MAX_SUBJECT),
            "text": fit(details(alert), MAX_TEXT),
        }
        headers = {"authorization": f"Bearer {self._api_key.get_secret_value()}", "idempotency-key": alert.id}
        answer = await self._post(self._config.api_url, range(200, 300), json=body, headers=headers)
        return answer.status
