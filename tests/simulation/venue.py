"""A venue of the simulation's own, which shares no code with the desk's paper venue. Its record is what the desk is judged by.

It matches on the price of the moment: a market order at once (perhaps in parts), a limit order when the price is there, a stop when
it is touched. It never lets a sell exceed what is held. Everything here happens at once; latency and faults belong to the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from shared.errors import Conflict, NotFound, Refused
from shared.model import Fill, Money, Order, OrderStatus, Side, TimeInForce, ids
from shared.venues.venue import AccountView, Offers, OrderReport
from tests.simulation.faults import Faults
from tests.simulation.prices import Market, money

S = OrderStatus
NOBODY = "0" * 32
FEE_BPS = Decimal(10)


@dataclass
class Held:
    """An order as the venue has it. `open_qty` is what may still fill."""

    order: Order
    venue_id: str
    ours: bool
    status: OrderStatus = S.ACKNOWLEDGED
    filled: Decimal = Decimal(0)
    fills: list[Fill] = field(default_factory=list)
    triggered: bool = False
    reason: str = ""

    @property
    def open_qty(self) -> Decimal:
        return self.order.qty - self.filled if self.status.is_open else Decimal(0)

    def report(self) -> OrderReport:
        return OrderReport(self.order.client_id, self.venue_id, self.status, tuple(self.fills), self.reason)


def body_of(order: Order) -> tuple[object, ...]:
    """What of an order goes over the line, beside its id."""
    return (
        *(order.instrument, order.side, order.kind, order.qty, order.limit_price, order.trigger_price),
        *(order.time_in_force, order.good_till_ms, order.post_only, order.reduce_only, order.oco),
    )


class SimVenue:
    """`told` is called with every report that the venue would push. `parts` is how often a fill is a part."""

    def __init__(self, market: Market, faults: Faults, offers: Offers, fee_asset: str, cash: Decimal) -> None:
        self.market, self.faults, self.offers, self.fee_asset = market, faults, offers, fee_asset
        self.told: Callable[[OrderReport], None] = lambda report: None
        self.orders: dict[str, Held] = {}
        self.by_client: dict[str, Held] = {}
        self.forgotten: dict[str, Held] = {}
        self.fills: dict[str, Fill] = {}
        self.positions: dict[str, Decimal] = {}
        self.balances = {"USD": cash}
        self.parts = 0.0
        self._ids = 0

    def place(self, order: Order) -> OrderReport:
        """Takes the order; the state of the first for an id that it has."""
        known = self.by_client.get(order.client_id) if self.offers.client_ids else None
        if known is not None:
            if body_of(known.order) != body_of(order):
                raise Conflict("the id belongs to another order", code="client_id_reused")
            return known.report()
        if order.time_in_force not in self.offers.times_in_force or (order.post_only and not self.offers.post_only):
            raise Refused("not offered here", code="not_offered")
        if (order.kind.has_trigger and not self.offers.resting_stops) or (order.oco and not self.offers.oco):
            raise Refused("not offered here", code="not_offered")
        held = self._take(order)
        if self.faults.strike("rejected"):
            self._end(held, S.REJECTED, "venue_mood")
        elif order.side is Side.SELL and self._sellable(held) < order.qty:
            self._end(held, S.REJECTED, "insufficient_holdings")
        elif order.post_only and self._crosses(held):
            self._end(held, S.REJECTED, "would_cross")
        else:
            self._work(held, arriving=True)
        return held.report()

    def _take(self, order: Order, ours: bool = True) -> Held:
        self._ids += 1
        held = Held(order, f"v{self._ids}", ours)
        self.orders[held.venue_id] = held
        if ours:
            self.by_client[order.client_id] = held
        return held

    def cancel(self, client_id: str, venue_id: str | None) -> OrderReport:
        held = self._found(client_id, venue_id)
        if held is None:
            raise NotFound("no such order", code="order_not_found")
        if held.status.is_open and self.faults.strike("cancel_loses"):
            self._fill(held, Decimal(self.faults.dice.randint(1, max(1, int(held.open_qty)))))
        if held.status.is_open:
            self._end(held, S.CANCELLED, "asked")
        return self._answer(held)

    def order(self, client_id: str, venue_id: str | None) -> OrderReport | None:
        held = self._found(client_id, venue_id)
        return None if held is None else self._answer(held)

    def _answer(self, held: Held) -> OrderReport:
        """The report of now; or one that lags behind, after which the whole is told."""
        if not held.fills or not self.faults.strike("fill_behind"):
            return held.report()
        self.told(held.report())
        return held.report()._replace(fills=tuple(held.fills[:-1]))

    def _found(self, client_id: str, venue_id: str | None) -> Held | None:
        if venue_id is not None and venue_id in self.orders:
            return self.orders[venue_id]
        return self.by_client.get(client_id) if self.offers.client_ids else None

    def account(self, since_ms: int) -> AccountView:
        return AccountView(
            tuple(self._listed(held.report()) for held in self.orders.values() if held.status.is_open),
            tuple(self._named(name, fill) for name, fill in self.fills.items() if fill.ts_ms >= since_ms),
            {name: qty for name, qty in self.positions.items() if qty},
            {asset: amount for asset, amount in self.balances.items() if amount},
        )

    def _named(self, fill_id: str, fill: Fill) -> Fill:
        """A venue that keeps no client ids can only name its own order; that is told by a stand-in."""
        if self.offers.client_ids:
            return fill
        return fill.model_copy(update={"client_id": ids.stand_in(fill_id.partition("-")[0])})

    def _listed(self, report: OrderReport) -> OrderReport:
        if self.offers.client_ids:
            return report
        fills = tuple(self._named(fill.fill_id, fill) for fill in report.fills)
        return report._replace(client_id=ids.stand_in(report.venue_order_id or ""), fills=fills)

    def go_on(self) -> None:
        """The price has moved: what rests is looked at again."""
        for held in list(self.orders.values()):
            if held.status.is_open:
                self._work(held)
                ends = held.order.good_till_ms
                if held.status.is_open and ends is not None and self.market.market_ms >= ends:
                    self._end(held, S.EXPIRED, "good_till")

    def forget(self, held: Held) -> None:
        """As if the order had never been."""
        del self.orders[held.venue_id]
        self.by_client.pop(held.order.client_id, None)
        self.forgotten[held.order.client_id] = held

    def trade_elsewhere(self, order: Order, rests: bool) -> None:
        """Somebody else uses the account: a fill at once, or an order that rests."""
        held = self._take(order, ours=False)
        if order.side is Side.SELL and self._sellable(held) < order.qty:
            self._end(held, S.REJECTED, "insufficient_holdings")
        elif not rests:
            self._fill(held, order.qty)

    def _price(self, order: Order) -> Decimal:
        return money(self.market.now[order.instrument.partition(":")[2]])

    def _crosses(self, held: Held) -> bool:
        limit, price = held.order.limit_price, self._price(held.order)
        if limit is None:
            return True
        return price <= limit if held.order.side is Side.BUY else price >= limit

    def _touched(self, held: Held) -> bool:
        trigger, price = held.order.trigger_price, self._price(held.order)
        if trigger is None or held.triggered:
            return True
        held.triggered = price >= trigger if held.order.side is Side.BUY else price <= trigger
        return held.triggered

    def _work(self, held: Held, arriving: bool = False) -> None:
        if self._touched(held) and self._crosses(held):
            qty = held.open_qty
            whole = held.order.time_in_force is TimeInForce.FOK or qty <= 1
            if not whole and self.faults.dice.random() < self.parts:
                qty = Decimal(self.faults.dice.randint(1, int(qty) - 1))
                self.faults.counts["partial_fill"] += 1
            self._fill(held, qty)
        if arriving and held.status.is_open and held.order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            self._end(held, S.EXPIRED, held.order.time_in_force.value)

    def _sellable(self, held: Held) -> Decimal:
        """What may be sold beside what others promise; members of a group promise once."""
        promised: dict[str, Decimal] = {}
        mine = held.order.oco or held.venue_id
        for other in self.orders.values():
            if other is not held and other.order.side is Side.SELL and other.order.instrument == held.order.instrument:
                group = other.order.oco or other.venue_id
                if group != mine:
                    promised[group] = max(promised.get(group, Decimal(0)), other.open_qty)
        return self.positions.get(held.order.instrument, Decimal(0)) - sum(promised.values(), Decimal(0))

    def _fill(self, held: Held, qty: Decimal) -> None:
        order = held.order
        if order.side is Side.SELL:
            qty = min(qty, self.positions.get(order.instrument, Decimal(0)))
        if qty <= 0:
            return
        price = self._price(order)
        if order.limit_price is not None:
            price = min(price, order.limit_price) if order.side is Side.BUY else max(price, order.limit_price)
        fee = Money(amount=price * qty * FEE_BPS / 10_000, asset=self.fee_asset)
        fill = Fill(
            fill_id=f"{held.venue_id}-{len(held.fills) + 1}",
            client_id=order.client_id,
            instrument=order.instrument,
            side=order.side,
            qty=qty,
            price=price,
            fee=fee,
            ts_ms=self.market.market_ms,
        )
        held.fills.append(fill)
        held.filled += qty
        self.fills[fill.fill_id] = fill
        sign = Decimal(order.side.sign)
        self.positions[order.instrument] = self.positions.get(order.instrument, Decimal(0)) + sign * qty
        self.balances["USD"] = self.balances.get("USD", Decimal(0)) - sign * qty * price
        self.balances[fee.asset] = self.balances.get(fee.asset, Decimal(0)) - fee.amount
        whole = held.filled == order.qty
        self._move(held, S.FILLED if whole else S.PARTLY_FILLED)
        self._end_group(held)

    def _end_group(self, held: Held) -> None:
        if held.order.oco is None:
            return
        for other in list(self.orders.values()):
            if other is not held and other.order.oco == held.order.oco and other.status.is_open:
                self._end(other, S.CANCELLED, "oco")

    def _end(self, held: Held, status: OrderStatus, reason: str) -> None:
        held.reason = reason
        self._move(held, status)

    def _move(self, held: Held, status: OrderStatus) -> None:
        held.status = status
        if held.ours:
            self.told(held.report())
