"""What the sandbox refuses to take, with the code it answers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from shared.model import Instrument, OrderKind, Side, TimeInForce, exact
from tests.sandbox.account import BPS, Account
from tests.sandbox.book import Book
from tests.sandbox.order import Order, Terms


class Refusal(Exception):
    """A definite no: nothing was changed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def no(code: str, message: str) -> Refusal:
    return Refusal(422, code, message)


def check_terms(terms: Terms, instrument: Instrument, market_ms: int) -> None:
    """The terms by themselves, against the steps and minima of the instrument."""
    t = terms
    for name, price in (("limit_price", t.limit_price), ("trigger_price", t.trigger_price)):
        if price is not None and (price <= 0 or not exact.on_step(price, instrument.tick)):
            raise no("tick", f"{name} {price} is no positive multiple of {instrument.tick}")
    if t.qty <= 0 or not exact.on_step(t.qty, instrument.lot):
        raise no("lot", f"qty {t.qty} is no positive multiple of {instrument.lot}")
    if t.qty < instrument.min_qty and not t.reduce_only:
        raise no("min_qty", f"qty {t.qty} is below {instrument.min_qty}")
    price = t.limit_price or t.trigger_price
    if price is not None and not t.reduce_only and instrument.notional(t.qty, price) < instrument.min_notional:
        raise no("min_notional", f"{t.qty} at {price} is worth less than {instrument.min_notional}")
    if t.good_till_ms is not None and t.good_till_ms <= market_ms:
        raise no("good_till_past", f"good_till_ms {t.good_till_ms} is not after {market_ms}")
    if t.kind.has_limit != (t.limit_price is not None) or t.kind.has_trigger != (t.trigger_price is not None):
        raise no("bad_terms", "limit_price and trigger_price must be those of the kind")
    if (t.time_in_force is TimeInForce.GTD) != (t.good_till_ms is not None):
        raise no("bad_terms", "good_till_ms belongs to gtd, and only to it")
    resting = t.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
    if (t.post_only and (t.kind is not OrderKind.LIMIT or not resting)) or (t.kind.has_trigger and not resting):
        raise no("bad_terms", "an order that rests must be gtc or gtd, and post_only is of a limit order")


def check_book(account: Account, terms: Terms, book: Book) -> None:
    """`post_only` must not trade at once; the members of a group must agree."""
    if terms.post_only:
        best = book.best(terms.side.opposite)
        probe = Order("", account.name, None, terms, 0, 0)
        if best is not None and best.terms.limit_price is not None and probe.crosses(best.terms.limit_price):
            raise no("post_only_crosses", f"{terms.limit_price} would trade with {best.terms.limit_price}")
    if terms.oco is not None:
        for other in account.open_orders():
            same = (other.terms.symbol, other.terms.side) == (terms.symbol, terms.side)
            if other.terms.oco == terms.oco and not same:
                raise no("oco_mismatch", f"the group {terms.oco} is of another symbol or side")


def check_funds(account: Account, terms: Terms, book: Book, instrument: Instrument) -> None:
    """What the account has free pays for it. One that only reduces is held to the position alone."""
    held = account.positions.get(terms.symbol, exact.ZERO)
    if terms.reduce_only:
        if terms.qty > closable(account, terms):
            raise no("reduce_only", f"qty {terms.qty} is more than the position of {held} leaves to close")
        return
    if account.simulated:
        return
    orders = account.open_orders()
    if terms.side is Side.SELL:
        selling = _once_a_group(
            (order, order.remaining)
            for order in orders
            if order.terms.symbol == terms.symbol
            and order.terms.side is Side.SELL
            and not order.terms.reduce_only
            and (terms.oco is None or order.terms.oco != terms.oco)
        )
        if exact.add(selling, terms.qty) > held:
            raise no("insufficient_position", f"{held} held, {selling} being sold already")
        return
    kept = _once_a_group((order, reserve(account, order.terms, order.remaining, instrument)) for order in orders)
    free = exact.subtract(account.cash.get(instrument.quote, exact.ZERO), kept)
    cost = cost_at_once(account, terms, book, instrument)
    if cost > free:
        raise no("insufficient_balance", f"{exact.text(cost)} needed, {exact.text(free)} free")


def closable(account: Account, terms: Terms) -> Decimal:
    """How much of the position an order of this side can close."""
    held = account.positions.get(terms.symbol, exact.ZERO)
    return max(exact.ZERO, held if terms.side is Side.SELL else -held)


def reserve(account: Account, terms: Terms, qty: Decimal, instrument: Instrument) -> Decimal:
    """What an open buy may still cost, fee included; 0 where it cannot be told (it is paid at once)."""
    price = terms.limit_price or terms.trigger_price
    if terms.side is Side.SELL or price is None or terms.reduce_only:
        return exact.ZERO
    return _with_fee(account, instrument.notional(qty, price), instrument)


def cost_at_once(account: Account, terms: Terms, book: Book, instrument: Instrument) -> Decimal:
    """What it costs at its limit or trigger; a market order what the book asks for it now."""
    if terms.kind is not OrderKind.MARKET:
        return reserve(account, terms, terms.qty, instrument)
    left, cost = terms.qty, exact.ZERO
    for order in book.of(terms.side.opposite):
        qty = min(left, order.remaining)
        cost = exact.add(cost, instrument.notional(qty, order.terms.limit_price or exact.ZERO))
        left = exact.subtract(left, qty)
    return _with_fee(account, cost, instrument)


def _with_fee(account: Account, notional: Decimal, instrument: Instrument) -> Decimal:
    if account.fee_asset not in (None, instrument.quote):
        return notional
    bps = max(account.maker_bps, account.taker_bps)
    # a little more than any sum of rounded fees
    return exact.add(exact.add(notional, exact.multiply(notional, exact.multiply(bps, BPS))), Decimal("0.0001"))


def _once_a_group(amounts: Iterable[tuple[Order, Decimal]]) -> Decimal:
    """Of a group only one member can trade: its largest counts."""
    largest: dict[str, Decimal] = {}
    for order, amount in amounts:
        group = f"oco {order.terms.oco}" if order.terms.oco else order.order_id
        largest[group] = max(largest.get(group, exact.ZERO), amount)
    total = exact.ZERO
    for amount in largest.values():
        total = exact.add(total, amount)
    return total
