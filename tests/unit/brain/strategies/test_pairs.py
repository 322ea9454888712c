"""pairs, by scenario and by its definition; and the spread behind it."""

from __future__ import annotations

import math
import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from brain.bar import Bar
from brain.spread import spread
from brain.strategies.pairs import PairsParams
from shared.config import StrategyChoice
from shared.model import Action, Side
from tests.unit.brain.strategies.scenes import follow_all
from tests.unit.brain.support import bars, walk

Series = dict[str, list[Bar]]


def pair(seed: int, length: int, pull: float = 0.5, step: float = 0.01) -> Series:
    """B is a walk; A is twice its square root but for a rest that is pulled back by `pull` a day. C is another walk."""
    chance, rest, first = random.Random(seed), 0.0, list[float]()
    second = walk(seed, length)
    for price in second:
        rest += -pull * rest + chance.gauss(0.0, step)
        first.append(2.0 * math.sqrt(price) * math.exp(rest))
    return {"A": bars(first), "B": bars(second), "C": bars(walk(seed + 1, length))}


def shifted(series: Series, symbol: str, day: int, by: float) -> Series:
    """From that day on the symbol's price is another."""
    moved = [bar.close * (by if at >= day else 1.0) for at, bar in enumerate(series[symbol])]
    return {**series, symbol: bars(moved)}


STRICT = {"entry_z": 3.0, "broken_z": 10.0, "exit_z": 0.5, "window": 40, "pull_t": -3.0}


def test_enters_the_one_that_became_cheap() -> None:
    series = pair(5, 60)
    for symbol, by, cheap in (("A", 0.97, "A"), ("A", 1.05, "B")):
        found = follow_all("pairs", shifted(series, symbol, 50, by), **STRICT)
        [(day, name, idea)] = [each for each in found if each[2].action is Action.ENTER]
        assert (day, name) == (50, cheap)
        assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "pair_came_apart")
        assert idea.evidence["z"] <= -3.0 < idea.evidence["z_before"]
        assert idea.evidence["hedge"] > 0.0
        assert idea.evidence["half_life"] <= 30.0
        assert idea.stop_distance == 2.0 * idea.evidence["atr"]


def test_exits_when_they_came_together() -> None:
    series = shifted(shifted(pair(5, 60), "A", 50, 0.97), "A", 53, 1.0 / 0.97)
    [(day, name, idea)] = [each for each in follow_all("pairs", series, **STRICT) if each[0] > 50]
    assert day >= 53
    assert (name, idea.action, idea.reason) == ("A", Action.EXIT, "pair_came_together")
    assert idea.evidence["z_before"] < -0.5 <= idea.evidence["z"]


def test_exits_when_the_pair_is_broken() -> None:
    series = shifted(shifted(pair(5, 60), "A", 50, 0.97), "A", 51, 0.5)
    found = follow_all("pairs", series, **{**STRICT, "broken_z": 4.5})
    assert [(day, name, idea.reason) for day, name, idea in found if 50 <= day <= 51] == [
        (50, "A", "pair_came_apart"),
        (51, "A", "pair_is_broken"),
    ]


def test_two_walks_that_have_nothing_to_do_with_each_other_are_seldom_entered() -> None:
    settings = {"window": 60, "entry_z": 2.0, "pull_t": -3.0}
    good = bad = 0
    for seed in range(6):
        series = pair(seed, 300)
        good += sum(idea.action is Action.ENTER for _, _, idea in follow_all("pairs", series, **settings))
        strangers = {**series, "A": series["C"]}
        bad += sum(idea.action is Action.ENTER for _, _, idea in follow_all("pairs", strangers, **settings))
    assert good > 5 * bad


def test_prices_that_move_against_each_other_are_no_pair() -> None:
    series = pair(5, 60)
    against = {**series, "A": bars([100.0 / bar.close for bar in shifted(series, "A", 50, 1.05)["A"]])}
    assert [idea for _, _, idea in follow_all("pairs", against, **STRICT) if idea.action is Action.ENTER] == []


def test_other_symbols_and_days_on_which_one_is_missing_are_passed_over() -> None:
    series = pair(5, 200)
    settings = {"window": 20, "pull_t": 0.0}
    gone = {*range(30, 40), 77, 120}
    holes = {
        name: [bar for at, bar in enumerate(rows) if name != "B" or at not in gone] for name, rows in series.items()
    }
    dense = {name: [bar for at, bar in enumerate(rows) if at not in gone] for name, rows in series.items()}
    found = follow_all("pairs", holes, **settings)
    assert {name for _, name, _ in found} == {"A", "B"}
    assert [(day, name, idea.reason) for day, name, idea in found] == [
        (day, name, idea.reason) for day, name, idea in follow_all("pairs", dense, **settings)
    ]


def test_a_pair_that_never_moves_or_moves_as_one_says_nothing() -> None:
    series = pair(5, 60)
    assert follow_all("pairs", {"A": bars([10.0] * 60), "B": series["B"]}, window=20) == []
    assert follow_all("pairs", {"A": series["B"], "B": series["B"]}, window=20) == []


@pytest.mark.parametrize(
    "params",
    [
        {"first": "A", "second": "A"},
        {"first": "a"},
        {"first": 1},
        {"second": "A" * 33},
        {"entry_z": 0.5},
        {"broken_z": 2.0},
    ],
)
def test_parameters_out_of_bounds_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PairsParams(**params)


def naive(first: list[float], second: list[float]) -> tuple[float, float, float]:
    """Hedge, z and t of the pull, by the statistics module."""
    hedge, alpha = statistics.linear_regression(second, first)
    rests = [one - alpha - hedge * other for one, other in zip(first, second, strict=True)]
    before, after = rests[:-1], [now - last for last, now in zip(rests, rests[1:], strict=False)]  # noqa: RUF007
    pull = statistics.linear_regression(before, after, proportional=True).slope
    errors = [change - pull * last for last, change in zip(before, after, strict=True)]
    squares = sum(last * last for last in before)
    t = pull / math.sqrt(sum(error * error for error in errors) / (len(before) - 1) / squares)
    return hedge, rests[-1] / statistics.pstdev(rests), t


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    series, window = pair(11, 400, pull=0.3), 30
    logs = {name: [math.log(bar.close) for bar in series[name]] for name in "AB"}
    wanted, last = [], None
    for day in range(window - 1, 400):
        cut = slice(day + 1 - window, day + 1)
        hedge, z, t = naive(logs["A"][cut], logs["B"][cut])
        for name, now, before in (("A", z, last), ("B", -z, None if last is None else -last)):
            if before is None:
                continue
            if now < -4.0 <= before or before < -0.5 <= now:
                wanted.append((day, name, Action.EXIT))
            elif now <= -1.5 < before and hedge > 0.0 and t <= -2.5:
                wanted.append((day, name, Action.ENTER))
        last = z
    found = follow_all("pairs", series, window=window, entry_z=1.5, pull_t=-2.5, half_life=400.0)
    assert [(day, name, idea.action) for day, name, idea in found] == wanted
    assert len([each for each in wanted if each[2] is Action.ENTER]) > 10


class TestSpread:
    def test_is_what_the_statistics_module_says(self) -> None:
        for seed in range(20):
            series = pair(seed, 80)
            first = [math.log(bar.close) for bar in series["A"]]
            second = [math.log(bar.close) for bar in series["B"]]
            found = spread(first, second)
            assert found is not None
            assert (found.hedge, found.z, found.pull_t) == pytest.approx(naive(first, second), rel=1e-9)

    def test_half_life_is_that_of_the_pull_it_was_made_with(self) -> None:
        rests = [0.5**at for at in range(12)]
        second = [float(at % 5) for at in range(12)]
        found = spread([2.0 * over + rest for over, rest in zip(second, rests, strict=True)], second)
        assert found is not None
        assert 0.2 < found.half_life < 3.0

    @given(
        rows=st.lists(
            st.tuples(st.integers(-3, 3), st.integers(-3, 3)) | st.tuples(st.floats(-20, 34), st.floats(-20, 34)),
            min_size=4,
            max_size=30,
        )
    )
    def test_is_finite_or_none(self, rows: list[tuple[float, float]]) -> None:
        found = spread([round(one, 12) for one, _ in rows], [round(other, 12) for _, other in rows])
        if found is not None:
            assert all(map(math.isfinite, (found.hedge, found.z, found.pull_t)))
            assert found.half_life >= 0.0


def test_a_desk_may_choose_it_by_its_symbols() -> None:
    chosen = StrategyChoice.parse('{"name": "pairs", "params": {"first": "A", "window": 20}}')
    assert PairsParams.of(**chosen.params).first == "A"
    assert chosen.wire()["params"] == {"first": "A", "window": 20}
