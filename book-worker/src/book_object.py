"""The Durable Object `Book`: hands the runtime's storage, socket and alarm to `shared.book.shell`, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from workers import DurableObject

from shared import log
from shared.book.shell import Book as Shell
from shared.book.shell import Ports
from shared.clock import SystemClock
from shared.config import BookSettings
from shared.edge.alarm import ObjectAlarm
from shared.edge.count import count
from shared.edge.env import text_vars
from shared.edge.r2 import R2
from shared.edge.rpc import Objects, answer
from shared.edge.socket import connect
from shared.edge.sql import ObjectSql


class Book(DurableObject):  # type: ignore[misc]
    """Methods take and return one JSON text, as docs/contracts.md says."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        log.setup("INFO")
        settings = BookSettings.load(text_vars(self.env))
        log.setup(settings.LOG_LEVEL)
        self._tasks: set[asyncio.Future[None]] = set()
        ports = Ports(
            sql=ObjectSql(self.ctx),
            alarm=ObjectAlarm(self.ctx),
            store=R2(self.env.ARCHIVE),
            peers=lambda hint: Objects(self.env.DESK, hint or settings.LOCATION_HINT),
            clock=SystemClock(),
            connect=connect,
            spawn=self._spawn,
        )
        # An id without its name (older runtimes, in an alarm) still tells two shards apart.
        self._book = Shell(getattr(self.ctx.id, "name", None) or str(self.ctx.id), ports)

    async def watch(self, text: str) -> str:
        """See docs/contracts.md."""
        return await answer("book.watch", self._book.watch, text)

    async def book(self, text: str) -> str:
        """See docs/contracts.md."""
        return await answer("book.book", self._book.book, text)

    async def books(self, text: str) -> str:
        """See docs/contracts.md."""
        return await answer("book.books", self._book.books, text)

    async def flush(self, text: str) -> str:
        """See docs/contracts.md."""
        return await answer("book.flush", self._book.flush, text)

    async def alarm(self, _info: Any = None) -> None:
        """Every 1 to 5 seconds while something is watched."""
        count("object_alarms")
        await self._book.alarm()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """The set keeps the task from being collected, `waitUntil` the object from being put away before it is done."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.ctx.waitUntil(task)
