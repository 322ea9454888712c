"""Signed requests to the sandbox, each sent once; what came back is a body, a plain no, or not known."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from shared.clock import Clock
from shared.errors import Conflict, Invalid, NotFound, Refused, VenueUnavailable
from shared.model import Model
from shared.venues import http
from shared.venues.sandbox_wire import WireError

M = TypeVar("M", bound=Model)
WINDOW_MS = 5000
TIMEOUT_S = 8.0
_UNDECIDED = frozenset({408, 425})
"""Refusals of the line rather than of the venue."""


def signature(secret: str, stamp: int, method: str, target: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the lines time stamp, method, target (path and query) and body."""
    lines = f"{stamp}\n{method}\n{target}\n".encode() + body
    return hmac.new(secret.encode(), lines, hashlib.sha256).hexdigest()


class SandboxLine:
    """`skew_ms` is how far the venue's clock is ahead of ours, learnt when it refuses a time stamp."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        key: str,
        secret: str,
        clock: Clock,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._client = client
        self._base = base_url.rstrip("/")
        self._key = key
        self._secret = secret
        self._clock = clock
        self._timeout_s = timeout_s
        self.skew_ms = 0

    async def call(
        self,
        kind: type[M],
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> M:
        """The answer, read as `kind`.

        `VenueUnavailable` where it is not known what the venue did; `NotFound`, `Conflict` or `Refused`, with its code, where it
        said no in words that can be read.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        stamp = self._clock.now_ms() + self.skew_ms
        headers = {
            "X-Key": self._key,
            "X-Timestamp": str(stamp),
            "X-Window": str(WINDOW_MS),
            "X-Signature": signature(self._secret, stamp, method, target, content),
        } | ({"Content-Type": "application/json"} if content else {})
        answer = await http.ask(self._client, method, f"{self._base}{target}", headers, content, self._timeout_s)
        if answer.status in (200, 201):
            return _read(kind, answer.body, path)
        raise self._refusal(answer, path)

    def updates_url(self) -> str:
        """Where the stream of updates is opened, once and soon: the signature stands in the address."""
        path = "/v1/updates"
        stamp = self._clock.now_ms() + self.skew_ms
        signed = {
            "key": self._key,
            "timestamp": stamp,
            "window": WINDOW_MS,
            "signature": signature(self._secret, stamp, "GET", path, b""),
        }
        return f"ws{self._base.removeprefix('http')}{path}?{urlencode(signed)}"

    def _refusal(self, answer: http.Answer, path: str) -> VenueUnavailable | Refused:
        if not 400 <= answer.status < 500 or answer.status in _UNDECIDED:
            return VenueUnavailable(f"{path}: answered {answer.status}", http=answer.status)
        said = _read(WireError, answer.body, path)
        detail = f"{path}: {said.message or said.error}"[:300]
        if said.error == "clock_skew":
            if said.server_ms is not None:
                self.skew_ms = said.server_ms - self._clock.now_ms()
            return VenueUnavailable(f"{path}: the clocks differ by {self.skew_ms} ms; the next call allows for it")
        if (answer.status, said.error) == (404, "order_not_found"):
            return NotFound(detail, code=said.error)
        if (answer.status, said.error) == (409, "client_id_reused"):
            return Conflict(detail, code=said.error)
        return Refused(detail, code=said.error, http=answer.status)


def _read(kind: type[M], body: bytes, path: str) -> M:
    try:
        return kind.parse(body)
    except Invalid as error:
        raise VenueUnavailable(f"{path}: the answer cannot be read: {error.detail[:200]}") from None
