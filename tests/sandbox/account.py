"""Who owns what at the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from shared.model import exact
from tests.sandbox.order import Order

FEE_PLACES = Decimal("0.00000001")
BPS = Decimal("0.0001")


@dataclass(slots=True, eq=False)
class Account:
    """`cash` per asset, `positions` per symbol. One that is `simulated` is the market itself: it may owe anything and pays no fee.

    `seq` rises with every change of its orders, fills or holdings. `fee_asset` None: fees are paid in the quote asset.
    """

    name: str
    cash: dict[str, Decimal] = field(default_factory=dict)
    positions: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    by_client_id: dict[str, Order] = field(default_factory=dict)
    simulated: bool = False
    maker_bps: Decimal = exact.ZERO
    taker_bps: Decimal = exact.ZERO
    fee_asset: str | None = None
    seq: int = 0

    def add_cash(self, asset: str, amount: Decimal) -> None:
        self.cash[asset] = exact.add(self.cash.get(asset, exact.ZERO), amount)

    def add_position(self, symbol: str, qty: Decimal) -> None:
        self.positions[symbol] = exact.add(self.positions.get(symbol, exact.ZERO), qty)

    def fee(self, notional: Decimal, *, taker: bool) -> Decimal:
        """Half-even to 8 places."""
        bps = self.taker_bps if taker else self.maker_bps
        return exact.multiply(notional, exact.multiply(bps, BPS)).quantize(FEE_PLACES, context=exact.ROUNDED)

    def open_orders(self) -> list[Order]:
        return [order for order in self.orders.values() if order.is_open]
