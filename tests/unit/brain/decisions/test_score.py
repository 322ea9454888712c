"""Stage 1: what a score is worth beside the strategy's earlier ones."""

from __future__ import annotations

import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.moments import Moments
from brain.decisions.score import Scores, key_of
from shared.model.decision import ScoreConfig
from tests.unit.brain.decisions.support import key, said

RAW = st.floats(0, 1, allow_nan=False).map(lambda x: round(x, 6))


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50))
def test_without_decay_the_moments_are_those_of_the_whole(values: list[float]) -> None:
    found = Moments(1e18)
    for value in values:
        found.add(value)
    assert found.mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert found.variance == pytest.approx(statistics.pvariance(values), abs=1e-6)
    assert found.deviation**2 == pytest.approx(found.variance, abs=1e-6)


@given(values=st.lists(st.floats(-10, 10), min_size=1, max_size=50), half_life=st.floats(1, 50))
def test_with_decay_they_are_the_weighted_ones(values: list[float], half_life: float) -> None:
    found = Moments(half_life)
    for value in values:
        found.add(value)
    weights = [0.5 ** ((len(values) - 1 - at) / half_life) for at in range(len(values))]
    mean = sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights)
    variance = sum(w * (x - mean) ** 2 for w, x in zip(weights, values, strict=True)) / sum(weights)
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.variance == pytest.approx(variance, abs=1e-7)


def test_before_enough_signals_and_without_a_setting_the_score_is_the_raw_one_with_its_side() -> None:
    for config in (None, ScoreConfig(after=3)):
        scores = Scores(config)
        assert scores.take([said(0, score=0.7)]) == [0.7]
        assert scores.take([said(1, action="exit", score=0.2)]) == [-0.2]


def test_afterwards_it_is_held_against_the_earlier_ones() -> None:
    scores = Scores(ScoreConfig(after=4, half_life=100_000))
    for n, raw in enumerate((0.2, 0.4, 0.2, 0.4)):
        scores.take([said(n, score=raw)])
    # mean 0.3, deviation 0.1
    assert scores.take([said(4, score=0.4)]) == [pytest.approx((1 + 1 / 2) / 2, abs=1e-4)]
    assert scores.take([said(5, score=0.3)])[0] == pytest.approx(0.5, abs=0.12)
    assert scores.take([said(6, score=0.1, action="exit")])[0] > -0.3


def test_scores_that_were_always_equal_stay_raw() -> None:
    scores = Scores(ScoreConfig(after=2))
    for n in range(5):
        assert scores.take([said(n, score=0.5)]) == [0.5]


def test_signals_of_one_close_are_not_held_against_each_other() -> None:
    one, other = Scores(ScoreConfig(after=2)), Scores(ScoreConfig(after=2))
    for scores in (one, other):
        scores.take([said(0, score=0.2), said(0, score=0.4, symbol="BBB")])
    a, b = said(1, score=0.1), said(1, score=0.9, symbol="BBB")
    assert one.take([a, b]) == list(reversed(other.take([b, a])))


def test_strategies_are_not_held_against_each_other() -> None:
    scores = Scores(ScoreConfig(after=2))
    for n in range(4):
        scores.take([said(n, "one", score=0.1 * n)])
    assert scores.take([said(5, "two", score=0.9)]) == [0.9]


@given(raws=st.lists(RAW, max_size=30), cut=st.integers(0, 30))
def test_every_score_lies_within_bounds_and_the_state_survives_json(raws: list[float], cut: int) -> None:
    config = ScoreConfig(after=3, half_life=10)
    whole, parts = Scores(config), Scores(config)
    for n, raw in enumerate(raws):
        if n == cut:
            kept = json.loads(json.dumps(parts.state()))
            parts = Scores(config)
            parts.restore(kept, [key("one")])
        [found] = whole.take([said(n, score=raw)])
        assert parts.take([said(n, score=raw)]) == [found]
        assert 0 <= found <= 1
    assert whole.state() == parts.state()


def test_a_strategy_that_is_no_member_any_more_is_forgotten() -> None:
    scores = Scores(ScoreConfig())
    scores.take([said(0, "one"), said(0, "two")])
    other = Scores(ScoreConfig())
    other.restore(scores.state(), [key("two")])
    assert list(other.state()) == [key_of(said(0, "two"))]


@pytest.mark.parametrize("state", [[1], [-1, 0.0, 0.0, 0.0], [1, None, 1.0, 0.0], [1, "x", 1.0, 0.0], [1.5, 0, 0, 0]])
def test_moments_that_cannot_be_are_refused(state: list[object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Moments(2).restore(state)
