"""One POST to a service: what leaves the outcome unknown is `ChannelUnavailable`, a plain no is `ChannelRefused`."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from typing import Any, NamedTuple

import httpx

from shared.alerts.channel import MAX_REST_S, ChannelRefused, ChannelUnavailable
from shared.alerts.mask import Mask
from shared.errors import Invalid
from shared.jsontext import read_json
from shared.model.alert import plain

TIMEOUT_S = 8.0
MAX_BYTES = 65_536
"""Of an answer; what says more than that is none of ours."""
SHOWN = 200


class Answer(NamedTuple):
    """A status that was asked for, and the body that came with it."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; `ChannelUnavailable` where it is none."""
        found = _object(self.body)
        if found is None:
            raise ChannelUnavailable(f"answered {self.status} with what is no JSON object", http=self.status)
        return found


class Post:
    """Sends to the service of one channel; `TIMEOUT_S` is over the whole exchange."""

    def __init__(self, client: httpx.AsyncClient, mask: Mask) -> None:
        self._client = client
        self._mask = mask

    async def __call__(self, url: str, good: Container[int], **request: Any) -> Answer:
        """The answer if its status is `good`. Redirects are not followed: a secret goes where it was meant to go."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response, body = await self._exchange(url, request)
        except (TimeoutError, httpx.TimeoutException):
            raise ChannelUnavailable(f"no answer within {TIMEOUT_S:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # `from None`: the request, which holds the secrets, hangs on the cause
            raise ChannelUnavailable(f"{type(error).__name__}: {self._shown(str(error))}") from None
        status = response.status_code
        if status in good:
            return Answer(status, body)
        said = f"answered {status}: {self._shown(body.decode('utf-8', 'replace'))}".rstrip(": ")
        if status in {408, 425, 429} or status >= 500 or 200 <= status < 300:
            raise ChannelUnavailable(said, retry_after_s=_rest_s(response, body), http=status)
        raise ChannelRefused(said, http=status)

    async def _exchange(self, url: str, request: dict[str, Any]) -> tuple[httpx.Response, bytes]:
        body = b""
        options = {"timeout": TIMEOUT_S, "follow_redirects": False, **request}
        async with self._client.stream("POST", url, **options) as response:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    break
        return response, body[:MAX_BYTES]

    def _shown(self, text: str) -> str:
        return plain(self._mask(text), SHOWN)


def _rest_s(response: httpx.Response, body: bytes) -> float | None:
    """Seconds that the service asks to be left alone: its header, or Telegram's and Discord's words in the body."""
    found = _object(body) or {}
    parameters = found.get("parameters")
    told = [response.headers.get("retry-after"), found.get("retry_after")]
    told.append(parameters.get("retry_after") if isinstance(parameters, dict) else None)
    seconds = [value for each in told if (value := _seconds(each)) is not None]
    return min(max(seconds), MAX_REST_S) if seconds else None


def _seconds(value: object) -> float | None:
    # the header may also hold a date; a clock that cannot be trusted is worth less than our own backoff
    if isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdigit() and len(value) <= 9:
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(min(value, MAX_REST_S))
    return None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = read_json(body)
    except Invalid:
        return None
    return found if isinstance(found, dict) else None
