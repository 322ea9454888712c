"""API keys, and the check of a signed request."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from tests.sandbox.checks import Refusal
from tests.sandbox.message import Request
from tests.sandbox.venue_time import VenueTime


@dataclass(frozen=True, slots=True)
class Key:
    """`rights` are of `read`, `trade` and `withdraw`."""

    key: str
    secret: str
    account: str
    rights: frozenset[str]


class ClockSkew(Refusal):
    """The time stamp lies outside of the window; `server_ms` tells what it was held to."""

    def __init__(self, server_ms: int) -> None:
        super().__init__(401, "clock_skew", f"the time stamp is outside of the window around {server_ms}")
        self.server_ms = server_ms


def check(request: Request, keys: Mapping[str, Key], time: VenueTime, max_window_ms: int, skew_ms: int = 0) -> Key:
    """The key that signed the request; `Refusal` (401) where none did, or too long ago.

    The signature is HMAC-SHA256 over the lines time stamp, method, target (path and query) and body. The stream takes the same
    fields as query parameters, signed without a query, since a browser's socket sends no headers.
    """
    told: Mapping[str, str] = request.headers
    target = request.target
    if request.path == "/v1/updates" and request.query:
        told = {f"x-{name}": values[0] for name, values in parse_qs(request.query).items()}
        target = request.path
    key = keys.get(told.get("x-key", ""))
    if key is None:
        raise Refusal(401, "bad_key", "no such key")
    stamp, window = told.get("x-timestamp", ""), told.get("x-window", "5000")
    if not (stamp.isascii() and stamp.isdigit() and window.isascii() and window.isdigit()) or len(stamp + window) > 32:
        raise Refusal(401, "bad_timestamp", "x-timestamp and x-window must be whole milliseconds")
    lines = "\n".join((stamp, request.method, target, "")).encode() + request.body
    good = hmac.new(key.secret.encode(), lines, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(good, told.get("x-signature", "")):
        raise Refusal(401, "bad_signature", "the signature is not that of this request")
    now_ms = time.signing_ms() + skew_ms
    if abs(int(stamp) - now_ms) > min(int(window), max_window_ms):
        raise ClockSkew(now_ms)
    return key
