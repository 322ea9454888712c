"""All that the API talks to, as protocols: the runtime brings bindings, a test brings its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from shared.clock import Clock
from shared.config import RouterSettings
from shared.ports import Database, JobQueue, KeyValue, ObjectStore, Peer, Peers


class Limiter(Protocol):
    """The guard against abuse."""

    async def allow(self, key: str) -> bool:
        """Whether one more request of `key` is within the limit."""


def _uncounted() -> AbstractContextManager[Mapping[str, int]]:
    return nullcontext({})


@dataclass(frozen=True)
class Ports:
    """`counting` opens a block in which platform operations are counted by name."""

    settings: RouterSettings
    db: Database
    archive: ObjectStore
    hot: KeyValue
    jobs: JobQueue
    desks: Peers
    books: Peers
    brain: Peer
    limiter: Limiter
    clock: Clock
    counting: Callable[[], AbstractContextManager[Mapping[str, int]]] = _uncounted
