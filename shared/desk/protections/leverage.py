"""How many times its equity a desk may have at stake."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import Protection, Room
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.model import Instrument, Positive, Side, exact


class Leverage(Protection):
    """Refuses a buy after which exposure, open buys included, would be more than `max` times equity; or whose equity is unknown.

    Idea: leverage turns a bad day into the last one. Units: exposure in quote over equity, both at market prices; no windows, so no
    clock. Bounds the size of a proposal's entry as well.
    Source: gross leverage limits, Basel III leverage ratio framework (2014), taken down to one account.
    """

    place = 205
    sized = True
    refusals = ("leverage", "equity_unknown")
    max: Positive = Decimal(1)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if intent.side is Side.SELL:
            return None
        sums = totals(state, context)
        if sums.equity is None:
            return Refusal("equity_unknown", "a price or a conversion is missing")
        exposure = exact.add(sums.exposure, intent.notional)
        most = exact.multiply(sums.equity, self.max)
        if exposure <= most:
            return None
        return Refusal("leverage", f"exposure {exact.text(exposure)} would be above {exact.text(most)}")

    def rooms(self, state: DeskState, instrument: Instrument, context: Context) -> Iterator[Room]:
        sums = totals(state, context)
        if sums.equity is not None:
            most = exact.multiply(sums.equity, self.max)
            yield Room("leverage", exact.subtract(most, sums.exposure))
