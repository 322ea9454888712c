"""An id for each request: made here, never taken from outside, in the log, in every answer and in every problem."""

from __future__ import annotations

from shared.clock import random_hex

HEADER = b"x-request-id"


def new_request_id() -> str:
    """16 hex digits."""
    return random_hex(8)
