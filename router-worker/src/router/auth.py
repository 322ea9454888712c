"""Who asks, and whether they may.

The verdict can be held back until a page's own query has run with it in one round trip: `boundary.py` lets nothing out
before it stands.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.types import Scope

from router.limits import header
from router.ports import Ports
from router.routes import KNOWN_KEY_SUFFICES, ROLE
from shared import log
from shared.apikey import ALL_DESKS, Role, key_hash, prefix_of
from shared.errors import Forbidden, RateLimited, StorageUnavailable, Unauthorized
from shared.ports import Statement

CALLER = "edgedesk.caller"
MAX_KNOWN = 1000
LOOKUP = "SELECT prefix, hash, role, desks, label, revoked_ms FROM keys WHERE prefix = ?"
_NO_HASH = "0" * 64

_log = log.get("auth")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Identity:
    """A key that was found valid."""

    prefix: str
    role: Role
    desks: tuple[str, ...]
    label: str

    def may_touch(self, desk: str) -> bool:
        """Whether the key was made for this desk, or for every desk."""
        return ALL_DESKS in self.desks or desk in self.desks

    def covers(self, desks: Sequence[str]) -> bool:
        """Whether no desk in the list is beyond this key."""
        return all(self.may_touch(desk) for desk in desks)


class Known:
    """Keys that this isolate has seen valid, by hash: a hint what to do early, no verdict where the table answers."""

    def __init__(self) -> None:
        self._by_hash: dict[str, Identity] = {}

    def get(self, digest: str) -> Identity | None:
        """What the key with this hash was, when it was last seen valid."""
        return self._by_hash.get(digest)

    def remember(self, digest: str, identity: Identity) -> None:
        """Keeps a verdict that the table has just given."""
        if len(self._by_hash) >= MAX_KNOWN:
            self._by_hash.clear()
        self._by_hash[digest] = identity

    def forget(self, digest: str) -> None:
        """Drops a key that the table has just refused."""
        self._by_hash.pop(digest, None)


class Caller:
    """The key of one request. Each method ends in a verdict on the key, the route's role and the desk in the path."""

    def __init__(self, ports: Ports, known: Known, scope: Scope, prefix: str, digest: str) -> None:
        self.prefix = prefix
        self._ports = ports
        self._known = known
        self._scope = scope
        self._digest = digest
        self._identity: Identity | None = None

    async def verified(self) -> Identity:
        """The identity behind the key; `Unauthorized` or `Forbidden`."""
        if self._identity is None:
            try:
                rows = await self._ports.db.rows(LOOKUP, self.prefix)
            except StorageUnavailable:
                self._identity = self._trusted_meanwhile()
            else:
                self._identity = self._judge(rows)
        self._authorise(self._identity)
        return self._identity

    async def read(self, *statements: Statement) -> list[Rows]:
        """The rows of each statement, read in one round trip with the key, and given out only to who may have them."""
        if self._identity is not None:
            self._authorise(self._identity)
            return await self._ports.db.read(statements)
        found = await self._ports.db.read([Statement(LOOKUP, (self.prefix,)), *statements])
        self._identity = self._judge(found[0])
        self._authorise(self._identity)
        return found[1:]

    async def ask_desk(self, desk: str, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A desk's answer to a question that changes nothing, given out only to who may have it.

        Where this very key was valid for the desk before, both are asked at the same time; a forged key wakes no desk.
        """
        known = self._known.get(self._digest)
        if self._identity is not None or known is None or not known.may_touch(desk):
            await self.verified()
            return await self._ports.desks.named(desk).call(method, body)
        asked = self._ports.desks.named(desk).call(method, body)
        verdict, found = await asyncio.gather(self.verified(), asked, return_exceptions=True)
        for outcome in (verdict, found):
            if isinstance(outcome, BaseException):
                raise outcome
        answer: dict[str, Any] = found
        return answer

    def _judge(self, rows: Rows) -> Identity:
        row: Mapping[str, Any] = rows[0] if rows else {}
        # compared even where there is no row, so that time does not tell which prefixes exist
        same = hmac.compare_digest(str(row.get("hash", _NO_HASH)), self._digest)
        if not (rows and same and row["revoked_ms"] is None):
            self._known.forget(self._digest)
            raise Unauthorized("the key is not valid")
        identity = Identity(str(row["prefix"]), Role(row["role"]), tuple(json.loads(row["desks"])), str(row["label"]))
        self._known.remember(self._digest, identity)
        return identity

    def _trusted_meanwhile(self) -> Identity:
        identity = self._known.get(self._digest)
        if identity is None or not self._declared(KNOWN_KEY_SUFFICES):
            raise StorageUnavailable("the key could not be checked; try again")
        _log.warning("key_trusted_unchecked", extra={"prefix": self.prefix})
        return identity

    def _declared(self, name: str) -> Any:
        route = self._scope.get("route")
        return (getattr(route, "openapi_extra", None) or {}).get(name)

    def _authorise(self, identity: Identity) -> None:
        if "route" not in self._scope:
            return
        # a route that does not say is for admins
        needed = Role(self._declared(ROLE) or Role.ADMIN)
        if not identity.role.covers(needed):
            raise Forbidden(f"this needs a key with the role {needed.value}")
        desk = self._scope.get("path_params", {}).get("desk")
        if desk is not None:
            require_desk(identity, desk)


def require_desk(identity: Identity, desk: str) -> None:
    """`Forbidden`, in the same words whether or not there is such a desk."""
    if not identity.may_touch(desk):
        raise Forbidden("this key may not touch that desk")


class Gate:
    """Reads the key, and turns too many requests away before anything is looked up."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._known = Known()
        self._pepper = ports.settings.KEY_PEPPER.get_secret_value()

    async def admit(self, scope: Scope) -> Caller:
        """The caller, not yet verified; `Unauthorized` where there is nothing like a key, `RateLimited`."""
        scheme, _, key = (header(scope, b"authorization") or "").partition(" ")
        key = key.strip()
        prefix = prefix_of(key) if scheme.lower() == "bearer" else None
        digest = key_hash(key, self._pepper) if prefix else ""
        # only a key known to be good has a bucket of its own: a forged one must not use up another's or change its own
        bucket = f"key:{prefix}" if prefix and self._known.get(digest) else f"ip:{_address(scope)}"
        await self._limit(bucket, scope)
        if prefix is None:
            raise Unauthorized("send a key as Authorization: Bearer edk_…")
        return Caller(self._ports, self._known, scope, prefix, digest)

    async def _limit(self, bucket: str, scope: Scope) -> None:
        if scope["method"] == "POST" and scope["path"].endswith(("/halt", "/disarm")):
            # a busy program must not keep its owner from stopping it
            bucket = f"halt:{bucket}"
        try:
            allowed = await self._ports.limiter.allow(bucket)
        except StorageUnavailable:
            # the guard against abuse is not the guard of the money: without it, requests go on
            _log.warning("limiter_unavailable")
            return
        if not allowed:
            raise RateLimited("too many requests; wait")


def _address(scope: Scope) -> str:
    """The client's address as Cloudflare saw it; of IPv6 the /64, which is what one client has."""
    text = header(scope, b"cf-connecting-ip") or "unknown"
    if ":" not in text:
        return text
    try:
        return str(ipaddress.IPv6Network((text, 64), strict=False).network_address)
    except ValueError:
        return "unknown"


async def authorise(request: Request) -> None:
    """Runs before every handler: whatever changes something waits for the verdict; a read may fetch along with it."""
    if request.method != "GET":
        await caller_of(request).verified()


def caller_of(request: Request) -> Caller:
    """The caller that the edge has put into the scope."""
    caller: Caller = request.scope[CALLER]
    return caller


async def caller(request: Request) -> Caller:
    """The caller as a dependency."""
    return caller_of(request)


async def ports(request: Request) -> Ports:
    """The ports as a dependency."""
    found: Ports = request.app.state.ports
    return found
