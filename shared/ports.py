"""What the platform offers, as protocols: `shared/edge` implements them in the runtime, the tests natively."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Value = str | int | float | bytes | None


class Statement(NamedTuple):
    """One SQL statement with its bound parameters (at most 100 in D1)."""

    sql: str
    params: tuple[Value, ...] = ()


class Database(Protocol):
    """D1. A failure raises `StorageUnavailable`; an empty list always means that there are no rows."""

    async def rows(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        """The rows of one query, column name to value."""

    async def batch(self, statements: Sequence[Statement]) -> list[int]:
        """All in one transaction and one round trip; the rows changed by each. All or nothing."""

    async def read(self, statements: Sequence[Statement]) -> list[list[dict[str, Any]]]:
        """Several queries in one round trip; the rows of each."""


class ObjectStore(Protocol):
    """R2."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, body: bytes) -> None: ...

    async def delete(self, keys: Sequence[str]) -> None: ...

    async def list(self, prefix: str) -> list[str]:
        """Every key under the prefix, ascending, however many pages that takes."""


class KeyValue(Protocol):
    """KV: may be stale by a minute; one write a second per key."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, body: bytes, ttl_s: int | None = None) -> None: ...


class JobQueue(Protocol):
    async def send(self, body: Mapping[str, Any]) -> None: ...


class Peer(Protocol):
    """Another worker or object, spoken to in JSON: an expected failure comes back as the `DeskError` that it was."""

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]: ...


class Peers(Protocol):
    """A family of Durable Objects, one per name."""

    def named(self, name: str) -> Peer: ...


class Sql(Protocol):
    """A Durable Object's own SQLite: synchronous, and durable before anything leaves the object."""

    def rows(self, sql: str, *params: Value) -> list[tuple[Any, ...]]:
        """Runs one statement; its rows, if it has any."""

    def transaction(self, work: Callable[[], T]) -> T:
        """All that `work` writes, or nothing of it if it raises. Not nested."""


class Alarm(Protocol):
    """The one alarm of a Durable Object."""

    def arm(self, at_ms: int) -> None:
        """Replaces the alarm that stands, if any."""


class Waits(Protocol):
    async def sleep(self, seconds: float) -> None: ...
