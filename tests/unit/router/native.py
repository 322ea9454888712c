"""The whole API natively: SQLite on the real migration, and stand-ins for objects, queue and limiter."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

from brain import rpc
from router.app import create_app
from router.ports import Ports
from shared.apikey import insert_statement, make_key
from shared.clock import FixedClock
from shared.config import RouterSettings
from shared.errors import DeskError, NotFound, StorageUnavailable, from_wire
from shared.ports import Statement, Value

T = TypeVar("T")
PEPPER = "p" * 32
NOW_MS = 1_700_000_000_000
ROOT = Path(__file__).resolve().parents[3]
MIGRATIONS = sorted((ROOT / "migrations").glob("*.sql"))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class Sqlite:
    """A `Database` that counts round trips and can be down."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        for migration in MIGRATIONS:
            self._db.executescript(migration.read_text())
        self.round_trips = 0
        self.down = False

    def _trip(self) -> None:
        self.round_trips += 1
        if self.down:
            raise StorageUnavailable("D1 did not answer; try again")

    def do(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(sql, params).fetchall()]

    async def rows(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        self._trip()
        return self.do(sql, *params)

    async def read(self, statements: Sequence[Statement]) -> list[list[dict[str, Any]]]:
        self._trip()
        return [self.do(each.sql, *each.params) for each in statements]

    async def batch(self, statements: Sequence[Statement]) -> list[int]:
        self._trip()
        # others get their turn here, as they would while D1 is asked
        await asyncio.sleep(0)
        self._db.execute("BEGIN")
        try:
            changed = [self._db.execute(each.sql, each.params).rowcount for each in statements]
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return changed


class Bytes:
    """R2 or KV in a dictionary."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.down = False

    async def get(self, key: str) -> bytes | None:
        if self.down:
            raise StorageUnavailable("it did not answer")
        self.reads.append(key)
        return self.held.get(key)

    async def put(self, key: str, body: bytes, ttl_s: int | None = None) -> None:
        self.held[key] = body

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.held.pop(key, None)

    async def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self.held if key.startswith(prefix))


class Queue:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, body: Mapping[str, Any]) -> None:
        self.sent.append(dict(body))


class Objects:
    """Objects by name: each answers a method with what it was given, or raises it, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], dict[str, Any] | Exception] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def named(self, name: str) -> One:
        return One(self, name)


class One:
    def __init__(self, objects: Objects, name: str) -> None:
        self._objects = objects
        self._name = name

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._objects.asked.append((self._name, method, json.loads(json.dumps(body, allow_nan=False))))
        await asyncio.sleep(0)
        missing = NotFound("there is no such desk", code="desk_not_open")
        answer = self._objects.answers.get((self._name, method), missing)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Brain:
    """What the router may ask of the real brain, through its envelope; `down` when it does not answer."""

    def __init__(self) -> None:
        self.down = False
        self.asked: list[str] = []
        self.heard = 0

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """`heard` is how long the text was."""
        if self.down:
            raise StorageUnavailable("it did not answer")
        self.asked.append(method)
        self.heard = len(json.dumps(body))
        door = {"check": rpc.check, "describe": rpc.describe}
        envelope = json.loads(door[method](json.dumps(body, allow_nan=False)))
        if not envelope["ok"]:
            raise from_wire(envelope["error"])
        found: dict[str, Any] = envelope["value"]
        return found


class Limiter:
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.allowed: bool | DeskError = True

    async def allow(self, key: str) -> bool:
        self.keys.append(key)
        if isinstance(self.allowed, DeskError):
            raise self.allowed
        return self.allowed


class World:
    """Everything around the API, a key of each role for every desk, and a client."""

    def __init__(self) -> None:
        self.db = Sqlite()
        self.archive = Bytes()
        self.hot = Bytes()
        self.jobs = Queue()
        self.desks = Objects()
        self.books = Objects()
        self.brain = Brain()
        self.limiter = Limiter()
        self.clock = FixedClock(NOW_MS)
        settings = RouterSettings.load({"ENVIRONMENT": "local", "TRADING_MODE": "paper", "KEY_PEPPER": PEPPER})
        self.ports = Ports(
            settings,
            self.db,
            self.archive,
            self.hot,
            self.jobs,
            self.desks,
            self.books,
            self.brain,
            self.limiter,
            self.clock,
        )
        self.app = create_app(self.ports)
        self.keys = {role: self.key(role) for role in ("viewer", "trader", "admin")}

    def key(self, role: str, desks: Sequence[str] = ("*",), label: str = "test") -> str:
        key, row = make_key(role, desks, label, PEPPER, "test", NOW_MS)
        statement = insert_statement(row)
        self.db.do(statement.sql, *statement.params)
        return key

    def desk(self, name: str, as_of_seq: int = 0) -> None:
        self.db.do(
            "INSERT INTO desks (desk, venue, currency, mode, opened_ms, as_of_seq) "
            "VALUES (?, 'us', 'USD', 'paper', ?, ?)",
            name,
            NOW_MS,
            as_of_seq,
        )

    def instrument(self, symbol: str, venue: str = "us") -> None:
        body = json.dumps({"venue": venue, "symbol": symbol})
        self.db.do(
            "INSERT INTO instruments (id, venue, symbol, body, updated_ms) VALUES (?, ?, ?, ?, 0)",
            f"{venue}:{symbol}",
            venue,
            symbol,
            body,
        )

    def ask(self, method: str, path: str, key: str | None = "admin", **more: Any) -> httpx.Response:
        """One request; `key` is a role, a whole key, or None."""
        return run(self.asking(method, path, key, **more))

    async def asking(self, method: str, path: str, key: str | None = "admin", **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers.setdefault("authorization", f"Bearer {self.keys.get(key, key)}")
        if more.pop("idempotent", method != "GET"):
            headers.setdefault("idempotency-key", "test-key")
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
            return await client.request(method, path, headers=headers, **more)


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Asserts that the answer is a whole problem of this kind; its body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(body)
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:edgedesk:problem:{code}"
    assert body["request_id"] == response.headers["x-request-id"]
    return body
