"""The Book object: one shard of a venue's symbols on one socket, its ticks to R2, its quotes to the desks.

Everything here runs in one thread, in turns between awaits. Nothing waits with a timer: messages, calls and the
object's alarm drive it, and each looks at what is due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shared import log
from shared.book import feed
from shared.book.board import Board
from shared.book.flusher import Flusher
from shared.book.line import DeskLine
from shared.book.link import Connect, Link, Spawn
from shared.book.record import BookRequest, Record, WatchRequest, read
from shared.book.ticks import TickBuffer
from shared.clock import Clock
from shared.errors import Conflict, NotFound
from shared.ports import Alarm, ObjectStore, Peers, Sql

BUSY_ALARM_MS = 1000
CALM_ALARM_MS = 5000

_log = log.get("book.shell")


class Ports(NamedTuple):
    """All that the object reaches. `peers(location_hint)` is the family of desks; `spawn` outlives its caller."""

    sql: Sql
    alarm: Alarm
    store: ObjectStore
    peers: Callable[[str], Peers]
    clock: Clock
    connect: Connect
    spawn: Spawn


class Book:
    """`name` is the object's own, `{venue}:{shard}`: it keeps the archive keys of two shards apart."""

    def __init__(self, name: str, ports: Ports) -> None:
        self._shard = name.rpartition(":")[2]
        self._ports = ports
        self._clock = ports.clock
        self.counters: Counter[str] = Counter()
        self._record = Record(ports.sql)
        self._ticks = TickBuffer(ports.sql, ports.store, self.counters)
        self._board = Board("", (), self.counters)
        on = (lambda: self._board.reset(), self._on_text)
        self._link = Link(ports.connect, ports.spawn, ports.clock, self.counters, *on)
        self._lines: dict[str, DeskLine] = {}
        self._flusher = Flusher(self._ticks, ports.spawn, ports.clock, self.counters)
        self._watch = self._record.load()
        if self._watch:
            self._follow(self._watch)

    async def watch(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{connected, symbols}`. Idempotent; connects at once what is down. `Conflict`: another venue than before."""
        request: WatchRequest = read(WatchRequest, body)
        if self._watch and request.venue != self._watch.venue:
            raise Conflict(f"this object watches {self._watch.venue}, not {request.venue}", code="book_other_venue")
        if request != self._watch:
            self._record.save(request)
            self._follow(request)
        self._arm(self._clock.now_ms())
        await self._link.open()
        return {"connected": self._link.connected, "symbols": len(request.symbols)}

    async def book(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{instrument, bids: [[price, qty]…], asks, seq, ts_ms, received_ms, age_ms, stale}`, or `NotFound`."""
        request: BookRequest = read(BookRequest, body)
        now_ms = self._wake()
        found = self._board.depth(request.symbol, request.depth, now_ms)
        if found is None:
            raise NotFound(f"{request.symbol} is not watched here", code="unknown_symbol", symbol=request.symbol)
        return found

    async def books(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        """`{items: [{instrument, bid, ask, seq, ts_ms, received_ms, age_ms, stale}], connected, ticks_buffered, …}`."""
        now_ms = self._wake()
        return {
            "items": [self._board.item(symbol, now_ms) for symbol in self._board.symbols()],
            "connected": self._link.connected,
            "ticks_buffered": self._ticks.buffered,
            "counters": dict(self.counters),
        }

    async def flush(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        """`{ticks, objects}` written to R2; raises what R2 raises, and then nothing is lost."""
        self._wake()
        ticks, objects = await self._flusher.write(self._watch.venue, self._shard) if self._watch else (0, 0)
        return {"ticks": ticks, "objects": objects}

    async def alarm(self) -> None:
        """Re-arms first, then does what is due; never raises."""
        try:
            now_ms = self._clock.now_ms()
            if self._watch and (self._watch.symbols or self._ticks.buffered):
                self._arm(now_ms)
            self._drive(now_ms)
        except Exception:  # noqa: BLE001
            # The outermost edge of an alarm: it stands again already, and the next one tries once more.
            self.counters["alarm_failures"] += 1
            _log.exception("alarm_failed")

    def _follow(self, request: WatchRequest) -> None:
        if request.venue != self._board.venue:
            self._board = Board(request.venue, request.symbols, self.counters)
        self._board.choose(request.symbols)
        moved = self._watch is not None and self._watch.location_hint != request.location_hint
        peers = self._ports.peers(request.location_hint)
        kept = {} if moved else self._lines
        self._lines = {desk: kept.get(desk) or self._line(desk, peers) for desk in request.desks}
        self._watch = request
        self._link.aim(request.stream_url)

    def _line(self, desk: str, peers: Any) -> DeskLine:
        return DeskLine(desk, peers.named(desk), self._board, self._ports.spawn, self._clock, self.counters)

    def _wake(self) -> int:
        """What a call does first: an object that was evicted picks up its feed and alarm again. Wall time now."""
        now_ms = self._clock.now_ms()
        if self._watch and self._watch.symbols and not self._link.connected:
            self._arm(now_ms)
            self._link.check(now_ms)
        return now_ms

    def _arm(self, now_ms: int) -> None:
        waiting = self._ticks.has_tail or any(line.waiting for line in self._lines.values())
        if not self._link.connected:
            waiting = waiting or self._link.retry_at_ms - now_ms < CALM_ALARM_MS
        self._ports.alarm.arm(now_ms + (BUSY_ALARM_MS if waiting else CALM_ALARM_MS))

    def _drive(self, now_ms: int) -> None:
        self._link.check(now_ms)
        self._ticks.pack_if_due(now_ms)
        if self._watch:
            self._flusher.check(self._watch.venue, self._shard, now_ms)
        for line in self._lines.values():
            line.pump(now_ms)

    def _on_text(self, text: str) -> None:
        """One message of the socket: the outermost edge of an event, so nothing is raised."""
        try:
            now_ms = self._clock.now_ms()
            message = feed.parse(text)
            if not isinstance(message, feed.Malformed):
                self._link.heard(now_ms)
            tick = self._board.apply(message, now_ms)
            if tick:
                self._ticks.add(tick, now_ms)
                for line in self._lines.values():
                    line.see(tick.symbol, now_ms)
            self._drive(now_ms)
        except Exception:  # noqa: BLE001
            # One message must never end the feed; the books it concerns say themselves whether they are whole.
            self.counters["message_failures"] += 1
            _log.exception("message_failed")
