from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.book.ladder import STUCK_AFTER, Ladder, Outcome, Top, price_text, scaled

prices = st.integers(1, 40).map(lambda n: f"{n / 4:.{n % 3 + 2}f}")
qtys = st.sampled_from(["0", "0.00", "1", "2.50", "003"])
pairs = st.lists(st.tuples(prices, qtys), max_size=8)


class Brute:
    """The same rules, without an eye on speed: decimals in a dictionary, sorted whenever somebody looks."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}
        self.seq = 0
        self.seen = -1
        self.broken = True

    def message(self, whole: bool, seq: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> None:
        if seq < self.seen or (seq == self.seen and not (whole and self.broken)):
            return
        last, self.seen = self.seen, seq
        if whole:
            if any(len({Decimal(price) for price, _ in side}) < len(side) for side in (bids, asks)):
                self.broken = True
                return
            self.bids, self.asks = {}, {}
        elif self.broken or seq != last + 1:
            self.broken = True
            return
        for side, changes in ((self.bids, bids), (self.asks, asks)):
            for price, qty in changes:
                side.pop(Decimal(price), None)
                if Decimal(qty):
                    side[Decimal(price)] = Decimal(qty)
        self.broken = bool(self.bids and self.asks and max(self.bids) >= min(self.asks))
        if not self.broken:
            self.seq = seq

    def sides(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())


def exact(levels: list[list[str]]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(qty)) for price, qty in levels]


def apply(ladder: Ladder, whole: bool, seq: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> Outcome:
    return (ladder.snapshot if whole else ladder.delta)(seq, seq * 10, bids, asks)


@given(st.lists(st.tuples(st.booleans(), st.integers(-1, 2), pairs, pairs), max_size=STUCK_AFTER - 1))
def test_every_sequence_of_messages_leaves_the_same_book_as_brute_force(
    steps: list[tuple[bool, int, list[tuple[str, str]], list[tuple[str, str]]]],
) -> None:
    ladder, brute, seq = Ladder(), Brute(), 1
    for whole, step, bids, asks in steps:
        seq = max(0, seq + step)
        up = [(f"{Decimal(price) + 6}", qty) for price, qty in asks]
        apply(ladder, whole, seq, bids, up)
        brute.message(whole, seq, bids, up)
        assert ladder.broken == brute.broken
        if not brute.broken:
            assert (exact(ladder.bids()), exact(ladder.asks())) == brute.sides()
            assert ladder.seq == brute.seq
        assert (ladder.top() is None) == (brute.broken or not brute.bids or not brute.asks)


@given(st.lists(pairs, max_size=12), st.integers(1, 4))
def test_a_truncated_book_shows_only_levels_that_are_true_and_best(
    changes: list[list[tuple[str, str]]], limit: int
) -> None:
    ladder, brute = Ladder(max_levels=limit), Brute()
    ladder.snapshot(1, 1, [], [("1000", "1")])
    brute.message(True, 1, [], [("1000", "1")])
    for seq, bids in enumerate(changes, 2):
        if ladder.delta(seq, 1, bids, []) is Outcome.GAP:
            return
        brute.message(False, seq, bids, [])
        shown = exact(ladder.bids())
        assert len(shown) <= limit
        assert shown == brute.sides()[0][: len(shown)]


@given(st.decimals(min_value="0.000000000000000001", max_value=10**17, places=18))
def test_a_price_survives_scaling_to_the_last_digit(price: Decimal) -> None:
    assert Decimal(price_text(scaled(format(price, "f")))) == price


def test_prices_are_the_same_level_however_they_are_written() -> None:
    ladder = Ladder()
    ladder.snapshot(1, 1, [("100.50", "1")], [("101", "2.0")])
    ladder.delta(2, 2, [("0100.5", "3.10")], [])
    assert ladder.top() == Top("100.5", "3.1", "101", "2")
    assert ladder.bids() == [["100.5", "3.1"]]


def test_a_gap_between_deltas_breaks_the_book_until_the_next_snapshot() -> None:
    ladder = Ladder()
    ladder.snapshot(1, 1, [("1", "1")], [("2", "1")])
    assert ladder.delta(3, 3, [("1.5", "1")], []) is Outcome.GAP
    assert (ladder.broken, ladder.top(), ladder.gaps, ladder.reason) == (True, None, 1, "gap")
    assert ladder.delta(4, 4, [], []) is Outcome.IGNORED
    assert ladder.snapshot(3, 3, [("1", "1")], [("2", "1")]) is Outcome.IGNORED
    assert ladder.snapshot(5, 5, [("1", "1")], [("3", "1")]) is Outcome.APPLIED
    assert ladder.top() == Top("1", "1", "3", "1")


def test_a_gap_before_a_snapshot_is_counted_and_harmless() -> None:
    ladder = Ladder()
    ladder.snapshot(1, 1, [("1", "1")], [("2", "1")])
    assert ladder.snapshot(7, 7, [("1", "1")], [("2", "1")]) is Outcome.APPLIED
    assert ladder.gaps == 1


def test_duplicates_change_nothing() -> None:
    ladder = Ladder()
    ladder.snapshot(1, 1, [("1", "1")], [("2", "1")])
    assert ladder.snapshot(1, 9, [("1.1", "1")], [("2", "1")]) is Outcome.IGNORED
    assert ladder.delta(1, 9, [("1.1", "1")], []) is Outcome.IGNORED
    assert ladder.top() == Top("1", "1", "2", "1")
    assert ladder.ts_ms == 1


@pytest.mark.parametrize(("bid", "ask"), [("2", "2"), ("3", "2")])
def test_a_crossed_or_locked_book_is_refused(bid: str, ask: str) -> None:
    ladder = Ladder()
    assert ladder.snapshot(1, 1, [(bid, "1")], [(ask, "1")]) is Outcome.REFUSED
    assert (ladder.top(), ladder.reason) == (None, "crossed")


@pytest.mark.parametrize(
    "pair",
    [("0", "1"), ("-1", "1"), ("1e3", "1"), ("NaN", "1"), ("1", "-1"), ("1", ""), ("1", None), (None, "1"), ("1",)],
)
def test_a_malformed_level_is_refused_and_breaks_the_book(pair: tuple[Any, ...]) -> None:
    for name in ("snapshot", "delta"):
        ladder = Ladder()
        ladder.snapshot(1, 1, [("1", "1")], [("2", "1")])
        assert getattr(ladder, name)(2, 2, [pair], []) is Outcome.REFUSED
        assert ladder.broken


def test_a_price_twice_in_a_snapshot_is_refused() -> None:
    assert Ladder().snapshot(1, 1, [("1", "1"), ("1.0", "2")], []) is Outcome.REFUSED


def test_a_reset_takes_any_number_and_so_does_a_sequence_that_went_back_for_long() -> None:
    ladder = Ladder()
    ladder.snapshot(100, 1, [("1", "1")], [("2", "1")])
    ladder.reset()
    assert ladder.broken
    assert ladder.snapshot(3, 1, [("1", "1")], [("2", "1")]) is Outcome.APPLIED
    ladder.snapshot(2**50, 1, [("1", "1")], [("2", "1")])
    outcomes = [ladder.snapshot(seq, 1, [("1", "1")], [("2", "1")]) for seq in range(4, 5 + STUCK_AFTER)]
    assert outcomes == [Outcome.IGNORED] * STUCK_AFTER + [Outcome.APPLIED]


def test_a_book_whose_known_levels_are_all_gone_is_not_taken_for_an_empty_one() -> None:
    ladder = Ladder(max_levels=1)
    ladder.snapshot(1, 1, [("1", "1"), ("2", "1")], [("3", "1")])
    assert ladder.bids() == [["2", "1"]]
    assert ladder.delta(2, 2, [("2", "0")], []) is Outcome.GAP
    assert ladder.broken
