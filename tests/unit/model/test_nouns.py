"""Nouns are immutable, strict, and validated at birth."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.errors import Invalid
from shared.model import (
    Candle,
    Cause,
    Fill,
    Instrument,
    Interval,
    Level,
    LevelKind,
    Money,
    Order,
    OrderKind,
    OrderStatus,
    Position,
    Quote,
    Side,
    symbol_of,
    venue_of,
)

DAY = 86_400_000
PRICES = st.decimals(min_value="0.01", max_value=10**9, places=2)
CANDLE = {
    "instrument": "us:AAPL",
    "interval": "1d",
    "open_time_ms": DAY,
    "open": "10",
    "high": "12",
    "low": "9.5",
    "close": "11",
    "volume": "0",
}


def candle(**changes: object) -> Candle:
    return Candle.parse(json.dumps(CANDLE | changes))


@given(st.lists(PRICES, min_size=4, max_size=4), st.integers(0, 40_000))
def test_a_candle_survives_its_own_json(prices: list[Decimal], day: int) -> None:
    low, a, b, high = sorted(prices)
    made = Candle(
        instrument="us:AAPL",
        interval=Interval.D1,
        open_time_ms=day * DAY,
        open=a,
        high=high,
        low=low,
        close=b,
        volume=Decimal(day),
    )
    assert Candle.parse(made.json_text()) == made
    assert made.close_time_ms - made.open_time_ms == DAY


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"high": "10.5"}, "Candle"),
        ({"low": "10.5"}, "Candle"),
        ({"open_time_ms": 5}, "Candle"),
        ({"open_time_ms": -DAY}, "Candle"),
        ({"open": "0"}, "open"),
        ({"volume": "-1"}, "volume"),
        ({"close": 11.0}, "close"),
        ({"close": "NaN"}, "close"),
        ({"interval": "2d"}, "interval"),
        ({"instrument": "AAPL"}, "instrument"),
        ({"instrument": "us:aapl'; DROP TABLE orders;--"}, "instrument"),
        ({"open_time_ms": "86400000"}, "open_time_ms"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_candle_that_breaks_a_rule_names_the_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        candle(**change)
    assert refused.value.context["field"] == field


def test_nouns_do_not_change() -> None:
    with pytest.raises(ValidationError):
        candle().open = Decimal(1)  # type: ignore[misc]


def test_money_of_two_assets_does_not_mix() -> None:
    dollars, euros = Money(amount=Decimal(5), asset="USD"), Money(amount=Decimal(5), asset="EUR")
    assert (dollars + dollars - dollars) == dollars
    assert (-dollars).amount == -5
    with pytest.raises(Invalid, match="EUR"):
        dollars + euros


def test_an_instrument_knows_its_id_and_notional() -> None:
    one = Instrument.parse(
        '{"venue":"us","symbol":"ES","base":"ES","quote":"USD","settle":"USD","tick":"0.25","lot":"1",'
        '"min_qty":"1","min_notional":"0","multiplier":"50"}'
    )
    assert one.id == "us:ES"
    assert (venue_of(one.id), symbol_of(one.id)) == ("us", "ES")
    assert one.notional(Decimal(2), Decimal("4000.25")) == Decimal("400025")
    with pytest.raises(Invalid, match="listed_ms"):
        Instrument.of(**(one.model_dump() | {"listed_ms": -1}))


def quote(bid: str, ask: str) -> Quote:
    return Quote.of(
        instrument="us:AAPL",
        bid=Decimal(bid),
        ask=Decimal(ask),
        bid_qty=Decimal(1),
        ask_qty=Decimal(1),
        ts_ms=1,
        received_ms=2,
        seq=1,
    )


def test_a_crossed_quote_is_refused() -> None:
    with pytest.raises(Invalid, match="below ask"):
        quote("10", "10")


@pytest.mark.parametrize(
    ("side", "kind", "price", "bid", "ask", "crossed"),
    [
        (Side.SELL, LevelKind.STOP, "10", "10", "10.01", True),
        (Side.SELL, LevelKind.STOP, "10", "10.01", "10.02", False),
        (Side.SELL, LevelKind.TARGET, "10", "10", "10.01", True),
        (Side.SELL, LevelKind.TARGET, "10", "9.99", "10", False),
        (Side.BUY, LevelKind.STOP, "10", "9.99", "10", True),
        (Side.BUY, LevelKind.STOP, "10", "9.98", "9.99", False),
        (Side.BUY, LevelKind.TARGET, "10", "9.99", "10", True),
        (Side.BUY, LevelKind.TARGET, "10", "10", "10.01", False),
    ],
)
def test_a_level_looks_at_the_price_that_its_exit_would_get(
    side: Side, kind: LevelKind, price: str, bid: str, ask: str, crossed: bool
) -> None:
    level = Level(instrument="us:AAPL", kind=kind, side=side, price=Decimal(price))
    assert level.crossed_by(quote(bid, ask)) is crossed


ORDER = {
    "client_id": "0" * 32,
    "instrument": "us:AAPL",
    "side": Side.BUY,
    "kind": OrderKind.MARKET,
    "qty": Decimal(5),
    "cause": Cause.MANUAL,
    "by": "key",
    "reference_price": Decimal(10),
    "market_ms": 0,
    "intended_ms": 0,
}


def test_an_order_is_born_intended_and_knows_what_remains() -> None:
    order = Order.of(**ORDER, filled_qty=Decimal(2))
    assert order.status is OrderStatus.INTENDED
    assert order.remaining_qty == 3


@pytest.mark.parametrize("change", [{"limit_price": Decimal(5)}, {"kind": OrderKind.LIMIT}, {"filled_qty": Decimal(6)}])
def test_an_order_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        Order.of(**(ORDER | change))


def test_which_states_are_open() -> None:
    closed = {status for status in OrderStatus if not status.is_open}
    assert closed == {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED}


def test_sides_and_positions() -> None:
    assert Side.BUY.sign == -Side.SELL.sign == 1
    assert Side.BUY.opposite is Side.SELL and Side.SELL.opposite is Side.BUY
    flat = Position(instrument="us:AAPL")
    assert flat.is_flat and flat.average_price() is None
    held = Position(instrument="us:AAPL", qty=Decimal(3), cost=Decimal(10))
    assert held.average_price() == Decimal("3.3333333333")


def test_a_fill_takes_its_fee_in_any_asset() -> None:
    fill = Fill.parse(
        '{"fill_id":"f","client_id":"' + "0" * 32 + '","instrument":"us:AAPL","side":"buy","qty":"1","price":"2",'
        '"fee":{"amount":"-0.1","asset":"BNB"},"ts_ms":1}'
    )
    assert fill.fee == Money(amount=Decimal("-0.1"), asset="BNB")
