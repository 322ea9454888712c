"""Nothing is bought with money that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from shared.desk import balance
from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import Protection, Room
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.model import Instrument, OrderKind, Side, exact


class FreeBalance(Protection):
    """Refuses a buy that may cost more than the cash which open buys do not reserve.

    Idea: a spot account cannot owe. Units: quote money; a buy may cost its notional, the fee, and for what fills at the market's
    price slippage and 1 % of movement too. No windows, so no clock. Bounds the size of a proposal's entry as well.
    Source: the pre-trade credit check of SEC rule 15c3-5.
    """

    always = True
    place = 230
    sized = True
    refusals = ("free_balance",)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if intent.side is Side.SELL:
            return None
        cost = balance.cost_of(state, intent.instrument, intent.kind, intent.qty, intent.price)
        free = totals(state, context).free_balance(intent.instrument.quote)
        if cost <= free:
            return None
        return Refusal("free_balance", f"may cost {exact.text(cost)} with fee and slippage; {exact.text(free)} is free")

    def rooms(self, state: DeskState, instrument: Instrument, context: Context) -> Iterator[Room]:
        free = totals(state, context).free_balance(instrument.quote)
        yield Room("free_balance", exact.ROUNDED.divide(free, balance.allowance(state, OrderKind.MARKET)))
