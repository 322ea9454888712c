"""What the desk is worth at the prices of now, and the market's time: asked for by many rules of one decision, made once."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

from shared.desk import ledger
from shared.desk.context import Context, Mark
from shared.desk.state import DeskState
from shared.model import Position, exact

_ONE = Decimal(1)


class Worth:
    """Of one state with one context. Money is in quote, `equity` in the reporting currency."""

    def __init__(self, state: DeskState, context: Context) -> None:
        self.state = state
        self.context = context

    @cached_property
    def held(self) -> list[Position]:
        return self.state.held()

    @cached_property
    def market_ms(self) -> int:
        """The newest market time of a bar, or of a price of what is held."""
        marks = self.context.marks
        known = [marks[each.instrument].market_ms for each in self.held if each.instrument in marks]
        return max([self.context.market_ms, *known])

    def market_ms_of(self, instrument: str) -> int:
        """The newest market time known that concerns one instrument."""
        mark = self.context.marks.get(instrument)
        return max(self.context.market_ms, mark.market_ms) if mark else self.context.market_ms

    @cached_property
    def is_quoted(self) -> bool:
        """Whether anything held is priced by a quote, and not by a closed bar."""
        marks = self.context.marks
        return any(each.instrument in marks and marks[each.instrument].bid is not None for each in self.held)

    @cached_property
    def equity(self) -> Decimal | None:
        """Cash, and positions at what they would sell for (the bid, else the price); None while something is not known."""
        if not self.is_quoted:
            return self._worth(self._values)
        marks = self.context.marks
        return self._worth(
            {each.instrument: self._at(each, _exit_price(marks[each.instrument], each)) for each in self._priced}
        )

    @cached_property
    def equity_before(self) -> Decimal | None:
        """The same positions and cash at the closes before the prices of now."""
        marks = self.context.marks
        closes = {
            each.instrument: marks[each.instrument].before or marks[each.instrument].price for each in self._priced
        }
        return self._worth({each.instrument: self._at(each, closes[each.instrument]) for each in self._priced})

    @cached_property
    def equity_to_size_on(self) -> Decimal | None:
        """At the prices of now; but what has had none for `max_data_age_ms` counts for no more than it cost."""
        since_ms = self.context.now_ms - self.state.limits.max_data_age_ms
        values = dict(self._values)
        for position in self._priced:
            if self.context.marks[position.instrument].received_ms < since_ms:
                values[position.instrument] = min(values[position.instrument], position.cost)
        return self._worth(values)

    @cached_property
    def _priced(self) -> list[Position]:
        return [each for each in self.held if each.instrument in self.context.marks]

    @cached_property
    def _values(self) -> dict[str, Decimal]:
        """What each position with a price is worth at it, in quote, signed."""
        marks = self.context.marks
        return {each.instrument: self._at(each, marks[each.instrument].price) for each in self._priced}

    def _at(self, position: Position, price: Decimal) -> Decimal:
        return self.state.instruments[position.instrument].notional(position.qty, price)

    def _worth(self, values: Mapping[str, Decimal]) -> Decimal | None:
        """Cash and these values of the positions; None where one of them has none, or no conversion."""
        total = self._cash_worth
        for position in self.held:
            value = values.get(position.instrument)
            rate = self._rate(self.state.instruments[position.instrument].quote)
            if total is None or value is None or rate is None:
                return None
            total = exact.add(total, value if rate is _ONE else exact.multiply(value, rate))
        return total

    @cached_property
    def _cash_worth(self) -> Decimal | None:
        total = exact.ZERO
        for asset, amount in self.state.cash.items():
            rate = self._rate(asset) if amount else _ONE
            if rate is None:
                return None
            total = exact.add(total, exact.multiply(amount, rate))
        return total

    def _rate(self, asset: str) -> Decimal | None:
        return _ONE if asset == self.state.currency else ledger.conversion(self.state, self.context.marks, asset)


def _exit_price(mark: Mark, position: Position) -> Decimal:
    return (mark.bid if position.qty > 0 else mark.ask) or mark.price
