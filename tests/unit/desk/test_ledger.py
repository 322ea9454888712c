"""Money to the last decimal, whatever is traded."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.desk import ledger, levels
from shared.model import Fill, Instrument, Level, LevelKind, Money, Position, Side, exact, ids
from tests.unit.desk.bench import T0

D = Decimal
ZERO = exact.ZERO


def coin(tick: str = "0.001", lot: str = "0.00001", multiplier: str = "1") -> Instrument:
    return Instrument(
        venue="us",
        symbol="BTC",
        base="BTC",
        quote="USD",
        settle="USD",
        tick=D(tick),
        lot=D(lot),
        min_qty=D(lot),
        min_notional=ZERO,
        multiplier=D(multiplier),
    )


def fill(side: Side, qty: Decimal, price: Decimal, fee: Decimal = ZERO, asset: str = "USD") -> Fill:
    money = Money(amount=fee, asset=asset)
    return Fill(
        fill_id="f", client_id=ids.digest(1), instrument="us:BTC", side=side, qty=qty, price=price, fee=money, ts_ms=T0
    )


qtys = st.integers(1, 10**9).map(lambda n: D(n) * D("0.00001"))
prices = st.integers(1, 10**9).map(lambda n: D(n) * D("0.001"))
fees = st.integers(-(10**6), 10**9).map(lambda n: D(n) * D("0.00000001"))
trades = st.lists(st.tuples(st.sampled_from(Side), qtys, prices, fees), max_size=25)


@settings(max_examples=150, deadline=None)
@given(trades)
def test_cash_and_cost_conserve_to_the_last_decimal(some: list[tuple[Side, Decimal, Decimal, Decimal]]) -> None:
    instrument, position, cash, paid = coin(), Position(instrument="us:BTC"), ZERO, ZERO
    held = ZERO
    for side, qty, price, fee in some:
        each = fill(side, qty, price, fee)
        value = ledger.value_of(instrument, qty, price)
        assert value == qty * price
        position = ledger.book(position, each, value, "USD")
        cash = cash - side.sign * value - fee
        paid += fee
        held += side.sign * qty
        assert position.qty == held
        assert cash + position.cost == position.realised - paid
        assert position.fees == paid
        assert position.is_flat == (position.opened_ms is None)
        if position.is_flat:
            assert position.cost == ZERO
        else:
            assert (position.cost > 0) == (position.qty > 0) or not position.cost
        assert Position.parse(position.json_text()) == position


def test_a_partial_close_realises_its_share() -> None:
    bought = ledger.book(Position(instrument="us:BTC"), fill(Side.BUY, D(3), D(100)), D(300), "USD")
    sold = ledger.book(bought, fill(Side.SELL, D(1), D(130)), D(130), "USD")
    assert (sold.qty, sold.cost, sold.realised, sold.paid) == (D(2), D(200), D(30), D(300))
    thirds = ledger.book(Position(instrument="us:BTC"), fill(Side.BUY, D(3), D("33.333")), D(100), "USD")
    rest = ledger.book(thirds, fill(Side.SELL, D(1), D(40)), D(40), "USD")
    assert rest.cost == D(100) - D("33.333333333333333333")
    assert rest.realised == D("6.666666666666666667")


def test_a_fill_larger_than_the_position_turns_it_round() -> None:
    bought = ledger.book(Position(instrument="us:BTC"), fill(Side.BUY, D(2), D(100)), D(200), "USD")
    turned = ledger.book(bought, fill(Side.SELL, D(5), D(110)), D(550), "USD")
    assert (turned.qty, turned.cost, turned.realised, turned.paid) == (D(-3), D(-330), D(20), D(330))
    closed = ledger.book(turned, fill(Side.BUY, D(3), D(100)), D(300), "USD")
    assert (closed.qty, closed.cost, closed.realised) == (ZERO, ZERO, D(50))


def test_a_fee_in_another_asset_is_not_the_positions() -> None:
    position = ledger.book(Position(instrument="us:BTC"), fill(Side.BUY, D(1), D(9), D("0.1"), "BNB"), D(9), "USD")
    assert position.fees == ZERO


def test_a_value_finer_than_eighteen_places_is_rounded_once() -> None:
    fine = coin(tick="0.000000000001", lot="0.000000000001")
    assert ledger.value_of(fine, D("0.000000000001"), D("0.0000015")) == D("0.000000000000000002")


@given(st.integers(2, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
def test_levels_are_on_the_tick_and_on_their_side(entry: int, stop: int, target: int) -> None:
    instrument = coin(tick="0.01")
    at, stop_by, target_by = D(entry) / 1000, D(stop) / 1000, D(target) / 1000
    found = levels.from_distances(instrument, at, stop_by, target_by)
    assert found.target is not None
    assert found.target > at
    assert exact.on_step(found.target, instrument.tick)
    if found.stop is not None:
        assert 0 < found.stop < at
        assert exact.on_step(found.stop, instrument.tick)
        # never a larger loss than was asked for, unless that is less than a tick
        assert at - found.stop <= max(stop_by, 2 * instrument.tick)


def test_touching_a_level_crosses_it() -> None:
    def level(kind: LevelKind, side: Side) -> Level:
        return Level(instrument="us:BTC", kind=kind, side=side, price=D(100))

    for side, kind, worse, better in (
        (Side.SELL, LevelKind.STOP, D(99), D(101)),
        (Side.SELL, LevelKind.TARGET, D(101), D(99)),
        (Side.BUY, LevelKind.STOP, D(101), D(99)),
        (Side.BUY, LevelKind.TARGET, D(99), D(101)),
    ):
        assert levels.crossed(level(kind, side), worse)
        assert levels.crossed(level(kind, side), D(100))
        assert not levels.crossed(level(kind, side), better)
