"""Telegram: the Bot API's `sendMessage`. The token stands in the path."""

from __future__ import annotations

import html

import httpx
from pydantic import SecretStr

from shared.alerts.channel import ChannelUnavailable
from shared.alerts.config import TelegramConfig, TokenSecret
from shared.alerts.http import Post
from shared.alerts.mask import Mask
from shared.alerts.text import details, fit, headline, units
from shared.model.alert import Alert, Severity

MAX_TEXT = 4096


class Telegram:
    """One chat."""

    def __init__(self, config: TelegramConfig, secret: TokenSecret, client: httpx.AsyncClient) -> None:
        self._config = config
        self._token: SecretStr = secret.token
        self._post = Post(client, Mask([secret.token.get_secret_value()]))

    async def send(self, alert: Alert) -> int:
        """Without a sound where it may be read later."""
        title = f"<b>{fit(headline(alert), 1000, _escape)}</b>\n"
        body = {
            "chat_id": self._config.chat_id,
            "text": title + fit(details(alert), MAX_TEXT - units(title), _escape),
            "parse_mode": "HTML",
            "disable_notification": alert.severity is Severity.INFO,
            "link_preview_options": {"is_disabled": True},
        }
        url = f"{self._config.api_url.rstrip('/')}/bot{self._token.get_secret_value()}/sendMessage"
        answer = await self._post(url, (200,), json=body)
        if answer.json().get("ok") is not True:
            raise ChannelUnavailable("answered 200 without ok", http=200)
        return answer.status


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
