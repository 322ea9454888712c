"""A seeded market: prices that walk and sometimes jump, and the minutes' bars made of them. Prices are cents here."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from shared.model import Candle, Interval

BAR_MS = 60_000
TICK_MS = 5_000


class Market:
    """`now` are the prices of this moment by symbol; `closed` bars are made when their minute is over.

    Quotes are a cent wide, or in some runs up to `widest` basis points, which changes now and then.
    """

    def __init__(self, symbols: tuple[str, ...], luck: Random, start_ms: int) -> None:
        self.symbols = symbols
        self.luck = luck
        self.market_ms = start_ms
        self.now = {symbol: luck.randrange(2_000, 20_000) for symbol in symbols}
        self.step = luck.choice((5, 20, 60))
        self.widest = luck.choice((0, 0, 10, 60))
        self._half = dict.fromkeys(symbols, 0)
        self.closed: list[Candle] = []
        self._open_ms = start_ms - start_ms % BAR_MS
        self._bars = {symbol: [cents] * 4 for symbol, cents in self.now.items()}

    def move(self, market_ms: int) -> None:
        """The market goes on to `market_ms`."""
        while self._open_ms + BAR_MS <= market_ms:
            self._close()
        self.market_ms = market_ms
        for symbol in self.symbols:
            width = max(1, self.now[symbol] * self.step // 10_000)
            self._set(symbol, self.now[symbol] + self.luck.randint(-width, width))
            if self.widest and self.luck.random() < 0.1:
                self._half[symbol] = self.now[symbol] * self.luck.randint(0, self.widest) // 20_000

    def jump(self, symbol: str, share: float) -> None:
        """Moves one price at once by a share of it."""
        self._set(symbol, int(self.now[symbol] * (1 + share)))

    def _set(self, symbol: str, cents: int) -> None:
        cents = min(max(cents, 200), 1_000_000)
        self.now[symbol] = cents
        bar = self._bars[symbol]
        bar[1], bar[2], bar[3] = max(bar[1], cents), min(bar[2], cents), cents

    def _close(self) -> None:
        for symbol, (opened, high, low, close) in self._bars.items():
            self.closed.append(
                Candle(
                    instrument=f"us:{symbol}",
                    interval=Interval.M1,
                    open_time_ms=self._open_ms,
                    open=money(opened),
                    high=money(high),
                    low=money(low),
                    close=money(close),
                    volume=Decimal(self.luck.choice((0, 50, 1_000, 1_000_000))),
                )
            )
            self._bars[symbol] = [close] * 4
        self._open_ms += BAR_MS

    def quote(self, symbol: str, received_ms: int, off: int = 0) -> dict[str, Any]:
        """The quote of now as the Book sends it; `off` moves it by cents."""
        cents, half = max(200, self.now[symbol] + off), self._half[symbol]
        return {
            "instrument": f"us:{symbol}",
            "bid": str(money(cents - half)),
            "ask": str(money(cents + 1 + half)),
            "bid_qty": "100",
            "ask_qty": "100",
            "ts_ms": self.market_ms,
            "received_ms": received_ms,
            "seq": 1,
        }


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
