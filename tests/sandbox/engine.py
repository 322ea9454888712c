"""The matching engine: price-time priority, stops, groups, and a ledger that only moves what a trade moves.

Pure: time comes from a function, what happens is told to a function, and nothing is random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from shared.model import Instrument, OrderKind, Side, TimeInForce, exact
from tests.sandbox import checks
from tests.sandbox.account import Account
from tests.sandbox.book import Book
from tests.sandbox.order import Fill, Order, Status, Terms

HOUSE = "house"
"""The account that fees are paid to."""

Tell = Callable[[str, Order, Fill | None], None]
"""Told `placed`, `filled` (with the fill), `triggered` and `ended`."""


class Engine:
    """All orders and all money. Every account trades with every other, and never with itself: its older order gives way."""

    def __init__(self, instruments: Iterable[Instrument], market_ms: Callable[[], int], tell: Tell) -> None:
        self.instruments: Mapping[str, Instrument] = {each.symbol: each for each in instruments}
        self.books = {symbol: Book() for symbol in self.instruments}
        self.last: dict[str, Decimal] = {}
        self.accounts: dict[str, Account] = {HOUSE: Account(HOUSE, simulated=True)}
        self.trades = 0
        self._entries = 0
        self._market_ms = market_ms
        self._tell = tell
        self._held: list[Order] = []

    def place(
        self, account: Account, terms: Terms, client_id: str | None = None, at_once: Decimal | None = None
    ) -> Order:
        """Takes the order and matches it; `Refusal` where it cannot be taken.

        `at_once` caps what fills now; the rest then waits for `release`.
        """
        instrument = self.instruments.get(terms.symbol)
        if instrument is None:
            raise checks.no("unknown_instrument", f"{terms.symbol} is not traded here")
        book = self.books[terms.symbol]
        if not account.simulated:
            checks.check_terms(terms, instrument, self._market_ms())
            checks.check_book(account, terms, book)
            checks.check_funds(account, terms, book, instrument)
        self._entries += 1
        order = Order(f"o{self._entries}", account.name, client_id, terms, self._entries, self._market_ms())
        account.orders[order.order_id] = order
        if client_id is not None:
            account.by_client_id[client_id] = order
        self._changed("placed", order)
        if not order.waits:
            self._work(order, at_once)
        elif self._is_reached(order):
            self._fire(order)
        return order

    def cancel(self, order: Order, reason: str = "") -> None:
        """Ends what is left of it; nothing where it has ended."""
        if order.is_open:
            self._end(order, Status.CANCELLED, reason)

    def release(self) -> None:
        """Goes on with the orders that `at_once` had held back."""
        held, self._held = self._held, []
        for order in held:
            if order.is_open:
                self._work(order, None)

    def expire(self) -> None:
        """Ends what is good till a time that has come."""
        for order in self._open_orders():
            till_ms = order.terms.good_till_ms
            if till_ms is not None and till_ms <= self._market_ms():
                self._end(order, Status.EXPIRED, "good_till")

    def trigger(self, symbol: str) -> None:
        """Fires the stops that the last price has reached, the oldest first, until none is left."""
        while reached := [o for o in self._open_orders() if o.terms.symbol == symbol and self._is_reached(o)]:
            self._fire(reached[0])

    def _open_orders(self) -> list[Order]:
        found = [o for each in self.accounts.values() if not each.simulated for o in each.open_orders()]
        return sorted(found, key=lambda order: order.entry)

    def _is_reached(self, order: Order) -> bool:
        last, trigger = self.last.get(order.terms.symbol), order.terms.trigger_price
        if not order.waits or last is None or trigger is None:
            return False
        return last >= trigger if order.terms.side is Side.BUY else last <= trigger

    def _fire(self, order: Order) -> None:
        order.triggered = True
        self._changed("triggered", order)
        self._work(order, None)

    def _work(self, order: Order, at_once: Decimal | None) -> None:
        """Trades what crosses; the rest rests, waits or ends, as its terms say."""
        account, terms = self.accounts[order.account], order.terms
        market = terms.kind in (OrderKind.MARKET, OrderKind.STOP)
        if terms.time_in_force is TimeInForce.FOK and self._available(order) < order.remaining:
            self._end(order, Status.EXPIRED, "fok")
            return
        before = order.filled
        self._match(order, at_once)
        if not order.is_open:
            return
        if terms.reduce_only and checks.closable(account, terms) <= 0:
            self._end(order, Status.EXPIRED, "reduce_only")
        elif terms.time_in_force is TimeInForce.IOC:
            self._end(order, Status.EXPIRED, "ioc")
        elif at_once is not None and exact.subtract(order.filled, before) >= at_once:
            self._held.append(order)
        elif market:
            self._end(order, Status.EXPIRED, "no_liquidity")
        else:
            self.books[terms.symbol].add(order)

    def _available(self, order: Order) -> Decimal:
        found = exact.ZERO
        for other in self.books[order.terms.symbol].crossing(order):
            if other.account != order.account:
                found = exact.add(found, self._most(other))
        return min(found, self._most(order))

    def _most(self, order: Order) -> Decimal:
        """What it may still trade: one that only reduces, no more than the position."""
        if not order.terms.reduce_only:
            return order.remaining
        return min(order.remaining, checks.closable(self.accounts[order.account], order.terms))

    def _match(self, taker: Order, at_once: Decimal | None) -> None:
        left = at_once
        for maker in self.books[taker.terms.symbol].crossing(taker):
            if not taker.is_open or (left is not None and left <= 0):
                return
            if not maker.is_open:
                continue
            if maker.account == taker.account:
                self._end(maker, Status.CANCELLED, "self_trade")
                continue
            if self._most(maker) <= 0:
                self._end(maker, Status.EXPIRED, "reduce_only")
                continue
            qty = min(self._most(maker), self._most(taker), *([] if left is None else [left]))
            if qty <= 0:
                return
            self._trade(maker, taker, qty)
            left = None if left is None else exact.subtract(left, qty)

    def _trade(self, maker: Order, taker: Order, qty: Decimal) -> None:
        price = maker.terms.limit_price or exact.ZERO
        self.trades += 1
        self.last[maker.terms.symbol] = price
        notional = self.instruments[maker.terms.symbol].notional(qty, price)
        for order in (maker, taker):
            self._settle(order, qty, price, notional, taker=order is taker)

    def _settle(self, order: Order, qty: Decimal, price: Decimal, notional: Decimal, *, taker: bool) -> None:
        account, terms = self.accounts[order.account], order.terms
        sign = Decimal(terms.side.sign)
        quote = self.instruments[terms.symbol].quote
        fee, fee_asset = account.fee(notional, taker=taker), account.fee_asset or quote
        account.add_cash(quote, exact.multiply(-sign, notional))
        account.add_cash(fee_asset, -fee)
        self.accounts[HOUSE].add_cash(fee_asset, fee)
        account.add_position(terms.symbol, exact.multiply(sign, qty))
        fill = Fill(f"t{self.trades}", qty, price, fee, fee_asset, self._market_ms())
        order.fills.append(fill)
        order.filled = exact.add(order.filled, qty)
        order.status = Status.FILLED if order.remaining <= 0 and not order.lost else Status.PARTLY_FILLED
        if order.status is Status.FILLED:
            self.books[terms.symbol].remove(order)
        self._changed("filled", order, fill)
        if order.is_open and order.remaining <= 0:
            self._end(order, Status.CANCELLED, "oco")
        self._others_lose(account, order, qty)

    def _others_lose(self, account: Account, order: Order, qty: Decimal) -> None:
        if order.terms.oco is None:
            return
        for other in account.open_orders():
            if other is not order and other.terms.oco == order.terms.oco:
                other.lost = min(exact.add(other.lost, qty), exact.subtract(other.terms.qty, other.filled))
                if other.remaining <= 0:
                    self._end(other, Status.CANCELLED, "oco")

    def _end(self, order: Order, status: Status, reason: str) -> None:
        order.status, order.reason = status, reason
        self.books[order.terms.symbol].remove(order)
        self._changed("ended", order)

    def _changed(self, what: str, order: Order, fill: Fill | None = None) -> None:
        self.accounts[order.account].seq += 1
        self._tell(what, order, fill)
