"""How the paper venue fills orders on closed bars: pure rules, without tables.

For one order and one bar that opens at or after the order's `market_ms` (so never the bar that caused it):

- a market order fills at the bar's open, worsened by `slippage_bps` and half of `spread_bps`, and rounded to the tick against
  the order;
- a limit order fills at the open when the bar opens at the limit or better (a gap gives the better price), else at the limit
  when the bar trades through it (a buy: low < limit; touching is not enough), never with slippage;
- a stop sets off at the open when the bar opens at its trigger or beyond, else at the trigger when the bar reaches it
  (touching is enough), both worsened like a market order; it is one from then on;
- a stop_limit sets off like a stop and is a limit order from then on; in a bar that reaches the trigger only after its open it
  fills (at its limit) if the bar also closes through the limit: only then the price was there after the trigger for certain;
- `ioc` and `fok` look at the open of their first bar alone: `ioc` takes what it gets, `fok` all or nothing, and the rest expires;
- `post_only` is rejected when its first bar with a volume opens at the limit or better; later it fills at its limit, never
  better;
- `gtd` fills only by what happened at or before `good_till_ms` for certain, and expires with the first bar that closes then
  or later;
- reduce-only orders fill no more than the account holds, and end when a bar finds that it holds nothing;
- of a group (`oco`) the stop goes first: had both been reached within one bar, it is the one. What sets off or fills ends the
  others;
- one order takes at most `volume_share_bps` of the bar's volume, floored to the lot; the rest waits for following bars, and a
  bar without volume fills nothing; the liquidity of one bar is not shared out among several orders;
- the fee is `fee_bps` of the notional in the quote asset, rounded half-even to 8 places;
- a fill at the open happens at the bar's open time, any other at its close time; its id is a hash of order and bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from pydantic import ConfigDict

from shared.config import Paper as Rules
from shared.model import (
    Candle,
    Exact,
    Fill,
    Instrument,
    Model,
    Money,
    Order,
    OrderKind,
    OrderStatus,
    Side,
    TimeInForce,
    exact,
    ids,
)

_FEE_PLACES = Decimal("0.00000001")
_BPS = Decimal("0.0001")
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_TERMS = (
    "instrument",
    "side",
    "kind",
    "qty",
    "limit_price",
    "trigger_price",
    "time_in_force",
    "good_till_ms",
    "post_only",
    "reduce_only",
    "oco",
)


class Working(Model):
    """An order as the venue keeps it. `seen_ms` is the open time of the newest bar it was matched against; `rested` once one of
    those had a volume, `set_off` once its trigger was reached.

    A new field needs a default, and one that this release does not know is passed over: there is no log to read it from.
    """

    model_config = ConfigDict(extra="ignore")

    client_id: str
    instrument: str
    side: Side
    kind: OrderKind
    qty: Exact
    limit_price: Exact | None
    seen_ms: int
    status: OrderStatus
    filled_qty: Exact = exact.ZERO
    trigger_price: Exact | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    oco: str | None = None
    rested: bool = False
    set_off: bool = False
    reason: str = ""

    @classmethod
    def of_order(cls, order: Order) -> Working:
        terms = {name: getattr(order, name) for name in _TERMS}
        return cls(client_id=order.client_id, seen_ms=order.market_ms - 1, status=OrderStatus.ACKNOWLEDGED, **terms)

    def same_as(self, order: Order) -> bool:
        return all(getattr(self, name) == getattr(order, name) for name in _TERMS)

    @property
    def venue_order_id(self) -> str:
        return f"paper-{self.client_id[:16]}"

    @property
    def sign(self) -> Decimal:
        return Decimal(self.side.sign)

    @property
    def left(self) -> Decimal:
        return exact.subtract(self.qty, self.filled_qty)

    def ended(self, status: OrderStatus, reason: str) -> Working:
        return self.model_copy(update={"status": status, "reason": reason})


class Trade(NamedTuple):
    """Where the bar would fill the order, and the market time of it."""

    price: Decimal
    ts_ms: int


class Reached(NamedTuple):
    """What a bar does to an order whatever the volume: it sets off, trades, both, or neither."""

    set_off: bool
    trade: Trade | None


def reach(working: Working, bar: Candle, instrument: Instrument, rules: Rules) -> Reached:
    """Whether the bar sets the order off, and at which price it would trade."""
    if working.trigger_price is None or working.set_off:
        return Reached(working.set_off, _priced(working, bar, instrument, rules))
    trigger = working.trigger_price
    if exact.multiply(working.sign, exact.subtract(bar.open, trigger)) >= 0:
        return Reached(True, _priced(working, bar, instrument, rules))
    extreme = bar.high if working.side is Side.BUY else bar.low
    if exact.multiply(working.sign, exact.subtract(extreme, trigger)) < 0:
        return Reached(False, None)
    if working.limit_price is None:
        return Reached(True, Trade(_worse(working, trigger, instrument, rules), bar.close_time_ms))
    limit = working.limit_price
    through = exact.multiply(working.sign, exact.subtract(bar.close, limit)) < 0
    return Reached(True, Trade(limit, bar.close_time_ms) if through else None)


def _priced(working: Working, bar: Candle, instrument: Instrument, rules: Rules) -> Trade | None:
    """As a market or a limit order, from the bar's open on."""
    if working.limit_price is None:
        return Trade(_worse(working, bar.open, instrument, rules), bar.open_time_ms)
    limit = working.limit_price
    if exact.multiply(working.sign, exact.subtract(bar.open, limit)) <= 0:
        if working.post_only:
            return Trade(limit, bar.open_time_ms)
        # an open off the tick must not be rounded past the limit
        better = _to_tick(working, bar.open, instrument)
        return Trade(min(better, limit) if working.side is Side.BUY else max(better, limit), bar.open_time_ms)
    through = bar.low < limit if working.side is Side.BUY else bar.high > limit
    return Trade(limit, bar.close_time_ms) if through else None


def _worse(working: Working, price: Decimal, instrument: Instrument, rules: Rules) -> Decimal:
    """Less slippage and half the spread, on the tick, and still a price."""
    slip = exact.multiply(working.sign, exact.multiply(rules.worse_bps, _BPS))
    worse = _to_tick(working, exact.multiply(price, exact.add(Decimal(1), slip)), instrument)
    return max(worse, instrument.tick)


def _to_tick(working: Working, price: Decimal, instrument: Instrument) -> Decimal:
    return (exact.ceil_to if working.side is Side.BUY else exact.floor_to)(price, instrument.tick)


class Step(NamedTuple):
    """An order after a bar, and what was filled."""

    order: Working
    fill: Fill | None = None


def step(working: Working, bar: Candle, instrument: Instrument, rules: Rules, most: Decimal | None = None) -> Step:
    """One order and one bar, as if it stood alone; `most` is what a reduce-only order may still fill."""
    if bar.open_time_ms <= working.seen_ms or not working.status.is_open:
        return Step(working)
    after = working.model_copy(update={"seen_ms": bar.open_time_ms, "rested": working.rested or bool(bar.volume)})
    if _is_over(working, bar.open_time_ms):
        return Step(after.ended(OrderStatus.EXPIRED, "good_till"))
    if working.reduce_only and most is not None and most <= 0:
        return Step(after.ended(OrderStatus.CANCELLED, "reduce_only"))
    if not bar.volume:
        return Step(_rest(after, bar))
    reached = reach(working, bar, instrument, rules)
    after = after.model_copy(update={"set_off": reached.set_off})
    trade = reached.trade
    if trade is not None and trade.ts_ms == bar.open_time_ms and working.post_only and not working.rested:
        return Step(after.ended(OrderStatus.REJECTED, "post_only_crosses"))
    if trade is None or _too_late(working, bar, trade):
        return Step(_rest(after, bar))
    qty = _room(working, bar, instrument, rules, most)
    if qty <= 0 or (working.time_in_force is TimeInForce.FOK and qty < working.left):
        return Step(_rest(after, bar))
    fill = _fill(working, bar, instrument, rules, trade, qty)
    filled = exact.add(working.filled_qty, qty)
    status = OrderStatus.FILLED if filled == working.qty else OrderStatus.PARTLY_FILLED
    return Step(_rest(after.model_copy(update={"filled_qty": filled, "status": status}), bar), fill)


def _is_over(working: Working, at_ms: int) -> bool:
    return working.good_till_ms is not None and at_ms >= working.good_till_ms


def _too_late(working: Working, bar: Candle, trade: Trade) -> bool:
    """What happened within the bar may have happened up to its close; `ioc` and `fok` do not wait even for that."""
    if working.time_in_force in _AT_ONCE:
        return trade.ts_ms != bar.open_time_ms
    return working.good_till_ms is not None and trade.ts_ms > working.good_till_ms


def _rest(working: Working, bar: Candle) -> Working:
    """What becomes of what the bar did not fill."""
    if not working.status.is_open:
        return working
    if working.time_in_force in _AT_ONCE:
        return working.ended(OrderStatus.EXPIRED, str(working.time_in_force))
    if _is_over(working, bar.close_time_ms):
        return working.ended(OrderStatus.EXPIRED, "good_till")
    return working


def _room(working: Working, bar: Candle, instrument: Instrument, rules: Rules, most: Decimal | None) -> Decimal:
    share = exact.multiply(bar.volume, exact.multiply(Decimal(rules.volume_share_bps), _BPS))
    lots = exact.floor_to(exact.ROUNDED.divide(share, instrument.multiplier), instrument.lot)
    qty = min(working.left, lots)
    return min(qty, most) if working.reduce_only and most is not None else qty


def _fill(working: Working, bar: Candle, instrument: Instrument, rules: Rules, trade: Trade, qty: Decimal) -> Fill:
    notional = instrument.notional(qty, trade.price)
    fee = exact.multiply(notional, exact.multiply(rules.fee_bps, _BPS)).quantize(_FEE_PLACES, context=exact.ROUNDED)
    return Fill(
        fill_id=ids.digest("paper", working.client_id, bar.open_time_ms),
        client_id=working.client_id,
        instrument=working.instrument,
        side=working.side,
        qty=qty,
        price=trade.price,
        fee=Money(amount=fee, asset=instrument.quote),
        ts_ms=trade.ts_ms,
    )


def match(
    orders: Sequence[Working], bar: Candle, instrument: Instrument, rules: Rules, held: Decimal = exact.ZERO
) -> list[Step]:
    """All open orders of an instrument against one bar; `held` is what the account holds before it (signed)."""
    done: dict[str, Step] = {}
    ended_by: dict[str, str] = {}
    # a stable sort: within each half the orders go as they came
    for working in sorted(orders, key=lambda order: order.trigger_price is None or order.oco is None):
        if working.oco in ended_by:
            done[working.client_id] = Step(working)
            continue
        most = max(exact.ZERO, exact.multiply(-working.sign, held))
        found = step(working, bar, instrument, rules, most)
        done[working.client_id] = found
        if found.fill is not None:
            held = exact.add(held, exact.multiply(working.sign, found.fill.qty))
        if working.oco is not None and (found.fill is not None or (found.order.set_off and not working.set_off)):
            ended_by[working.oco] = working.client_id
    return [_without_rivals(done[working.client_id], ended_by) for working in orders]


def _without_rivals(found: Step, ended_by: Mapping[str, str]) -> Step:
    order = found.order
    if order.status.is_open and ended_by.get(order.oco or "", order.client_id) != order.client_id:
        return found._replace(order=order.ended(OrderStatus.CANCELLED, "oco"))
    return found


def work(working: Working, bars: Sequence[Candle], instrument: Instrument, rules: Rules) -> tuple[Working, list[Fill]]:
    """One order by itself after the bars, which are ascending and all of its instrument, and what was filled."""
    fills: list[Fill] = []
    for bar in bars:
        working, fill = step(working, bar, instrument, rules)
        fills += [fill] if fill is not None else []
    return working, fills
