"""The line to one desk: one call at a time, quotes coalesced, crossed levels first.

A desk that fails is asked again with backoff; nothing that it does reaches the feed or another desk.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared import log
from shared.book.board import Board
from shared.book.link import Spawn
from shared.book.watch import Crossing, Watched
from shared.clock import Clock
from shared.errors import DeskError
from shared.model import Level, Quote, symbol_of, venue_of
from shared.model.base import invalid_from
from shared.ports import Peer

HEARTBEAT_MS = 1000
WHOLE_MS = 5000
"""A heartbeat with every quote is sent so often: a sign of life, and what a desk that was evicted has forgotten."""

FIRST_RETRY_MS = 1000
MAX_RETRY_MS = 5000
CALL_MS = 60_000
"""A call that has not come back by then is given up: a stop must not wait behind it for ever."""

_LEVELS = TypeAdapter(list[Level])
_log = log.get("book.line")


class DeskLine:
    """Counts `heartbeats`, `triggers` and `desk_failures`."""

    def __init__(self, desk: str, peer: Peer, board: Board, spawn: Spawn, clock: Clock, counters: Counter[str]) -> None:
        self._desk = desk
        self._peer = peer
        self._board = board
        self._spawn = spawn
        self._clock = clock
        self._counters = counters
        self._watched = Watched()
        self._answer: object = None
        self._changed: set[str] = set()
        self._sent_ms = self._whole_ms = -WHOLE_MS
        self._retry_at_ms = self._failures = 0
        self._call = 0
        self._calling_ms: int | None = None

    @property
    def waiting(self) -> bool:
        """Whether something is left to tell the desk."""
        return bool(self._changed) or self._watched.next() is not None

    def see(self, symbol: str, now_ms: int) -> None:
        """The top of this symbol's book has changed."""
        self._changed.add(symbol)
        if f"{self._board.venue}:{symbol}" in self._watched.instruments():
            quote = self._board.quote(symbol, now_ms)
            if quote:
                self._watched.see(quote, now_ms)

    def pump(self, now_ms: int) -> None:
        """Start the call that is due, unless one is under way."""
        if self._calling_ms is not None and now_ms - self._calling_ms > CALL_MS:
            self._failed("no answer")
            self._calling_ms = None
        if self._calling_ms is None and self._due(now_ms):
            self._call += 1
            self._calling_ms = now_ms
            self._spawn(self._talk(self._call))

    def _due(self, now_ms: int) -> bool:
        if now_ms < self._retry_at_ms:
            return False
        return self._watched.next() is not None or self._heartbeat_due(now_ms)

    def _heartbeat_due(self, now_ms: int) -> bool:
        return now_ms - self._sent_ms >= (HEARTBEAT_MS if self._changed else WHOLE_MS)

    async def _talk(self, call: int) -> None:
        """Call after call until nothing is due; the outermost edge of a task, so nothing is raised."""
        try:
            while call == self._call and self._due(now_ms := self._clock.now_ms()):
                self._calling_ms = now_ms
                crossing = self._watched.next()
                if crossing:
                    await self._trigger(call, crossing)
                elif not await self._heartbeat(call, now_ms):
                    break
        except Exception as error:  # noqa: BLE001
            # Bugs of the far side arrive as exceptions of any class; the quotes of other desks must go on.
            if call == self._call:
                self._failed(repr(error), expected=isinstance(error, DeskError))
        finally:
            if call == self._call:
                self._calling_ms = None

    async def _trigger(self, call: int, crossing: Crossing) -> None:
        self._counters["triggers"] += 1
        body = {"level": crossing.level.wire(), "quote": crossing.quote.wire()}
        value = await self._peer.call("trigger", body)
        if call == self._call:
            self._watched.answered(crossing, self._clock.now_ms())
            self._take(value)

    async def _heartbeat(self, call: int, now_ms: int) -> bool:
        """False when there is nothing true to say: a feed that is down must not look alive."""
        whole = now_ms - self._whole_ms >= WHOLE_MS
        symbols = self._board.symbols() if whole else sorted(self._changed)
        quotes = self._quotes(symbols, now_ms)
        self._sent_ms = now_ms
        self._changed.difference_update(symbols)
        if not quotes:
            return False
        self._counters["heartbeats"] += 1
        try:
            value = await self._peer.call("heartbeat", {"quotes": [quote.wire() for quote in quotes]})
        except Exception:
            self._changed.update(symbols)
            raise
        if call == self._call:
            self._whole_ms = now_ms if whole else self._whole_ms
            self._take(value)
        return True

    def _quotes(self, symbols: Sequence[str], now_ms: int) -> list[Quote]:
        found = (self._board.quote(symbol, now_ms) for symbol in symbols)
        return [quote for quote in found if quote]

    def _take(self, value: dict[str, Any]) -> None:
        """The desk has answered: watch its levels, and look at once whether one is crossed already."""
        levels = value.get("levels")
        if levels != self._answer or levels is None:
            try:
                self._watched.replace(_LEVELS.validate_json(json.dumps(levels)))
            except ValidationError as error:
                raise invalid_from(error) from None
            self._answer = levels
        self._failures = 0
        now_ms = self._clock.now_ms()
        for instrument in self._watched.instruments():
            ours = venue_of(instrument) == self._board.venue
            quote = self._board.quote(symbol_of(instrument), now_ms) if ours else None
            if quote:
                self._watched.see(quote, now_ms)

    def _failed(self, why: str, expected: bool = True) -> None:
        self._counters["desk_failures"] += 1
        delay_ms = min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** min(self._failures, 10))
        self._failures += 1
        self._retry_at_ms = self._clock.now_ms() + delay_ms
        extra = {"desk": self._desk, "why": why, "retry_ms": delay_ms}
        _log.warning("desk_call_failed", exc_info=not expected, extra=extra)
