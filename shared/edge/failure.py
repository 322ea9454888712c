"""What the platform throws, as the desk's own errors."""

from __future__ import annotations

from typing import Any

from shared import log
from shared.errors import Conflict, DeskError, StorageUnavailable

_log = log.get("edge")


def storage_error(what: str, error: Any) -> DeskError:
    """`StorageUnavailable`, or `Conflict` where a uniqueness rule was broken; the platform's words are only logged."""
    message = str(getattr(error, "message", error))
    if "UNIQUE constraint failed" in message:
        return Conflict(f"{what}: a row with this key is there already", code="already_exists")
    _log.warning("storage_failed", extra={"what": what, "detail": message[:500]})
    return StorageUnavailable(f"{what} did not answer; try again")


def peer_error(what: str, error: Any) -> DeskError:
    """`StorageUnavailable` when the other side could not be reached, `DeskError` when it broke."""
    message = str(getattr(error, "message", error))
    _log.error("peer_failed", extra={"what": what, "detail": message[-2000:]})
    if "PythonError" in message or "Traceback" in message:
        return DeskError(f"{what} failed", code="peer_failed")
    return StorageUnavailable(f"{what} did not answer; try again", code="peer_unavailable")
