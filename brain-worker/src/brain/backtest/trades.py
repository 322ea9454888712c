"""Fills of a backtest -> closed trades, with how far each was under and above water on the way."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256

from brain.backtest.trade import ClosedTrade
from brain.bar import Bar
from brain.bars import Bars
from shared.desk import events as ev
from shared.desk.state import DeskState
from shared.model import Fill, Instrument, Outcome, Side, Trade, exact, symbol_of


class OpenTrade:
    """A position on its way, in floats; `low` and `high` are the extremes of the bars since its first fill."""

    __slots__ = ("bars", "bought", "bought_for", "fees", "first_ms", "high", "low", "sold", "sold_for")

    def __init__(self, first_ms: int) -> None:
        self.first_ms = first_ms
        self.bought = self.bought_for = self.sold = self.sold_for = self.fees = 0.0
        self.low = self.high = 0.0
        self.bars = 0

    def on_fill(self, fill: Fill, multiplier: float) -> None:
        """Adds it; the extremes begin at the first price."""
        qty, price = float(fill.qty), float(fill.price)
        if not self.bought and not self.sold:
            self.low = self.high = price
        if fill.side is Side.BUY:
            self.bought += qty
            self.bought_for += qty * price * multiplier
        else:
            self.sold += qty
            self.sold_for += qty * price * multiplier
            self.low, self.high = min(self.low, price), max(self.high, price)
        self.fees += float(fill.fee.amount)

    @property
    def held(self) -> float:
        """Quantity, above 0 for a long position."""
        return self.bought - self.sold

    def on_bars(self, count: int, low: float, high: float) -> None:
        """Bars during all of which, or from the open of which, it was held, with their extremes."""
        self.bars += count
        if low < self.low:
            self.low = low
        if high > self.high:
            self.high = high


class Trades:
    """Listens to the desk's events. `open` are by symbol.

    Of a bar that ends a trade within it, only the fill's price counts towards the extremes: what came first is not known.
    """

    def __init__(self, instruments: dict[str, Instrument]) -> None:
        self._instruments = instruments
        self.open: dict[str, OpenTrade] = {}
        self.closed: list[ClosedTrade] = []
        self.traded = 0.0
        self._outcomes: list[Outcome] = []

    def on_bars(self, bars: Sequence[tuple[str, Bar]]) -> None:
        """One close: what is held was held through its bars."""
        for symbol, bar in bars:
            if symbol in self.open:
                self.open[symbol].on_bars(1, bar.low, bar.high)

    def pass_over(self, symbol: str, bars: Bars, span: slice) -> None:
        """Those bars of a symbol that is held, on which nothing happened."""
        if span.start < span.stop:
            self.open[symbol].on_bars(span.stop - span.start, min(bars.low[span]), max(bars.high[span]))

    def on_events(self, found: Sequence[ev.Event], state: DeskState) -> None:
        """Fills, in their order; `state` is the one that they led to."""
        fills = [event.fill for event in found if isinstance(event, ev.OrderFilled)]
        if not fills:
            return
        ended = {(trade.instrument, trade.closed_ms): trade for trade in state.trades[-len(fills) :]}
        for fill in fills:
            self._on_fill(fill, ended)

    def outcomes(self) -> list[Outcome]:
        """Trades that were closed since this was asked the last time, in units of the risk that was taken."""
        found, self._outcomes = self._outcomes, []
        return found

    def _on_fill(self, fill: Fill, ended: dict[tuple[str, int], Trade]) -> None:
        name = fill.instrument
        multiplier = float(self._instruments[name].multiplier)
        symbol = symbol_of(name)
        trade = self.open.get(symbol)
        if trade is None:
            trade = self.open[symbol] = OpenTrade(fill.ts_ms)
        trade.on_fill(fill, multiplier)
        self.traded += float(fill.qty) * float(fill.price) * multiplier
        over = ended.get((name, fill.ts_ms))
        if over is not None and abs(trade.held) < float(self._instruments[name].lot) / 2:
            self.closed.append(self._closed(symbol, trade, fill, over, multiplier))
            del self.open[symbol]
            if (said := over.outcome()) is not None:
                self._outcomes.append(said)

    def _closed(self, symbol: str, trade: OpenTrade, last: Fill, over: Trade, multiplier: float) -> ClosedTrade:
        entry = trade.bought_for / trade.bought / multiplier
        leave = trade.sold_for / trade.sold / multiplier
        return ClosedTrade(
            symbol=symbol,
            side="buy",
            qty=trade.bought,
            entry_ms=trade.first_ms,
            exit_ms=last.ts_ms,
            entry_price=entry,
            exit_price=leave,
            pnl=float(over.net),
            fees=trade.fees,
            mae=min(0.0, (trade.low - entry) * trade.bought * multiplier),
            mfe=max(0.0, (trade.high - entry) * trade.bought * multiplier),
            bars=trade.bars,
            reason=str(over.cause.value),
        )


def fingerprint(closed: Sequence[ClosedTrade], instruments: dict[str, Instrument], venue: str) -> str:
    """sha256 of the closed trades in their order, prices on the tick and quantities on the lot: equal in every runtime."""
    lines = []
    for trade in closed:
        instrument = instruments[f"{venue}:{trade.symbol}"]
        qty = _rounded(trade.qty, instrument.lot)
        entry, leave = (_rounded(price, instrument.tick) for price in (trade.entry_price, trade.exit_price))
        lines.append(
            f"{trade.symbol},{trade.side},{qty},{trade.entry_ms},{entry},{trade.exit_ms},{leave},{trade.reason}"
        )
    return sha256("\n".join(lines).encode()).hexdigest()


def _rounded(value: float, step: Decimal) -> str:
    # twelve digits first, so that what the last bits of two runtimes make of a half is the same
    steps = exact.ROUNDED.divide(Decimal(f"{value:.12g}"), step).to_integral_value()
    return exact.text(exact.multiply(steps, step))
