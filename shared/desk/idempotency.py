"""What a caller was told, kept with what it caused: the same key and body get the same answer, however often they come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.errors import Conflict, DeskError, from_wire
from shared.ports import Sql

KEEP_MS = 7 * 86_400_000


class Answer(NamedTuple):
    """What to store under a key: a value, or an error that changed nothing but the journal."""

    key: str
    fingerprint: str
    response: str
    expires_ms: int


def fingerprint(method: str, body: Mapping[str, Any]) -> str:
    """SHA-256 over the method and the body as JSON, whatever the order of its fields."""
    text = json.dumps([method, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def value_text(value: Mapping[str, Any]) -> str:
    return json.dumps({"ok": True, "value": value}, separators=(",", ":"))


def error_text(error: DeskError) -> str:
    return json.dumps({"ok": False, "error": error.wire()}, separators=(",", ":"))


def replayed(response: str) -> dict[str, Any]:
    """The value again, or the error raised again."""
    envelope = json.loads(response)
    if envelope["ok"]:
        value: dict[str, Any] = envelope["value"]
        return value
    raise from_wire(envelope["error"])


class Answers:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def find(self, key: str, wanted: str, now_ms: int) -> str | None:
        """The stored response; None when the key is new or its time is over; `Conflict` when it came with another body."""
        found = self._sql.rows("SELECT fingerprint, response, expires_ms FROM idempotency WHERE key = ?", key)
        if not found or found[0][2] <= now_ms:
            return None
        if found[0][0] != wanted:
            raise Conflict("this idempotency key came with another request", code="idempotency_conflict")
        return str(found[0][1])

    def keep(self, answer: Answer, now_ms: int) -> None:
        self._sql.rows(
            "INSERT OR REPLACE INTO idempotency (key, fingerprint, response, at_ms, expires_ms) VALUES (?, ?, ?, ?, ?)",
            answer.key,
            answer.fingerprint,
            answer.response,
            now_ms,
            answer.expires_ms,
        )

    def prune(self, now_ms: int) -> None:
        self._sql.rows("DELETE FROM idempotency WHERE expires_ms <= ?", now_ms)
