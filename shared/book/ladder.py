"""The exact order book of one symbol: snapshots and deltas in, sorted levels out.

Prices are keys: whole multiples of 10^-18, as integers: "185.3" and "185.300" are one level, and nothing is rounded.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from shared.model import exact

Pair = Sequence[str]
"""(price, quantity), both plain decimal text."""

MAX_LEVELS = 1000
STUCK_AFTER = 20
"""So many messages in a row that are older than the book mean that the venue has started to count anew."""

_UNIT = 10**exact.MAX_DIGITS
PLAIN = re.compile(rf"\d{{1,{exact.MAX_DIGITS}}}(?:\.\d{{1,{exact.MAX_DIGITS}}})?\Z", re.ASCII)
"""An unsigned decimal without an exponent: the only way a price or a quantity may be written."""

_NO_EDGE = 10 ** (2 * exact.MAX_DIGITS)


class Outcome(StrEnum):
    """What became of a message; only `APPLIED` leaves a book that may be quoted."""

    APPLIED = "applied"
    IGNORED = "ignored"
    GAP = "gap"
    REFUSED = "refused"


class Top(NamedTuple):
    """The best level of each side, exact decimal text without trailing zeros."""

    bid: str
    bid_qty: str
    ask: str
    ask_qty: str


@lru_cache(maxsize=16_384)
def scaled(price: str) -> int:
    """A positive price as a multiple of 10^-18; ValueError for anything but plain digits above 0."""
    if not PLAIN.match(price):
        raise ValueError("price must be a plain decimal")
    whole, _, part = price.partition(".")
    key = int(whole + part.ljust(exact.MAX_DIGITS, "0"))
    if not key:
        raise ValueError("price must be above 0")
    return key


@lru_cache(maxsize=16_384)
def price_text(key: int) -> str:
    """The one text of a scaled price; a bid's key is negative and reads the same."""
    whole, part = divmod(abs(key), _UNIT)
    return f"{whole}.{part:0{exact.MAX_DIGITS}d}".rstrip("0").rstrip(".")


@lru_cache(maxsize=16_384)
def qty_text(qty: str) -> str:
    """The one text of a quantity."""
    return exact.text(Decimal(qty))


class _Side:
    """Levels by key, ascending from the best. `edge`: beyond it levels were cut off, and nothing is known."""

    __slots__ = ("edge", "keys", "limit", "sign", "sizes")

    def __init__(self, sign: int, limit: int) -> None:
        self.sign = sign
        self.limit = limit
        self.keys: list[int] = []
        self.sizes: dict[int, str] = {}
        self.edge = _NO_EDGE

    def read(self, pairs: Iterable[Pair]) -> list[tuple[int, str]]:
        """(key, quantity) of each pair, an empty quantity for 0; ValueError or TypeError for what is not plain text."""
        sign, found = self.sign, []
        for price, qty in pairs:
            if not PLAIN.match(qty):
                raise ValueError("quantity must be a plain decimal")
            found.append((sign * scaled(price), qty if qty.strip("0.") else ""))
        return found

    def replace(self, levels: list[tuple[int, str]]) -> None:
        """Exactly these levels; ValueError if a price comes twice."""
        sizes = dict(levels)
        if len(sizes) != len(levels):
            raise ValueError("a price stands twice in one snapshot")
        keys = sorted(key for key, qty in levels if qty)
        self.edge = keys[self.limit - 1] if len(keys) > self.limit else _NO_EDGE
        self.keys = keys[: self.limit]
        self.sizes = {key: sizes[key] for key in self.keys}

    def update(self, levels: list[tuple[int, str]]) -> None:
        keys, sizes = self.keys, self.sizes
        for key, qty in levels:
            if key in sizes:
                if qty:
                    sizes[key] = qty
                else:
                    del sizes[key]
                    del keys[bisect_left(keys, key)]
            elif qty and key <= self.edge:
                insort(keys, key)
                sizes[key] = qty
                if len(keys) > self.limit:
                    del sizes[keys.pop()]
                    self.edge = keys[-1]

    def view(self, depth: int) -> list[list[str]]:
        return [[price_text(key), qty_text(self.sizes[key])] for key in self.keys[:depth]]

    @property
    def exhausted(self) -> bool:
        """Empty only because its deeper levels had been cut off."""
        return not self.keys and self.edge != _NO_EDGE


class Ladder:
    """One symbol's book. It is `broken`, and must not be quoted, until its first snapshot, after a gap in the sequence,
    and after a message that had to be refused (malformed, or crossed); the next snapshot that is no older mends it."""

    def __init__(self, max_levels: int = MAX_LEVELS) -> None:
        self._bids = _Side(-1, max_levels)
        self._asks = _Side(1, max_levels)
        self.gaps = 0
        self.reason = ""
        self.seq = 0
        self.ts_ms = 0
        self.reset("no_snapshot")

    def reset(self, reason: str = "reset") -> None:
        """Forget the sequence (a new connection): broken until a snapshot, whatever its number."""
        self.broken = True
        self.reason = reason
        self._seen = -1
        self._ignored = 0

    def snapshot(self, seq: int, ts_ms: int, bids: Iterable[Pair], asks: Iterable[Pair]) -> Outcome:
        """The whole book as of `seq`. A number that skips some is counted as a gap, and applied: nothing is missing."""
        if seq < self._seen or (seq == self._seen and not self.broken):
            return self._older()
        if not self.broken and seq > self.seq + 1:
            self.gaps += 1
        self._seen = seq
        try:
            self._bids.replace(self._bids.read(bids))
            self._asks.replace(self._asks.read(asks))
        except (ValueError, TypeError) as error:
            return self._break(str(error), Outcome.REFUSED)
        return self._settle(seq, ts_ms)

    def delta(self, seq: int, ts_ms: int, bids: Iterable[Pair], asks: Iterable[Pair]) -> Outcome:
        """Changed levels, quantity 0 for those that are gone; must be number `self.seq + 1`."""
        if seq <= self._seen:
            return self._older()
        before, self._seen = self._seen, seq
        if self.broken:
            return Outcome.IGNORED
        if seq != before + 1:
            self.gaps += 1
            return self._break("gap", Outcome.GAP)
        try:
            bid_levels, ask_levels = self._bids.read(bids), self._asks.read(asks)
        except (ValueError, TypeError) as error:
            return self._break(str(error), Outcome.REFUSED)
        self._bids.update(bid_levels)
        self._asks.update(ask_levels)
        if self._bids.exhausted or self._asks.exhausted:
            return self._break("all known levels are gone", Outcome.GAP)
        return self._settle(seq, ts_ms)

    def top(self) -> Top | None:
        """None while the book is broken or a side is empty."""
        if self.broken or not self._bids.keys or not self._asks.keys:
            return None
        bid, ask = self._bids.keys[0], self._asks.keys[0]
        return Top(price_text(bid), qty_text(self._bids.sizes[bid]), price_text(ask), qty_text(self._asks.sizes[ask]))

    def bids(self, depth: int = MAX_LEVELS) -> list[list[str]]:
        """`[[price, quantity]…]`, best first."""
        return self._bids.view(depth)

    def asks(self, depth: int = MAX_LEVELS) -> list[list[str]]:
        """`[[price, quantity]…]`, best first."""
        return self._asks.view(depth)

    def _settle(self, seq: int, ts_ms: int) -> Outcome:
        if self._bids.keys and self._asks.keys and -self._bids.keys[0] >= self._asks.keys[0]:
            return self._break("crossed", Outcome.REFUSED)
        self.seq, self.ts_ms = seq, ts_ms
        self.broken, self.reason, self._ignored = False, "", 0
        return Outcome.APPLIED

    def _break(self, reason: str, outcome: Outcome) -> Outcome:
        self.broken, self.reason = True, reason
        return outcome

    def _older(self) -> Outcome:
        self._ignored += 1
        if self._ignored >= STUCK_AFTER:
            self.reset("sequence_went_back")
        return Outcome.IGNORED
