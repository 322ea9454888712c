"""API keys: made, listed, revoked. Nobody hands out more than they have."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Depends, Path
from starlette.responses import Response

from router.answers import answer, page
from router.auth import Identity
from router.bodies import Empty, body_of
from router.idempotency import WON, Claim, fingerprint, once
from router.paging import cut, read_cursor
from router.resources.common import Paged, RequiredKey, TheCaller, ThePorts
from router.routes import Routes
from router.select import Select
from shared.apikey import KeyWish, Prefix, Role, make_key
from shared.errors import Conflict, Forbidden, NotFound
from shared.ports import Database, Statement, Value

ROUTES = Routes()

_ITEM = (
    "json_object('prefix', prefix, 'role', role, 'desks', json(desks), 'label', label, 'created_ms', created_ms, "
    "'created_by', created_by, 'revoked_ms', revoked_ms) AS item"
)
_PAGE = f"SELECT created_ms, prefix, {_ITEM} FROM keys"
# the holder of every desk sees every key, any other admin those that reach no further than their own
_WITHIN = (
    "(EXISTS (SELECT 1 FROM keys AS mine, json_each(mine.desks) AS a WHERE mine.prefix = ? AND a.value = '*') "
    "OR NOT EXISTS (SELECT 1 FROM json_each(keys.desks) AS d WHERE d.value NOT IN "
    "(SELECT b.value FROM keys AS mine, json_each(mine.desks) AS b WHERE mine.prefix = ?)))"
)
_INSERT = (
    "INSERT INTO keys (prefix, hash, role, desks, label, created_ms, created_by, revoked_ms) "
    f"SELECT ?, ?, ?, ?, ?, ?, ?, NULL WHERE {WON}"
)
_FIND = "SELECT prefix, role, desks, revoked_ms FROM keys WHERE prefix = ?"
# in the statement itself: two admins who revoke each other at once must not both succeed
_REVOKE = (
    "UPDATE keys SET revoked_ms = ? WHERE prefix = ? AND revoked_ms IS NULL AND "
    "(role <> 'admin' OR desks <> '[\"*\"]' OR EXISTS (SELECT 1 FROM keys AS other WHERE "
    "other.prefix <> keys.prefix AND other.role = 'admin' AND other.desks = '[\"*\"]' AND other.revoked_ms IS NULL))"
)


@ROUTES.get("/v1/keys", Role.ADMIN)
async def list_keys(caller: TheCaller, query: Paged) -> Response:
    """Keys by time of making, newest first, without what would open anything."""
    after = read_cursor(query.cursor, "keys", (int, str))
    select = Select(_PAGE).where(_WITHIN, caller.prefix, caller.prefix)
    (rows,) = await caller.read(select.page(("created_ms", "prefix"), after, query.limit, newest_first=True))
    found = cut(rows, query.limit, "keys", lambda row: (row["created_ms"], row["prefix"]))
    return page((row["item"] for row in found.rows), found.next_cursor)


@ROUTES.post("/v1/keys", Role.ADMIN, KeyWish, status=201)
async def create_key(
    caller: TheCaller, ports: ThePorts, key: RequiredKey, wish: Annotated[KeyWish, Depends(body_of(KeyWish))]
) -> Response:
    """Makes a key and shows it once: the same request sent again is answered with `key: null`."""
    identity = await caller.verified()
    _require_within(identity, wish.desks)
    pepper = ports.settings.KEY_PEPPER.get_secret_value()
    secret, row = make_key(wish.role, wish.desks, wish.label, pepper, caller.prefix, ports.clock.now_ms())
    shown = {name: row[name] for name in ("prefix", "role", "label", "created_ms", "created_by")}
    claim = Claim(caller.prefix, key, fingerprint("POST /v1/keys", wish), {**shown, "desks": list(wish.desks)})
    columns = ("prefix", "hash", "role", "desks", "label", "created_ms", "created_by")
    values: tuple[Value, ...] = tuple(row[column] for column in columns)
    outcome = await once(ports, claim, 201, [Statement(_INSERT, (*values, *claim.won))])
    return answer({"key": secret if outcome.first else None, **outcome.answer}, 201 if outcome.first else 200)


def _require_within(identity: Identity, desks: tuple[str, ...]) -> None:
    if not identity.covers(desks):
        raise Forbidden("a key cannot give desks that it may not touch itself")


@ROUTES.post("/v1/keys/{prefix}/revoke", Role.ADMIN, Empty)
async def revoke_key(
    caller: TheCaller,
    ports: ThePorts,
    prefix: Annotated[Prefix, Path()],
    _: RequiredKey,
    __: Annotated[Empty, Depends(body_of(Empty))],
) -> Response:
    """Revokes a key for good; a revoked one stays as it is. The last admin key for every desk cannot be revoked."""
    identity = await caller.verified()
    found = await _find(ports.db, prefix, identity)
    if found["revoked_ms"] is None:
        await ports.db.batch([Statement(_REVOKE, (ports.clock.now_ms(), prefix))])
        found = await _find(ports.db, prefix, identity)
    if found["revoked_ms"] is None:
        raise Conflict("this is the last admin key for every desk; make another one first", code="last_admin_key")
    return answer({"prefix": prefix, "revoked_ms": found["revoked_ms"]})


async def _find(db: Database, prefix: str, identity: Identity) -> dict[str, Any]:
    """The key's row; one that reaches beyond the caller is as unknown as one that is not there."""
    rows = await db.rows(_FIND, prefix)
    if not rows or not identity.covers(json.loads(rows[0]["desks"])):
        raise NotFound("there is no such key", code="key_not_found")
    return rows[0]
