"""What the protections forbid at the moment of a decision, said once more from docs/protections.md and without their code.

Each function answers why this order may not be, or nothing. `told` are the settings as the desk has them, over the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.desk.context import Mark
from shared.desk.state import DeskState
from shared.model import Candle, Cause, Instrument, Order, OrderKind, Side
from tests.simulation.bounds import guards, promised, sells
from tests.simulation.past import Past, Trip

Told = Mapping[str, Any]
DEFAULTS: dict[str, dict[str, Any]] = {
    "consecutive_losses": {"losses": 5, "for_s": 86400},
    "cooldown": {"for_s": 3600, "after": "any"},
    "error_rate": {"errors": 20, "within_s": 60, "for_s": 300},
    "low_profit_symbol": {"trades": 4, "within_s": 604800, "min_profit_bps": 0, "for_s": 86400},
    "min_notional_and_precision": {},
    "price_band": {"wrong_side_bps": 2000, "span": 10, "jump_bps": 5000},
    "self_trade": {},
    "spread_too_wide": {"max_bps": 50, "require_quote": False},
    "stoploss_guard": {"stops": 4, "within_s": 86400, "for_s": 86400, "per_symbol": False},
    "trading_hours": {},
    "venue_down": {"after_s": 30},
}
ALWAYS = ("error_rate", "min_notional_and_precision", "price_band", "self_trade", "venue_down")


@dataclass(frozen=True)
class Moment:
    """A decision: the desk before it, the order, and what was known. Times are ms; `bars` are all that the market has closed.

    `bar_ms` is the close of the newest bar that the desk knows, `silent_ms` since when no call was answered (0: it answers).
    """

    desk: DeskState
    order: Order
    marks: Mapping[str, Mark]
    past: Past
    bars: Sequence[Candle]
    bar_ms: int
    at_ms: int
    silent_ms: int

    @property
    def name(self) -> str:
        return self.order.instrument

    @property
    def mark(self) -> Mark | None:
        return self.marks.get(self.name)

    @property
    def instrument(self) -> Instrument:
        return self.desk.instruments[self.name]

    @property
    def market_ms(self) -> int:
        """The market time of the instrument."""
        return max(self.bar_ms, self.mark.market_ms if self.mark else 0)

    @property
    def desk_ms(self) -> int:
        """The market time of the desk: of its bars, and of the prices of what it holds."""
        held = [name for name, position in self.desk.positions.items() if position.qty]
        return max([self.bar_ms, *(self.marks[name].market_ms for name in held if name in self.marks)])

    @property
    def is_asked_for(self) -> bool:
        """By a strategy or a person: the ways out of the desk's own pass no gates."""
        return self.order.cause in (Cause.PROPOSAL, Cause.MANUAL)

    @property
    def free(self) -> Decimal:
        """What is held and nothing sells yet."""
        position = self.desk.positions.get(self.name)
        others = promised(each for each in sells(self.desk, self.name) if not guards(each))
        return position.qty - others if position is not None else -others

    @property
    def price(self) -> Decimal:
        return self.order.limit_price or self.order.trigger_price or self.order.reference_price


def forbidden(at: Moment) -> Iterator[str]:
    """The protections that this order is intended against; few look at one that only reduces."""
    for name, ban in BANS.items():
        if at.order.reduce_only and name not in ON_EXITS:
            continue
        if name in ALWAYS or name in at.desk.protections:
            told = {**DEFAULTS[name], **at.desk.protections.get(name, {})}
            why = ban(at, told)
            if why:
                yield f"{name}: {why}"


def _cooldown(at: Moment, told: Told) -> str:
    trips = [each for each in at.past.trips if each.instrument == at.name]
    if not trips or (told["after"] == "loss" and trips[-1].net >= 0):
        return ""
    waited_ms = at.market_ms - trips[-1].closed_ms
    return f"left {waited_ms} ms ago" if waited_ms < told["for_s"] * 1000 else ""


def _consecutive_losses(at: Moment, told: Told) -> str:
    lost = 0
    for trip in reversed(at.past.trips):
        if trip.net >= 0:
            break
        lost += 1
    if lost < told["losses"]:
        return ""
    over = told["for_s"] and at.desk_ms >= at.past.trips[-1].closed_ms + told["for_s"] * 1000
    return "" if over else f"{lost} in a row lost"


def _stoploss_guard(at: Moment, told: Told) -> str:
    trips = [each for each in at.past.trips if not told["per_symbol"] or each.instrument == at.name]
    stopped = [each.closed_ms for each in trips if each.cause is Cause.STOP and each.net < 0]
    return _too_many(stopped, told["stops"], told, at.market_ms if told["per_symbol"] else at.desk_ms)


def _error_rate(at: Moment, told: Told) -> str:
    return _too_many(at.past.errors_ms, told["errors"], told, at.at_ms)


def _too_many(times_ms: Sequence[int], most: int, told: Told, now_ms: int) -> str:
    newest = times_ms[-most:]
    if len(newest) < most or newest[-1] - newest[0] > told["within_s"] * 1000:
        return ""
    ends_ms = newest[-1] + told["for_s"] * 1000 if told["for_s"] else newest[0] + told["within_s"] * 1000
    return f"{most} within {told['within_s']} s" if now_ms < ends_ms else ""


def _low_profit_symbol(at: Moment, told: Told) -> str:
    trips: list[Trip] = [each for each in at.past.trips if each.instrument == at.name][-told["trades"] :]
    if len(trips) < told["trades"] or trips[-1].closed_ms - trips[0].closed_ms > told["within_s"] * 1000:
        return ""
    net, costs = sum(each.net for each in trips), [each.cost for each in trips if each.cost is not None]
    if len(costs) < len(trips):
        return ""
    cost = sum(costs)
    low = net * 10_000 < cost * told["min_profit_bps"]
    return f"made {net} of {cost}" if low and at.market_ms < trips[-1].closed_ms + told["for_s"] * 1000 else ""


def _spread_too_wide(at: Moment, told: Told) -> str:
    mark = at.mark
    quoted = mark is not None and mark.bid is not None and mark.ask is not None
    if mark is None or not quoted or at.at_ms - mark.received_ms > at.desk.limits.max_data_age_ms:
        return "no quote" if told["require_quote"] else ""
    bid, ask = Decimal(str(mark.bid)), Decimal(str(mark.ask))
    return f"{bid} to {ask}" if (ask - bid) * 20_000 > (bid + ask) * told["max_bps"] else ""


def _trading_hours(at: Moment, told: Told) -> str:
    now = datetime.fromtimestamp(at.market_ms / 1000, UTC)
    day, time = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[now.weekday()], f"{now:%H:%M}"
    for window in told["windows"]:
        if day in window.get("days", (day,)) and window["from"] <= time < window["to"]:
            return ""
    return f"{day} {now:%H:%M:%S}"


def _price_band(at: Moment, told: Told) -> str:
    order, mark = at.order, at.mark
    if not at.is_asked_for:
        return ""
    if order.qty > 10**12:
        return f"qty {order.qty}"
    if mark is None:
        return ""
    if order.kind is not OrderKind.MARKET:
        if not mark.price <= at.price * told["span"] or not at.price <= mark.price * told["span"]:
            return f"{at.price}, far from {mark.price}"
        worse = at.price - mark.price if order.side is Side.BUY else mark.price - at.price
        if order.trigger_price is None and worse * 10_000 > mark.price * told["wrong_side_bps"]:
            return f"{at.price}, through {mark.price}"
    before = _close_before(at, mark)
    if order.reduce_only or before is None or abs(mark.price - before) * 10_000 < before * told["jump_bps"]:
        return ""
    return f"{mark.price} after {before}"


def _close_before(at: Moment, mark: Mark) -> Decimal | None:
    """Of the bars that the desk knows the newest, or for a price that is itself a close the one before it."""
    known = [bar.close for bar in at.bars if bar.instrument == at.name and bar.close_time_ms <= mark.bar_close_ms]
    behind = 1 if mark.bid is not None else 2
    return known[-behind] if len(known) >= behind else None


def _self_trade(at: Moment, _told: Told) -> str:
    order, mark = at.order, at.mark
    if order.reduce_only or order.trigger_price is not None:
        return ""
    buys = order.side is Side.BUY
    reach = at.price
    if order.kind is OrderKind.MARKET and mark is not None:
        reach = (mark.ask if buys else mark.bid) or mark.price
    for other in at.desk.orders.values():
        if other.instrument != at.name or other.side is order.side or other.kind is not OrderKind.LIMIT:
            continue
        limit = other.limit_price or Decimal(0)
        if (reach >= limit) if buys else (reach <= limit):
            return f"meets {other.client_id}"
    return ""


def _venue_down(at: Moment, told: Told) -> str:
    silent = at.silent_ms and at.at_ms - at.silent_ms > told["after_s"] * 1000
    return f"no answer for {at.at_ms - at.silent_ms} ms" if silent else ""


def _min_notional_and_precision(at: Moment, _told: Told) -> str:
    order, terms = at.order, at.instrument
    for price in (order.limit_price, order.trigger_price, order.stop_price, order.target_price):
        if price is not None and price % terms.tick:
            return f"{price} is off the tick"
    if at.is_asked_for and order.qty % terms.lot and not (order.reduce_only and order.qty == at.free):
        return f"qty {order.qty} is off the lot {terms.lot}"
    if order.reduce_only:
        return ""
    if order.qty < terms.min_qty:
        return f"qty {order.qty} is below {terms.min_qty}"
    return f"notional {order.qty * at.price}" if order.qty * at.price < terms.min_notional else ""


BANS: dict[str, Callable[[Moment, Told], str]] = {
    "consecutive_losses": _consecutive_losses,
    "cooldown": _cooldown,
    "error_rate": _error_rate,
    "low_profit_symbol": _low_profit_symbol,
    "min_notional_and_precision": _min_notional_and_precision,
    "price_band": _price_band,
    "self_trade": _self_trade,
    "spread_too_wide": _spread_too_wide,
    "stoploss_guard": _stoploss_guard,
    "trading_hours": _trading_hours,
    "venue_down": _venue_down,
}
ON_EXITS = ("min_notional_and_precision", "price_band")
"""These look at orders that reduce as well, as far as somebody gave their terms."""
