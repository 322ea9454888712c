"""Other orders and other markets: repeatable, of the same stuff, and right where it can be counted."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest.montecarlo import Quantiles, over_markets, quantiles, reordered, resampled
from brain.bar import Bar
from shared.clock import seeded
from shared.errors import Invalid
from tests.unit.brain.backtest.accounts import trade
from tests.unit.brain.support import bars, walk

WALK = bars(walk(3, 200))
RESULTS = [trade(each) for each in (30.0, -20.0, 10.0, -10.0, 25.0, -15.0)]


class Fixed:
    """Chance that always draws the same."""

    def __init__(self, value: float) -> None:
        self._value = value

    def random(self) -> float:
        return self._value


def test_quantiles_of_a_hundred_and_one() -> None:
    assert quantiles([float(at) for at in range(100, -1, -1)]) == Quantiles(5.0, 25.0, 50.0, 75.0, 95.0, 50.0)
    assert quantiles([1.0, 2.0]) == pytest.approx((1.05, 1.25, 1.5, 1.75, 1.95, 1.5))
    assert quantiles([3.0]) == (3.0,) * 6


def test_two_trades_have_two_orders() -> None:
    found = reordered([trade(50.0), trade(-50.0)], 100.0, 2000, seeded(1))
    # won first: 150 -> 100, a third; lost first: 100 -> 50, a half
    assert found.max_drawdown.p05 == pytest.approx(1 / 3)
    assert found.max_drawdown.p95 == pytest.approx(1 / 2)
    assert found.max_drawdown.mean == pytest.approx(5 / 12, abs=0.01)
    assert found.as_deep == 1.0, "the recorded order was the kind one"
    assert found.final_equity == (100.0,) * 6
    assert found.ruined == 0.0


def test_trades_are_taken_in_the_order_they_were_closed() -> None:
    late, early = trade(50.0, exit_ms=10**12), trade(-50.0)
    assert reordered([late, early], 100.0, 400, seeded(1)).as_deep == pytest.approx(0.5, abs=0.1)


def test_the_same_seed_draws_the_same_on_every_python() -> None:
    first, again = (reordered(RESULTS, 100.0, 50, seeded(7), replace=True) for _ in range(2))
    assert first == again
    assert first != reordered(RESULTS, 100.0, 50, seeded(8), replace=True)
    assert [seeded(7).random(), seeded(0).random()] == [0.32383276483316237, 0.8444218515250481]
    assert resampled(WALK, 5, seeded(7)) == resampled(WALK, 5, seeded(7)) != resampled(WALK, 5, seeded(8))


def test_drawing_with_replacement_spreads_the_end() -> None:
    found = reordered(RESULTS, 1000.0, 2000, seeded(2), replace=True)
    assert found.final_equity.p05 < 1020.0 < found.final_equity.p95
    assert found.final_equity.mean == pytest.approx(1020.0, abs=3.0)


def test_compounded_results_are_shares_of_the_account() -> None:
    found = reordered([trade(100.0), trade(-100.0)], 100.0, 500, seeded(3), compound=True)
    assert found.final_equity == (100.0,) * 6, "doubled and halved, in either order"
    assert found.max_drawdown == (0.5,) * 6
    lost = reordered([trade(100.0), trade(-300.0)], 100.0, 10, seeded(3), compound=True)
    assert lost.final_equity == (0.0,) * 6
    assert lost.ruined == 1.0


def test_a_lost_account_trades_no_more() -> None:
    found = reordered([trade(200.0), trade(-150.0)], 100.0, 2000, seeded(4))
    assert found.ruined == pytest.approx(0.5, abs=0.05)
    assert (found.final_equity.p05, found.final_equity.p95) == (-50.0, 150.0)


def test_the_last_draw_stays_within_the_list() -> None:
    top = math.nextafter(1.0, 0.0)
    assert reordered(RESULTS, 1000.0, 1, Fixed(top), replace=True).final_equity.p50 == 1000.0 - 15.0 * 6
    assert reordered(RESULTS, 1000.0, 1, Fixed(top)).as_deep == 1.0, "each stays where it is"
    assert len(resampled(WALK, 3, Fixed(top))) == 200


@given(results=st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=30), seed=st.integers(0, 2**32))
def test_another_order_ends_the_same_and_falls_no_less_than_the_worst_trade(results: list[float], seed: int) -> None:
    found = reordered([trade(each) for each in results], 10_000.0, 5, seeded(seed))
    assert found.final_equity == (10_000.0 + sum(results),) * 6
    least = max(0.0, -min(results)) / (10_000.0 + sum(each for each in results if each > 0.0))
    assert found.max_drawdown.p05 >= least - 1e-12


def consistent(bar: Bar) -> bool:
    return 0.0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


def test_a_made_market_is_of_the_recorded_moves() -> None:
    made = resampled(WALK, 4, seeded(1))
    assert [bar.open_time_ms for bar in made] == [bar.open_time_ms for bar in WALK]
    assert made[0] == WALK[0]
    moves = [bar.close / before.close for before, bar in pairwise(WALK)]
    for before, bar in pairwise(made):
        assert min(abs(bar.close / before.close - move) for move in moves) < 1e-12


def test_what_follows_within_a_block_is_kept() -> None:
    ramp = [Bar(at, 1.0, 2.0**at, 1.0, 2.0**at, float(at)) for at in range(41)]
    made = resampled(ramp, 10, seeded(6))
    volumes = [int(bar.volume) for bar in made[1:]]
    assert all(after == before % 40 + 1 for at, (before, after) in enumerate(pairwise(volumes)) if at % 10 != 9)
    assert len({volumes[at] for at in range(0, 40, 10)}) > 1


@given(
    rows=st.lists(st.tuples(*[st.floats(0.5, 1e4)] * 4), min_size=2, max_size=20),
    seed=st.integers(0, 2**32),
    data=st.data(),
)
def test_made_bars_are_consistent(rows: list[tuple[float, ...]], seed: int, data: st.DataObject) -> None:
    given_bars = [Bar(at, row[0], max(row), min(row), row[1], 1.0) for at, row in enumerate(rows)]
    block = data.draw(st.integers(1, len(rows) - 1))
    try:
        made = resampled(given_bars, block, seeded(seed))
    except Invalid as refused:
        assert "made price left" in refused.detail
        return
    assert len(made) == len(rows)
    assert all(consistent(bar) for bar in made)


def test_every_market_is_judged() -> None:
    seen: list[float] = []

    def judge(made: list[Bar]) -> float:
        seen.append(made[-1].close / made[0].close - 1.0)
        return seen[-1]

    found = over_markets(WALK, 5, 30, seeded(9), judge)
    assert len(set(seen)) == 30
    assert found == quantiles(seen)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: reordered([], 100.0, 5, seeded(1)), "trades"),
        (lambda: reordered(RESULTS, 0.0, 5, seeded(1)), "start"),
        (lambda: reordered(RESULTS, math.nan, 5, seeded(1)), "start"),
        (lambda: reordered(RESULTS, 100.0, 0, seeded(1)), "runs"),
        (lambda: reordered(RESULTS, 100.0, 100_001, seeded(1)), "runs"),
        (lambda: reordered([trade(-200.0), trade(1.0)], 100.0, 5, seeded(1), compound=True), "trades[1]"),
        (lambda: reordered([trade(1.0, fees=math.inf)], 100.0, 5, seeded(1)), "trades[0].fees"),
        (lambda: resampled(WALK[:1], 1, seeded(1)), "bars"),
        (lambda: resampled(WALK, 0, seeded(1)), "block"),
        (lambda: resampled(WALK, 200, seeded(1)), "block"),
        (lambda: resampled([WALK[0], WALK[1]._replace(low=math.nan)], 1, seeded(1)), "bars[1]"),
        (lambda: resampled([WALK[0], WALK[1]._replace(high=1.0)], 1, seeded(1)), "bars[1]"),
        (lambda: over_markets(WALK, 5, 0, seeded(1), lambda _: 1.0), "runs"),
        (lambda: over_markets(WALK, 5, 2, seeded(1), lambda _: math.nan), "values"),
        (lambda: quantiles([]), "values"),
    ],
)
def test_input_that_cannot_be_is_refused_by_name(call: Any, field: str) -> None:
    with pytest.raises(Invalid, match=re.escape(field)):
        call()


def test_a_jump_drawn_too_often_is_refused() -> None:
    jump = bars([1.0, 1e6])
    more = [*jump, *(bar._replace(open_time_ms=9, close=1e6) for bar in jump[1:] * 3)]
    with pytest.raises(Invalid, match="a made price left"):
        resampled(more, 1, Fixed(0.0))
