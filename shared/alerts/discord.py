"""Discord: a channel's webhook, whose address is its secret."""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from shared.alerts.channel import ChannelUnavailable
from shared.alerts.config import DiscordConfig, UrlSecret
from shared.alerts.http import Post
from shared.alerts.mask import Mask
from shared.alerts.text import message
from shared.model.alert import Alert

MAX_TEXT = 2000
_MARKS = frozenset("\\`*_~|>#[]()<-")


class Discord:
    """One channel of a server."""

    def __init__(self, config: DiscordConfig, secret: UrlSecret, client: httpx.AsyncClient) -> None:
        self._url: SecretStr = secret.url
        self._post = Post(client, Mask([secret.url.get_secret_value()]))

    async def send(self, alert: Alert) -> int:
        """With `wait`, so that the answer is the message as it was stored; nobody is mentioned."""
        body = {"content": message(alert, MAX_TEXT, _escape), "allowed_mentions": {"parse": []}}
        url = httpx.URL(self._url.get_secret_value()).copy_merge_params({"wait": "true"})
        answer = await self._post(str(url), (200,), json=body)
        if "id" not in answer.json():
            raise ChannelUnavailable("answered 200 without the message's id", http=200)
        return answer.status


def _escape(each: str) -> str:
    return f"\\{each}" if each in _MARKS else each
