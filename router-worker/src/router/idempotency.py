"""The same request sent again has its effect once. A desk keeps its own keys; here is what happens outside of one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import Request

from router.auth import caller_of
from router.limits import header
from router.ports import Ports
from shared.errors import Conflict, Invalid, StorageUnavailable
from shared.model.base import Model
from shared.ports import Statement, Value

MAX_LENGTH = 64
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:")
_CLAIM = (
    "INSERT INTO idempotency (key, caller, fingerprint, status, body, created_ms) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (caller, key) DO NOTHING"
)
_HOLDER = "SELECT fingerprint, body FROM idempotency WHERE caller = ? AND key = ?"

WON = "EXISTS (SELECT 1 FROM idempotency WHERE caller = ? AND key = ? AND body = ?)"
"""A condition for the statements that a claim guards; its parameters are `Claim.won`."""


class IdempotencyKeyRequired(Invalid):
    """A POST that changes something came without an Idempotency-Key."""

    code = "idempotency_key_required"


async def required_key(request: Request) -> str:
    """The caller's Idempotency-Key, as a dependency."""
    given = await optional_key(request)
    if given is None:
        raise IdempotencyKeyRequired(
            "send an Idempotency-Key header, such as a UUID, and the same one when you try again"
        )
    return given


async def optional_key(request: Request) -> str | None:
    """The caller's Idempotency-Key, if there is one; `Invalid` where it has not the form of one."""
    given = header(request.scope, b"idempotency-key")
    if given is None:
        return None
    if not 1 <= len(given) <= MAX_LENGTH or not _ALLOWED.issuperset(given):
        rule = f"must be 1 to {MAX_LENGTH} letters, digits or -._~:"
        raise Invalid.field("idempotency-key", given, rule)
    return given


def own(request: Request, key: str) -> str:
    """The key as a desk sees it: the caller's prefix before it, so that two callers never share one."""
    return f"{caller_of(request).prefix}:{key}"


class Claim(NamedTuple):
    """The first insert of (caller, key) wins; `answer` is what every later one is told."""

    caller: str
    key: str
    fingerprint: str
    answer: dict[str, Any]

    @property
    def body(self) -> str:
        """The answer as it is stored."""
        return json.dumps(self.answer, separators=(",", ":"))

    @property
    def won(self) -> tuple[Value, ...]:
        """The parameters of `WON`: the stored answer is this one, so this claim was the first."""
        return (self.caller, self.key, self.body)


class Outcome(NamedTuple):
    """Whether this request was the first with its key, and the answer for it."""

    first: bool
    answer: dict[str, Any]


def fingerprint(route: str, body: Model) -> str:
    """A hash of what was asked: the same key with another one is a conflict."""
    return hashlib.sha256(f"{route}\n{body.json_text()}".encode()).hexdigest()


async def is_known(ports: Ports, caller: str, key: str) -> bool:
    """Whether a request with this key was taken before."""
    return bool(await ports.db.rows(_HOLDER, caller, key))


async def once(ports: Ports, claim: Claim, status: int, effects: Sequence[Statement]) -> Outcome:
    """Runs `effects`, each guarded by `WON`, in one transaction with the claim. `Conflict` for another body."""
    now_ms = ports.clock.now_ms()
    row = (claim.key, claim.caller, claim.fingerprint, status, claim.body, now_ms)
    changed = await ports.db.batch([Statement(_CLAIM, row), *effects])
    if changed[0]:
        return Outcome(True, claim.answer)
    held = await ports.db.rows(_HOLDER, claim.caller, claim.key)
    if not held:
        raise StorageUnavailable("the earlier request with this key could not be read; try again")
    if held[0]["fingerprint"] != claim.fingerprint:
        raise Conflict("this Idempotency-Key was used for another request", code="idempotency_conflict")
    return Outcome(False, json.loads(held[0]["body"]))
