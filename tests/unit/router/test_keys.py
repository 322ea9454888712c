from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from shared.apikey import Role, key_hash, make_key, prefix_of
from shared.errors import Invalid
from tests.unit.router.native import NOW_MS, PEPPER, World, problem, run

WISH = {"role": "trader", "desks": ["main"], "label": "bot"}


def create(world: World, body: dict[str, Any], key: str = "admin", idempotency_key: str = "k1") -> httpx.Response:
    return world.ask("POST", "/v1/keys", key, json=body, headers={"idempotency-key": idempotency_key})


def test_a_key_is_shown_once_works_and_is_stored_only_as_a_hash(world: World) -> None:
    made = create(world, WISH)
    assert made.status_code == 201
    key = made.json()["key"]
    assert re.fullmatch(r"edk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", key)
    assert made.json()["desks"] == ["main"]
    world.desks.answers["main", "view"] = {"desk": "main"}
    assert world.ask("GET", "/v1/desks/main", key).status_code == 200
    problem(world.ask("GET", "/v1/desks/other", key), 403, "forbidden")
    again = create(world, WISH)
    assert again.status_code == 200
    assert again.json() == {**made.json(), "key": None}
    everything = str([world.db.do(f"SELECT * FROM {table}") for table in ("keys", "idempotency")])
    assert key[13:] not in everything
    assert key_hash(key, PEPPER) in everything


def test_the_same_idempotency_key_with_another_wish(world: World) -> None:
    assert create(world, WISH).status_code == 201
    problem(create(world, {**WISH, "role": "viewer"}), 409, "idempotency_conflict")
    assert len(world.db.do("SELECT prefix FROM keys")) == 4


def test_two_callers_never_share_an_idempotency_key(world: World) -> None:
    other = world.key("admin")
    first, second = create(world, WISH), create(world, WISH, other)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["prefix"] != second.json()["prefix"]


def test_five_at_once_make_one_key(world: World) -> None:
    async def five() -> list[httpx.Response]:
        headers = {"idempotency-key": "same"}
        return list(
            await asyncio.gather(*(world.asking("POST", "/v1/keys", json=WISH, headers=headers) for _ in range(5)))
        )

    answers = run(five())
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 200, 201]
    assert len({each.json()["prefix"] for each in answers}) == 1
    assert len([each for each in answers if each.json()["key"]]) == 1
    assert len(world.db.do("SELECT prefix FROM keys")) == 4


@pytest.mark.parametrize(
    "wish",
    [
        {**WISH, "role": "root"},
        {**WISH, "desks": []},
        {**WISH, "desks": ["*", "main"]},
        {**WISH, "desks": ["main", "main"]},
        {**WISH, "desks": ["'; DROP TABLE keys; --"]},
        {**WISH, "desks": "main"},
        {**WISH, "label": ""},
        {**WISH, "label": "a\nb"},
        {**WISH, "label": "x" * 81},
        {**WISH, "hash": "0"},
    ],
)
def test_a_wish_that_breaks_a_rule(world: World, wish: dict[str, Any]) -> None:
    problem(create(world, wish), 422, "invalid")
    assert len(world.db.do("SELECT prefix FROM keys")) == 3


def test_an_admin_of_some_desks_reaches_no_further(world: World) -> None:
    local = world.key("admin", ["main"])
    mine = create(world, WISH, local)
    assert mine.status_code == 201
    problem(create(world, {**WISH, "desks": ["other"]}, local, "k2"), 403, "forbidden")
    problem(create(world, {**WISH, "desks": ["*"]}, local, "k3"), 403, "forbidden")
    seen = {item["prefix"] for item in world.ask("GET", "/v1/keys", local).json()["items"]}
    assert seen == {mine.json()["prefix"], prefix_of(local)}
    beyond = world.keys["viewer"][4:12]
    problem(world.ask("POST", f"/v1/keys/{beyond}/revoke", local), 404, "key_not_found")
    problem(world.ask("POST", "/v1/keys/00000000/revoke", local), 404, "key_not_found")


def test_the_list_says_what_a_key_may_and_not_what_opens_it(world: World) -> None:
    items = world.ask("GET", "/v1/keys").json()["items"]
    assert len(items) == 3
    assert set(items[0]) == {"prefix", "role", "desks", "label", "created_ms", "created_by", "revoked_ms"}
    assert items[0]["desks"] == ["*"]


def test_revoking_is_for_good_and_can_be_repeated(world: World) -> None:
    path = f"/v1/keys/{world.keys['viewer'][4:12]}/revoke"
    first = world.ask("POST", path)
    world.clock.advance(1000)
    assert world.ask("POST", path).json() == first.json() == {"prefix": path[9:17], "revoked_ms": NOW_MS}
    problem(world.ask("GET", "/v1/signals", "viewer"), 401, "unauthorized")


def test_the_last_admin_key_cannot_be_revoked(world: World) -> None:
    second = world.key("admin")
    world.key("admin", ["main"])
    assert world.ask("POST", f"/v1/keys/{second[4:12]}/revoke").status_code == 200
    problem(world.ask("POST", f"/v1/keys/{world.keys['admin'][4:12]}/revoke"), 409, "last_admin_key")
    assert world.ask("GET", "/v1/keys").status_code == 200


def test_two_admins_who_revoke_each_other_do_not_both_succeed(world: World) -> None:
    second = world.key("admin")

    async def both() -> list[httpx.Response]:
        return list(
            await asyncio.gather(
                world.asking("POST", f"/v1/keys/{second[4:12]}/revoke", "admin"),
                world.asking("POST", f"/v1/keys/{world.keys['admin'][4:12]}/revoke", second),
            )
        )

    run(both())
    assert len(world.db.do("SELECT prefix FROM keys WHERE role = 'admin' AND revoked_ms IS NULL")) == 1


def test_make_key_gives_a_row_of_the_table() -> None:
    key, row = make_key("admin", ["*"], "first", PEPPER, "deploy", NOW_MS)
    assert row == {
        "prefix": prefix_of(key),
        "hash": key_hash(key, PEPPER),
        "role": "admin",
        "desks": json.dumps(["*"]),
        "label": "first",
        "created_ms": NOW_MS,
        "created_by": "deploy",
        "revoked_ms": None,
    }
    assert make_key("admin", ["*"], "first", PEPPER, "deploy", NOW_MS)[0] != key
    with pytest.raises(Invalid, match="role"):
        make_key("root", ["*"], "first", PEPPER, "deploy", NOW_MS)


def test_roles_stand_one_above_the_other() -> None:
    order = [Role.VIEWER, Role.TRADER, Role.ADMIN]
    for place, role in enumerate(order):
        assert [role.covers(other) for other in order] == [at <= place for at in range(3)]
