"""One way to reach a person."""

from __future__ import annotations

from typing import Any, Protocol

from shared.errors import Refused, Retryable
from shared.model.alert import Alert

MAX_REST_S = 3600.0
"""A service that asks for a longer rest is asked again after this."""


class Channel(Protocol):
    """Knows its own secrets, and shows them nowhere."""

    async def send(self, alert: Alert) -> int:
        """The HTTP status of an answer that says yes; `ChannelUnavailable`, or `ChannelRefused`, for any other."""


class ChannelUnavailable(Retryable):
    """It timed out, answered 429 or 5xx, or what cannot be read: perhaps the alert has arrived, perhaps not."""

    code = "channel_unavailable"

    def __init__(self, detail: str, *, retry_after_s: float | None = None, **context: Any) -> None:
        super().__init__(detail, **context)
        self.retry_after_s = retry_after_s


class ChannelRefused(Refused):
    """It said no: a wrong secret, a wrong address, or a message that it does not take."""

    code = "channel_refused"
