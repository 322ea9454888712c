"""The one socket of a shard: it is opened, found dead, and opened again with backoff, without a timer of its own.

Whoever has an alarm or a call at hand says `check(now_ms)`; each connection has a number, and what an old one still
says is not heard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from shared import log
from shared.clock import Clock, jitter

FIRST_BACKOFF_MS = 1000
MAX_BACKOFF_MS = 30_000
SILENT_MS = 15_000
"""A socket that brought nothing readable for so long is closed and opened anew."""

CONNECT_MS = 15_000
"""An attempt to connect that has not ended by then is given up."""

_log = log.get("book.link")


class Socket(Protocol):
    """An open connection."""

    def close(self) -> None:
        """Ends it; nothing is called back afterwards."""


Connect = Callable[[str, Callable[[str], None], Callable[[str], None]], Awaitable[Socket]]
"""`connect(url, on_text, on_close)`; the callbacks are synchronous."""
Spawn = Callable[[Coroutine[Any, Any, None]], None]
"""Starts a coroutine that outlives the call that started it."""


class Link:
    """Counts `connects`, `connect_failures` and `disconnects`."""

    def __init__(
        self,
        connect: Connect,
        spawn: Spawn,
        clock: Clock,
        counters: Counter[str],
        on_start: Callable[[], None],
        on_text: Callable[[str], None],
        random: Callable[[], float] = jitter,
    ) -> None:
        self._connect = connect
        self._spawn = spawn
        self._clock = clock
        self._counters = counters
        self._on_start = on_start
        self._on_text = on_text
        self._random = random
        self._url = ""
        self._number = 0
        self._socket: Socket | None = None
        self._opening_ms: int | None = None
        self._heard_ms = 0
        self._failures = 0
        self.retry_at_ms = 0

    @property
    def connected(self) -> bool:
        """Whether a socket is open."""
        return self._socket is not None

    def aim(self, url: str) -> None:
        """Where to connect to, or nowhere (`""`); another address than before ends the present connection."""
        if url != self._url:
            self._url = url
            self._end()
            self.retry_at_ms = self._failures = 0

    def heard(self, now_ms: int) -> None:
        """The connection has brought something readable."""
        self._heard_ms = now_ms
        self._failures = 0

    def check(self, now_ms: int) -> None:
        """End what is dead; start what is due."""
        if self._socket and now_ms - self._heard_ms > SILENT_MS:
            self._fail("silent")
        if self._opening_ms is not None and now_ms - self._opening_ms > CONNECT_MS:
            self._fail("connecting took too long")
        if self._url and not self._socket and self._opening_ms is None and now_ms >= self.retry_at_ms:
            self._spawn(self.open())

    async def open(self) -> None:
        """Connect now unless it is connected or connecting; never raises."""
        if not self._url or self._socket or self._opening_ms is not None:
            return
        self._number += 1
        number = self._number
        self._opening_ms = self._heard_ms = self._clock.now_ms()
        self._on_start()
        try:
            socket = await self._connect(self._url, partial(self._text, number), partial(self._closed, number))
        except Exception as error:  # noqa: BLE001
            # A socket can fail in any way that the runtime knows; all of them mean: not connected, try again.
            self._counters["connect_failures"] += 1
            self._closed(number, f"{type(error).__name__}: {error}")
            return
        if number != self._number:
            self._close(socket)
            return
        self._socket, self._opening_ms = socket, None
        self._heard_ms = self._clock.now_ms()
        self._counters["connects"] += 1
        _log.info("feed_connected", extra={"url": self._url, "connection": number})

    def _text(self, number: int, text: str) -> None:
        if number == self._number:
            self._on_text(text)

    def _closed(self, number: int, why: str) -> None:
        if number == self._number:
            self._fail(why)

    def _fail(self, why: str) -> None:
        delay_ms = min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** min(self._failures, 10))
        self._failures += 1
        self.retry_at_ms = self._clock.now_ms() + int(delay_ms * (0.5 + self._random() / 2))
        self._counters["disconnects"] += 1
        self._end()
        _log.warning("feed_down", extra={"url": self._url, "why": why, "retry_at_ms": self.retry_at_ms})

    def _end(self) -> None:
        self._number += 1
        socket, self._socket, self._opening_ms = self._socket, None, None
        if socket:
            self._close(socket)

    def _close(self, socket: Socket) -> None:
        try:
            socket.close()
        except Exception:  # noqa: BLE001
            # It may be closed already; there is nothing left to do with it.
            self._counters["close_failures"] += 1
            _log.info("close_failed", exc_info=True)
