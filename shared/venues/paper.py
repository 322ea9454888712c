"""A venue that exists only on paper: it fills the desk's orders on closed bars, by the rules of `matching`, out of its own tables.

What the account holds is added up from the venue's own fills and the cash that it opened with; what it can afford is the
desk's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from shared.config import Paper as Rules
from shared.errors import Conflict, NotFound, Refused
from shared.model import Candle, Fill, Instrument, Order, OrderStatus, exact
from shared.ports import Sql
from shared.venues.matching import Working, match
from shared.venues.paper_tables import PaperTables, Tables
from shared.venues.venue import AccountView, Credentials, Offers, OrderReport


class Holdings:
    """Added up from the fills as they come; `upto` is the newest row that is counted. Assets and instruments may be at zero."""

    def __init__(self) -> None:
        self.upto = 0
        self.money: dict[str, Decimal] = {}
        self.positions: dict[str, Decimal] = {}

    def add(self, fill: Fill, instrument: Instrument) -> None:
        sign = Decimal(fill.side.sign)
        paid = exact.multiply(sign, instrument.notional(fill.qty, fill.price))
        change(self.money, instrument.quote, exact.subtract(exact.ZERO, paid))
        change(self.money, fill.fee.asset, exact.subtract(exact.ZERO, fill.fee.amount))
        change(self.positions, fill.instrument, exact.multiply(sign, fill.qty))


def change(amounts: dict[str, Decimal], name: str, by: Decimal) -> None:
    amounts[name] = exact.add(amounts.get(name, exact.ZERO), by)


class PaperVenue:
    """`Trading` over tables of its own, in transactions of its own: as independent of the desk as a real venue is.

    `kept` is where its tables are made, or tables of another kind.
    """

    def __init__(self, kept: Sql | Tables) -> None:
        self._rules: Rules | None = None
        self._instruments: Mapping[str, Instrument] = {}
        self._cash: Mapping[str, Decimal] | None = None
        self._holdings = Holdings()
        self._tables = kept if isinstance(kept, Tables) else PaperTables(kept)

    def configure(
        self, rules: Rules, instruments: Mapping[str, Instrument], cash: Mapping[str, Decimal] | None = None
    ) -> None:
        """What applies from the next bar on; `place` refuses an instrument that is not among these.

        `cash` is what the account opened with, per asset; without it the venue tells no balances.
        """
        self._rules = rules
        self._instruments = instruments
        self._cash = cash

    @property
    def offers(self) -> Offers:
        resting = self._rules is not None and self._rules.resting_stops
        return Offers(resting_stops=resting, oco=resting)

    async def credentials(self) -> Credentials:
        return Credentials(valid=True, may_trade=True, may_withdraw=False)

    async def keep_alive(self, within_s: int) -> None:
        """Nothing: the venue lives and dies with the desk."""

    async def account(self, since_ms: int) -> AccountView:
        held = self._held()
        positions = {name: qty for name, qty in held.positions.items() if qty}
        balances: dict[str, Decimal] | None = None
        if self._cash is not None:
            total = {
                name: exact.add(self._cash.get(name, exact.ZERO), held.money.get(name, exact.ZERO))
                for name in {**self._cash, **held.money}
            }
            balances = {name: amount for name, amount in total.items() if amount}
        return AccountView(tuple(await self.open_orders()), self._tables.fills_since(since_ms), positions, balances)

    async def place(self, order: Order) -> OrderReport:
        """Takes the order; the state of the first for an id that it has. `Conflict` for an id with another content."""
        held = self._tables.order(order.client_id)
        if held is None:
            if order.instrument not in self._instruments:
                raise Refused(f"{order.instrument} is not traded here", code="unknown_instrument")
            if order.kind.has_trigger and not self.offers.resting_stops:
                raise Refused("no stop orders rest here", code="not_offered")
            if order.oco is not None and not self.offers.oco:
                raise Refused("no groups of orders rest here", code="not_offered")
            held = Working.of_order(order)
            self._tables.transaction(lambda: self._tables.keep(held))
        elif not held.same_as(order):
            raise Conflict(f"the id {order.client_id} belongs to another order", code="client_id_reused")
        return self._report(held)

    async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
        """Cancels what is left of it; the final state where it is closed already. `NotFound` for an unknown id."""
        held = self._tables.order(client_id)
        if held is None:
            raise NotFound(f"no order {client_id}", code="order_not_found")
        if held.status.is_open:
            held = held.model_copy(update={"status": OrderStatus.CANCELLED})
            gone = held
            self._tables.transaction(lambda: self._tables.keep(gone))
        return self._report(held)

    async def order(self, client_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        held = self._tables.order(client_id)
        return None if held is None else self._report(held)

    async def open_orders(self) -> list[OrderReport]:
        return [self._report(held) for held in self._tables.open_orders()]

    def on_bars(self, candles: Sequence[Candle]) -> list[OrderReport]:
        """Matches closed bars against the open orders in one transaction; a report of each order that was filled or has ended."""
        if self._rules is None:
            raise ValueError("configure the paper venue before it is given bars")
        rules = self._rules
        open_ = [held for held in self._tables.open_orders() if held.instrument in self._instruments]
        names = {candle.instrument for candle in candles}
        touched = {held.client_id: held for held in open_ if held.instrument in names}
        if not touched:
            return []
        bars = sorted(candles, key=lambda bar: bar.open_time_ms)
        positions = dict(self._held().positions)
        return self._tables.transaction(lambda: self._match_all(touched, bars, rules, positions))

    def _match_all(
        self,
        touched: Mapping[str, Working],
        bars: Sequence[Candle],
        rules: Rules,
        positions: dict[str, Decimal],
    ) -> list[OrderReport]:
        now = dict(touched)
        told: set[str] = set()
        for bar in bars:
            orders = [held for held in now.values() if held.instrument == bar.instrument and held.status.is_open]
            if not orders:
                continue
            held = positions.get(bar.instrument, exact.ZERO)
            for after, fill in match(orders, bar, self._instruments[bar.instrument], rules, held):
                if fill is not None:
                    self._tables.keep_fill(fill)
                    change(positions, fill.instrument, exact.multiply(Decimal(fill.side.sign), fill.qty))
                if fill is not None or not after.status.is_open:
                    told.add(after.client_id)
                now[after.client_id] = after
        for name, after in now.items():
            if after != touched[name]:
                self._tables.keep(after)
        return [self._report(after) for name, after in now.items() if name in told]

    def _held(self) -> Holdings:
        """All fills so far; those since the last time are added."""
        for row, fill in self._tables.fills_after(self._holdings.upto):
            self._holdings.add(fill, self._instruments[fill.instrument])
            self._holdings.upto = row
        return self._holdings

    def _report(self, held: Working) -> OrderReport:
        return OrderReport(
            client_id=held.client_id,
            venue_order_id=held.venue_order_id,
            status=held.status,
            fills=self._tables.fills_of(held.client_id) if held.filled_qty else (),
            reason=held.reason,
        )
