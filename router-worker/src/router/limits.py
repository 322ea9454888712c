"""How much a request may carry. The body is counted while it comes in, so that a length that lies does not help."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope

from shared.errors import Invalid, TooLarge


def header(scope: Scope, name: bytes) -> str | None:
    """The one value of a header; `Invalid` where it was sent twice, for then two readers could see two things."""
    found = [value for key, value in scope["headers"] if key == name]
    if len(found) > 1:
        raise Invalid.field(name.decode(), f"{len(found)} headers", "must be sent once")
    return found[0].decode("latin-1") if found else None


def bounded(scope: Scope, receive: Receive, max_bytes: int) -> Receive:
    """`receive`, raising `TooLarge` as soon as the declared or the real length is over the limit."""
    declared = header(scope, b"content-length")
    if declared is not None and (not declared.isascii() or not declared.isdigit()):
        raise Invalid.field("content-length", declared, "must be a whole number")
    if declared is not None and (len(declared) > 12 or int(declared) > max_bytes):
        raise _too_large(max_bytes)
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > max_bytes:
            raise _too_large(max_bytes)
        return message

    return counted


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"the body is over {max_bytes} bytes; send less", max_bytes=max_bytes)
