"""How much may be at stake: in one order, one instrument, one group of them, and in all."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pydantic import Field

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import Protection, Room
from shared.desk.state import DeskState
from shared.desk.totals import Totals, totals
from shared.model import Instrument, Model, Positive, Side, exact
from shared.model.instrument import Symbol, symbol_of


class Group(Model):
    """Symbols that move together: what they may be worth in all, and how many of them may be held or being bought."""

    symbols: tuple[Symbol, ...] = Field(min_length=1, max_length=500)
    max_notional: Positive | None = None
    max_positions: int | None = Field(default=None, ge=1, le=1000)


class Exposure(Protection):
    """Refuses a buy that would carry an order, an instrument, a group or the desk over its limit.

    Idea: what is not at stake cannot be lost, and what moves together is one bet. The limits of order, instrument, desk and count
    of positions are the desk's `limits`; `groups` by name are extra. Units: quote money, what is held at its mark and open buys at
    their price; no windows, so no clock. Bounds the size of a proposal's entry as well.
    Source: position limits of MiFID II RTS 6 article 15; correlated groups, R. Grinold and R. Kahn, Active Portfolio Management.
    """

    always = True
    place = 200
    sized = True
    refusals = (
        "max_order_notional",
        "max_symbol_notional",
        "max_total_notional",
        "max_group_notional",
        "max_group_positions",
        "max_open_positions",
    )
    groups: dict[str, Group] = Field(default_factory=dict, max_length=100)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if intent.side is Side.SELL:
            return None
        sums = totals(state, context)
        name = intent.instrument.id
        limits = state.limits
        added = intent.notional
        return (
            _above("max_order_notional", added, limits.max_order_notional)
            or _above("max_symbol_notional", exact.add(sums.symbol_exposure(name), added), limits.max_symbol_notional)
            or _above("max_total_notional", exact.add(sums.exposure, added), limits.max_total_notional)
            or self._group_refuses(intent, sums)
            or _one_too_many("max_open_positions", "", sums.taken, name, limits.max_open_positions)
        )

    def _group_refuses(self, intent: Intent, sums: Totals) -> Refusal | None:
        symbol = intent.instrument.symbol
        for name, group in self._groups_of(symbol):
            if group.max_notional is not None:
                held = _exposure_of(group, intent.instrument.venue, sums)
                refusal = _above("max_group_notional", exact.add(held, intent.notional), group.max_notional, name)
                if refusal is not None:
                    return refusal
            if group.max_positions is not None:
                taken = frozenset(each for each in sums.taken if symbol_of(each) in group.symbols)
                refusal = _one_too_many("max_group_positions", name, taken, intent.instrument.id, group.max_positions)
                if refusal is not None:
                    return refusal
        return None

    def _groups_of(self, symbol: str) -> Iterator[tuple[str, Group]]:
        return ((name, group) for name, group in self.groups.items() if symbol in group.symbols)

    def rooms(self, state: DeskState, instrument: Instrument, context: Context) -> Iterator[Room]:
        sums = totals(state, context)
        limits = state.limits
        yield Room("max_order_notional", limits.max_order_notional)
        in_symbol = exact.subtract(limits.max_symbol_notional, sums.symbol_exposure(instrument.id))
        yield Room("max_symbol_notional", in_symbol)
        yield Room("max_total_notional", exact.subtract(limits.max_total_notional, sums.exposure))
        for _, group in self._groups_of(instrument.symbol):
            if group.max_notional is not None:
                held = _exposure_of(group, instrument.venue, sums)
                yield Room("max_group_notional", exact.subtract(group.max_notional, held))


def _exposure_of(group: Group, venue: str, sums: Totals) -> Decimal:
    total = exact.ZERO
    for symbol in group.symbols:
        total = exact.add(total, sums.symbol_exposure(f"{venue}:{symbol}"))
    return total


def _above(code: str, notional: Decimal, limit: Decimal, group: str = "") -> Refusal | None:
    if notional <= limit:
        return None
    where = f" in the group {group}" if group else ""
    return Refusal(code, f"{exact.text(notional)} would be above {exact.text(limit)}{where}")


def _one_too_many(code: str, group: str, taken: frozenset[str], name: str, most: int) -> Refusal | None:
    """Positions held and entries under way, each instrument once."""
    if name in taken or len(taken) < most:
        return None
    where = f" in the group {group}" if group else ""
    return Refusal(code, f"{len(taken)} positions are open or being opened{where}")
