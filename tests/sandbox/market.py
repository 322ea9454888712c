"""The rest of the world: a market maker who quotes around a price, and a crowd that moves it. All of it is seeded."""

from __future__ import annotations

import random
from decimal import Decimal

from shared.model import Instrument, OrderKind, Side, TimeInForce, exact
from tests.sandbox.account import Account
from tests.sandbox.engine import Engine
from tests.sandbox.order import Order, Terms

MAKER, CROWD = "maker", "crowd"
LEVELS = 5
BASIS_POINT = Decimal("0.0001")


class Market:
    """Moves prices only when told to. `depth` is about how many lots the maker shows at each of 5 levels, a basis point apart."""

    def __init__(self, engine: Engine, seed: int, depth: int = 200) -> None:
        self.mid: dict[str, Decimal] = {}
        self._engine = engine
        self._random = random.Random(seed)
        self._depth = depth
        self._quotes: dict[str, list[Order]] = {}
        self._maker = engine.accounts.setdefault(MAKER, Account(MAKER, simulated=True))
        self._crowd = engine.accounts.setdefault(CROWD, Account(CROWD, simulated=True))

    def move(self, symbol: str, price: Decimal) -> None:
        """The price goes to `price`: what rests beyond it is traded at its own limit, then stops fire."""
        self._withdraw(symbol)
        for side in Side:
            self._take(symbol, side.opposite, self._better(symbol, side, price), price)
        self._settle_at(symbol, price)

    def trade(self, symbol: str, side: Side, qty: Decimal, price: Decimal) -> None:
        """The crowd buys or sells just so much of what rests at `price` or better; the market stands at `price` then."""
        self._withdraw(symbol)
        self._take(symbol, side, qty, price)
        self._settle_at(symbol, price)

    def refresh(self, symbol: str) -> None:
        """The maker quotes anew around where the market stands, so that takers find liquidity again."""
        if symbol in self.mid:
            self._withdraw(symbol)
            self._quote(symbol, self.mid[symbol])

    def walk(self, symbol: str, steps: int, bps: int) -> list[Decimal]:
        """So many seeded moves of at most `bps`; the prices that it went through."""
        tick = self._engine.instruments[symbol].tick
        prices = []
        for _ in range(steps):
            change = Decimal(self._random.randint(-bps, bps)) * BASIS_POINT
            to = exact.nearest_to(exact.multiply(self.mid[symbol], exact.add(Decimal(1), change)), tick)
            self.move(symbol, max(to, tick * 10))
            prices.append(self.mid[symbol])
        return prices

    def _settle_at(self, symbol: str, price: Decimal) -> None:
        self.mid[symbol] = self._engine.last[symbol] = price
        self._quote(symbol, price)
        self._engine.trigger(symbol)
        self._engine.release()
        self.refresh(symbol)

    def _better(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """How much rests on this side beyond the price."""
        found = exact.ZERO
        for order in self._engine.books[symbol].of(side):
            limit = order.terms.limit_price
            if limit is not None and (limit > price if side is Side.BUY else limit < price):
                found = exact.add(found, order.remaining)
        return found

    def _take(self, symbol: str, side: Side, qty: Decimal, price: Decimal) -> None:
        if qty > 0:
            terms = Terms(symbol, side, OrderKind.LIMIT, qty, price, time_in_force=TimeInForce.IOC)
            self._place(self._crowd, terms)

    def _withdraw(self, symbol: str) -> None:
        for order in self._quotes.pop(symbol, []):
            self._engine.cancel(order)
            self._maker.orders.pop(order.order_id, None)

    def _quote(self, symbol: str, price: Decimal) -> None:
        """Levels that would trade with somebody's order are left out: the maker never takes."""
        self._withdraw(symbol)
        instrument = self._engine.instruments[symbol]
        step = spread(instrument, price)
        book = self._engine.books[symbol]
        quotes = []
        for number in range(1, LEVELS + 1):
            for side in Side:
                away = exact.multiply(step, Decimal(-number * side.sign))
                at = exact.add(price, away)
                lots = self._random.randint(max(1, self._depth // 2), self._depth)
                best = book.best(side.opposite)
                terms = Terms(symbol, side, OrderKind.LIMIT, exact.multiply(instrument.lot, Decimal(lots)), at)
                order_crosses = (
                    best is not None
                    and best.terms.limit_price is not None
                    and (best.terms.limit_price <= at if side is Side.BUY else best.terms.limit_price >= at)
                )
                if at > 0 and not order_crosses:
                    quotes.append(self._place(self._maker, terms))
        self._quotes[symbol] = quotes

    def _place(self, account: Account, terms: Terms) -> Order:
        order = self._engine.place(account, terms)
        if not order.is_open:
            account.orders.pop(order.order_id, None)
        return order


def spread(instrument: Instrument, price: Decimal) -> Decimal:
    """A basis point of the price, in whole ticks and at least one."""
    return max(instrument.tick, exact.ceil_to(exact.multiply(price, BASIS_POINT), instrument.tick))
