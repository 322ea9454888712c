"""The paper venue: the fill rules one by one, and what holds for any bars."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.config import Paper
from shared.errors import Conflict, NotFound, Refused
from shared.model import Candle, Cause, Instrument, Order, OrderKind, OrderStatus, Side, exact, ids
from shared.venues.matching import Working, reach, step, work
from shared.venues.paper import PaperVenue
from tests.unit.desk.bench import DAY, T0, candle, instrument
from tests.unit.desk.native_sql import NativeSql

D = Decimal
AAA = Instrument.of(
    **{
        **instrument("AAA"),
        **{
            n: D(v)
            for n, v in instrument("AAA").items()
            if n in ("tick", "lot", "min_qty", "min_notional", "multiplier")
        },
    }
)
RULES = Paper(fee_bps=D(10), slippage_bps=D(5), volume_share_bps=1000)


def order(side: Side = Side.BUY, qty: str = "10", limit: str | None = None, name: str = "1", **changes: Any) -> Order:
    fields = {
        "client_id": ids.digest(name),
        "instrument": "us:AAA",
        "side": side,
        "kind": OrderKind.LIMIT if limit else OrderKind.MARKET,
        "qty": D(qty),
        "limit_price": D(limit) if limit else None,
        "cause": Cause.MANUAL,
        "by": "test",
        "reference_price": D(100),
        "market_ms": T0 + DAY,
        "intended_ms": 1,
    }
    return Order(**{**fields, **changes})


def bar(day: int, open_: str, high: str = "", low: str = "", close: str = "", volume: str = "1000000") -> Candle:
    body = candle("AAA", day, open_, high, low, close, volume)
    return Candle.parse(json.dumps(body))


def venue() -> PaperVenue:
    made = PaperVenue(NativeSql())
    made.configure(RULES, {"us:AAA": AAA})
    return made


def place(paper: PaperVenue, *orders: Order) -> None:
    for each in orders:
        asyncio.run(paper.place(each))


def fill_of(each: Order, candle_: Candle) -> tuple[str, str] | None:
    fill = step(Working.of_order(each), candle_, AAA, RULES).fill
    return None if fill is None else (exact.text(fill.price), exact.text(fill.qty))


def test_the_bar_that_caused_the_order_never_fills_it() -> None:
    paper = venue()
    place(paper, order())
    assert paper.on_bars([bar(0, "100")]) == []
    (report,) = paper.on_bars([bar(1, "100")])
    assert report.status is OrderStatus.FILLED
    assert report.fills[0].ts_ms == T0 + DAY


def test_a_market_order_pays_slippage_rounded_to_the_tick_against_it() -> None:
    assert fill_of(order(Side.BUY), bar(1, "100.01")) == ("100.07", "10")
    assert fill_of(order(Side.SELL), bar(1, "100.01")) == ("99.95", "10")


def test_the_fee_is_in_quote_and_rounded_half_even_to_eight_places() -> None:
    fill = step(Working.of_order(order()), bar(1, "100"), AAA, RULES).fill
    assert fill is not None
    assert (fill.fee.asset, fill.fee.amount) == ("USD", D("1.0005"))
    odd = Paper(fee_bps=D("0.000123456"), slippage_bps=D(0), volume_share_bps=10_000)
    fill = step(Working.of_order(order()), bar(1, "100"), AAA, odd).fill
    assert fill is not None
    assert fill.fee.amount == D("0.00001235")


@pytest.mark.parametrize(
    ("side", "limit", "bar_", "price"),
    [
        (Side.BUY, "99", ("100", "101", "98", "100"), "99"),
        (Side.BUY, "99", ("100", "101", "99", "100"), None),
        (Side.BUY, "99", ("97", "101", "96", "100"), "97"),
        (Side.BUY, "99", ("97.001", "101", "96", "100"), "97.01"),
        (Side.BUY, "99", ("98.999", "101", "96", "100"), "99"),
        (Side.BUY, "100", ("100", "101", "100", "100"), "100"),
        (Side.SELL, "101", ("100", "102", "99", "100"), "101"),
        (Side.SELL, "101", ("100", "101", "99", "100"), None),
        (Side.SELL, "101", ("103", "104", "99", "100"), "103"),
        (Side.SELL, "101", ("103.009", "104", "99", "100"), "103"),
    ],
)
def test_a_limit_order_fills_through_its_price_or_at_a_better_open(
    side: Side, limit: str, bar_: tuple[str, str, str, str], price: str | None
) -> None:
    found = fill_of(order(side, limit=limit), bar(1, *bar_))
    assert (found and found[0]) == price


def test_a_limit_filled_inside_the_bar_happened_by_its_close() -> None:
    working = Working.of_order(order(limit="99"))
    assert reach(working, bar(1, "100", "101", "98", "100"), AAA, RULES).trade == (D(99), T0 + 2 * DAY)


def test_an_order_takes_its_share_of_the_volume_and_the_rest_waits() -> None:
    paper = venue()
    place(paper, order(qty="100"))
    (report,) = paper.on_bars([bar(1, "100", volume="555")])
    assert (report.status, [fill.qty for fill in report.fills]) == (OrderStatus.PARTLY_FILLED, [D(55)])
    assert paper.on_bars([bar(2, "100", volume="0")]) == []
    assert paper.on_bars([bar(3, "100", volume="9")]) == []
    (report,) = paper.on_bars([bar(4, "101", volume="5000")])
    assert (report.status, [fill.qty for fill in report.fills]) == (OrderStatus.FILLED, [D(55), D(45)])
    assert report.fills[1].price == D("101.06")


def test_the_same_bars_twice_fill_once_and_in_order_of_time() -> None:
    paper = venue()
    place(paper, order(qty="100"))
    bars = [bar(2, "102", volume="500"), bar(1, "100", volume="500")]
    (report,) = paper.on_bars(bars)
    assert [fill.price for fill in report.fills] == [D("100.05"), D("102.06")]
    assert paper.on_bars(bars) == []


def test_placing_is_idempotent_and_another_body_is_a_conflict() -> None:
    paper = venue()
    first = asyncio.run(paper.place(order()))
    paper.on_bars([bar(1, "100")])
    again = asyncio.run(paper.place(order()))
    assert again.venue_order_id == first.venue_order_id
    assert again.status is OrderStatus.FILLED
    with pytest.raises(Conflict):
        asyncio.run(paper.place(order(qty="11")))


def test_an_order_that_another_release_stored_with_more_fields_still_fills() -> None:
    sql = NativeSql()
    paper = PaperVenue(sql)
    paper.configure(RULES, {"us:AAA": AAA})
    place(paper, order())
    sql.rows("UPDATE paper_orders SET body = replace(body, '{', '{\"then\":1,')")
    (report,) = paper.on_bars([bar(1, "100")])
    assert report.status is OrderStatus.FILLED


def test_an_instrument_that_is_not_traded_is_refused() -> None:
    with pytest.raises(Refused, match="not traded") as caught:
        place(venue(), order(instrument="us:ZZZ"))
    assert caught.value.error_code == "unknown_instrument"


def test_cancelling() -> None:
    paper = venue()
    place(paper, order(name="1"), order(name="2", qty="5"))
    assert asyncio.run(paper.cancel(ids.digest("1"))).status is OrderStatus.CANCELLED
    assert [each.client_id for each in asyncio.run(paper.open_orders())] == [ids.digest("2")]
    paper.on_bars([bar(1, "100")])
    assert asyncio.run(paper.cancel(ids.digest("2"))).status is OrderStatus.FILLED
    assert asyncio.run(paper.order(ids.digest("1"))) is not None
    assert asyncio.run(paper.order(ids.digest("3"))) is None
    with pytest.raises(NotFound):
        asyncio.run(paper.cancel(ids.digest("3")))


def test_bars_before_it_is_configured_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="configure"):
        PaperVenue(NativeSql()).on_bars([bar(1, "100")])


cents = st.integers(min_value=100, max_value=100_000).map(lambda n: D(n) / 100)


@st.composite
def bars(draw: st.DrawFn) -> list[Candle]:
    found = []
    for day in range(1, draw(st.integers(1, 6)) + 1):
        low, a, b, high = sorted(draw(cents) for _ in range(4))
        open_, close = draw(st.sampled_from([(a, b), (b, a)]))
        volume = str(draw(st.integers(0, 500)))
        found.append(bar(day, str(open_), str(high), str(low), str(close), volume))
    return found


@settings(max_examples=60, deadline=None)
@given(bars(), st.sampled_from(Side), st.none() | cents, st.integers(1, 200))
def test_no_order_gets_more_than_it_asked_or_worse_than_its_limit(
    some: list[Candle], side: Side, limit: Decimal | None, qty: int
) -> None:
    each = order(side, str(qty), exact.text(limit) if limit else None)
    after, fills = work(Working.of_order(each), some, AAA, RULES)
    assert sum((fill.qty for fill in fills), D(0)) == after.filled_qty <= each.qty
    assert (after.status is OrderStatus.FILLED) == (after.filled_qty == each.qty)
    assert len({fill.fill_id for fill in fills}) == len(fills)
    volumes = {candle_.open_time_ms: candle_.volume for candle_ in some}
    for fill in fills:
        assert exact.on_step(fill.price, AAA.tick)
        assert exact.on_step(fill.qty, AAA.lot)
        if limit is not None:
            assert (fill.price - limit) * side.sign <= 0
        opened = fill.ts_ms if fill.ts_ms in volumes else fill.ts_ms - DAY
        assert fill.qty <= volumes[opened] / 10 or fill.qty <= volumes.get(fill.ts_ms - DAY, D(0)) / 10
    one_by_one = Working.of_order(each)
    found = []
    for candle_ in some:
        one_by_one, more = work(one_by_one, [candle_], AAA, RULES)
        found += more
    assert found == fills
