"""All the books of one shard, and how fresh each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from shared.book.feed import Depth, Heartbeat, Malformed, Message
from shared.book.ladder import Ladder, Outcome, Top
from shared.book.ticks import Tick
from shared.model import Quote

STALE_MS = 5000


class _Book:
    """`received_ms`: wall time of its last message, 0 before the first; `quote`: made when somebody asks."""

    __slots__ = ("ladder", "quote", "received_ms", "top")

    def __init__(self) -> None:
        self.ladder = Ladder()
        self.received_ms = 0
        self.top: Top | None = None
        self.quote: Quote | None = None


class Board:
    """Counts what the feed sends: `messages`, `malformed`, `unknown_symbol`, `gaps`, `ignored`, `refused`.

    A heartbeat of the venue vouches for every whole book: a quiet market is not a stale one.
    """

    def __init__(self, venue: str, symbols: Iterable[str], counters: Counter[str]) -> None:
        self.venue = venue
        self._books: dict[str, _Book] = {}
        self._counters = counters
        self.choose(symbols)
        self.heard_ms: int | None = None

    def choose(self, symbols: Iterable[str]) -> None:
        """Watch these symbols and no others; books that stay keep what they know."""
        self._books = {symbol: self._books.get(symbol) or _Book() for symbol in symbols}

    def reset(self) -> None:
        """A new connection: nothing may be quoted until its first snapshot."""
        for book in self._books.values():
            book.ladder.reset()

    def apply(self, message: Message, now_ms: int) -> Tick | None:
        """Take one message in; the tick, if it changed the top of a book."""
        self._counters["messages"] += 1
        if isinstance(message, Depth):
            return self._depth(message, now_ms)
        if isinstance(message, Heartbeat):
            self.heard_ms = now_ms
        else:
            self._malformed(message)
        return None

    def _depth(self, message: Depth, now_ms: int) -> Tick | None:
        book = self._books.get(message.symbol)
        if book is None:
            self._counters["unknown_symbol"] += 1
            return None
        gaps = book.ladder.gaps
        outcome = book.ladder.snapshot(message.seq, message.ts_ms, message.bids, message.asks)
        self._counters["gaps"] += book.ladder.gaps - gaps
        if outcome is not Outcome.APPLIED:
            self._counters[outcome.value] += 1
            return None
        self.heard_ms = book.received_ms = now_ms
        book.quote = None
        before, book.top = book.top, book.ladder.top()
        if book.top is None or book.top == before:
            return None
        return Tick(message.symbol, message.seq, message.ts_ms, now_ms, *book.top)

    def _malformed(self, message: Malformed) -> None:
        self._counters["malformed"] += 1
        book = self._books.get(message.symbol)
        if book is not None:
            book.ladder.reset("malformed")

    def symbols(self) -> list[str]:
        """What is watched, in the order of the request."""
        return list(self._books)

    def quote(self, symbol: str, now_ms: int) -> Quote | None:
        """The best bid and ask; None while it is stale. `received_ms` is when the venue last confirmed it."""
        book = self._books.get(symbol)
        if book is None or self._stale(book, now_ms):
            return None
        confirmed_ms = max(book.received_ms, self.heard_ms or 0)
        if book.quote is None or book.quote.received_ms != confirmed_ms:
            book.quote = self._quote(symbol, book, confirmed_ms)
        return book.quote

    def item(self, symbol: str, now_ms: int) -> dict[str, Any]:
        """The top of one book as JSON; `bid` and `ask` are null where there is none."""
        book = self._books[symbol]
        top = book.ladder.top()
        return {"bid": top.bid if top else None, "ask": top.ask if top else None, **self._state(symbol, book, now_ms)}

    def depth(self, symbol: str, levels: int, now_ms: int) -> dict[str, Any] | None:
        """Both sides of one book as JSON; no levels while it is broken; None for a symbol that is not watched."""
        book = self._books.get(symbol)
        if book is None:
            return None
        levels = 0 if book.ladder.broken else levels
        sides = {"bids": book.ladder.bids(levels), "asks": book.ladder.asks(levels)}
        return {**sides, **self._state(symbol, book, now_ms)}

    def _state(self, symbol: str, book: _Book, now_ms: int) -> dict[str, Any]:
        known = book.received_ms > 0
        return {
            "instrument": f"{self.venue}:{symbol}",
            "seq": book.ladder.seq if known else None,
            "ts_ms": book.ladder.ts_ms if known else None,
            "received_ms": book.received_ms if known else None,
            "age_ms": self._age_ms(book, now_ms) if known else None,
            "stale": self._stale(book, now_ms),
        }

    def _age_ms(self, book: _Book, now_ms: int) -> int:
        """Since the venue last said it or, while the book is whole, confirmed it."""
        heard_ms = book.received_ms if book.ladder.broken else max(book.received_ms, self.heard_ms or 0)
        return max(0, now_ms - heard_ms)

    def _stale(self, book: _Book, now_ms: int) -> bool:
        return book.ladder.top() is None or self._age_ms(book, now_ms) > STALE_MS

    def _quote(self, symbol: str, book: _Book, confirmed_ms: int) -> Quote | None:
        top = book.ladder.top()
        if top is None:
            return None
        return Quote(
            instrument=f"{self.venue}:{symbol}",
            bid=Decimal(top.bid),
            ask=Decimal(top.ask),
            bid_qty=Decimal(top.bid_qty),
            ask_qty=Decimal(top.ask_qty),
            ts_ms=book.ladder.ts_ms,
            received_ms=confirmed_ms,
            seq=book.ladder.seq,
        )
