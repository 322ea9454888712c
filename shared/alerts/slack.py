"""Slack: an incoming webhook, whose address is its secret."""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from shared.alerts.channel import ChannelUnavailable
from shared.alerts.config import SlackConfig, UrlSecret
from shared.alerts.http import Post
from shared.alerts.mask import Mask
from shared.alerts.text import message
from shared.model.alert import Alert

MAX_TEXT = 3000
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Slack:
    """One channel of a workspace."""

    def __init__(self, config: SlackConfig, secret: UrlSecret, client: httpx.AsyncClient) -> None:
        self._url: SecretStr = secret.url
        self._post = Post(client, Mask([secret.url.get_secret_value()]))

    async def send(self, alert: Alert) -> int:
        """Plain text: no mention, no link and no formatting comes out of an alert. Slack's yes is the word `ok`."""
        body = {"text": message(alert, MAX_TEXT, _escape), "mrkdwn": False, "unfurl_links": False}
        answer = await self._post(self._url.get_secret_value(), (200,), json=body)
        if answer.body.strip() != b"ok":
            raise ChannelUnavailable("answered 200 without ok", http=200)
        return answer.status


def _escape(each: str) -> str:
    return _ESCAPES.get(each, each)
