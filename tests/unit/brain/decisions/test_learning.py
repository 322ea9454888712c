"""What outcomes teach, each counted once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.learning import REMEMBERED, Outcomes, Weights
from shared.model import Outcome
from shared.model.decision import LearningConfig
from tests.unit.brain.decisions.support import key

NAMES = ["a", "b", "c"]
KEYS = [key(name) for name in NAMES]


def outcome(r: float, closed_ms: int = 1, strategy: str = "a", symbol: str = "AAA", **more: Any) -> Outcome:
    return Outcome(strategy=strategy, symbol=symbol, r=r, closed_ms=closed_ms, **more)


def alone(strategy: str) -> Callable[[str], float]:
    """The stances where only one was in the market."""
    return lambda member: float(member == key(strategy))


def taught(config: LearningConfig, *outcomes: Outcome) -> Weights:
    weights = Weights(config, KEYS)
    for each in outcomes:
        weights.learn(each, alone(each.strategy))
    return weights


def test_an_outcome_counts_once_however_often_and_in_whatever_order_it_is_sent() -> None:
    known = Outcomes()
    first, second = outcome(1.0, 1), outcome(-1.0, 2)
    assert known.fresh([second, first, second]) == [first, second]
    assert known.fresh([first, second]) == []
    assert known.of["a"].count == 2
    assert known.of["a"].mean == pytest.approx(0.0, abs=0.01)


def test_an_id_tells_outcomes_apart_that_look_alike() -> None:
    known = Outcomes()
    twins = [outcome(1.0, 1, id="a" * 32), outcome(1.0, 1, id="b" * 32)]
    assert known.fresh(twins) == twins
    assert known.fresh([outcome(5.0, 1, id="a" * 32)]) == []


def test_what_was_forgotten_by_name_is_not_counted_again() -> None:
    known = Outcomes()
    many = [outcome(1.0, at) for at in range(REMEMBERED + 10)]
    assert len(known.fresh(many)) == REMEMBERED + 10
    assert known.fresh(many) == []
    assert known.fresh([outcome(1.0, 3, symbol="BBB")]) == []
    assert len(known.fresh([outcome(1.0, 10**6)])) == 1


def test_who_earns_gains_weight_who_loses_loses_it_and_who_stays_out_stands_between() -> None:
    config = LearningConfig(rate=0.5, floor=0.0, cap=1.0)
    weights = taught(config, outcome(3.0, strategy="a"), outcome(-3.0, strategy="b"))
    assert weights[KEYS[0]] > weights[KEYS[2]] > weights[KEYS[1]]
    flat = taught(config, outcome(0.0))
    assert [flat[each] for each in KEYS] == pytest.approx([1 / 3] * 3)


def test_without_learning_all_weigh_the_same() -> None:
    weights = Weights(None, KEYS)
    weights.learn(outcome(50.0), lambda _: 1.0)
    assert [weights[each] for each in KEYS] == [1 / 3] * 3


@given(
    outcomes=st.lists(st.tuples(st.sampled_from(NAMES), st.floats(-20, 20)), max_size=40),
    rate=st.floats(0.01, 10),
    floor=st.floats(0, 0.33),
    cap=st.floats(0.34, 1),
    cut=st.integers(0, 40),
)
def test_weights_stay_within_their_bounds_sum_to_one_and_survive_json(
    outcomes: list[tuple[str, float]], rate: float, floor: float, cap: float, cut: int
) -> None:
    config = LearningConfig(rate=rate, floor=floor, cap=cap)
    whole, parts = Weights(config, KEYS), Weights(config, KEYS)
    for at, (name, r) in enumerate(outcomes):
        if at == cut:
            kept = json.loads(json.dumps(parts.state()))
            parts = Weights(config, KEYS)
            parts.restore(kept, KEYS)
        for weights in (whole, parts):
            weights.learn(outcome(r, at, name), alone(name))
        found = [whole[each] for each in KEYS]
        assert sum(found) == pytest.approx(1, abs=1e-9)
        assert all(floor - 1e-9 <= w <= cap + 1e-9 for w in found)
    assert whole.state() == parts.state()


def test_another_epoch_begins_with_equal_weights() -> None:
    weights = taught(LearningConfig(), outcome(3.0))
    again = Weights(LearningConfig(epoch=1), KEYS)
    again.restore(weights.state(), KEYS)
    assert [again[each] for each in KEYS] == pytest.approx([1 / 3] * 3)


def test_who_joins_gets_an_equal_share_and_who_leaves_takes_nothing_along() -> None:
    weights = taught(LearningConfig(), outcome(3.0))
    before = [weights[each] for each in KEYS]
    joined = Weights(LearningConfig(), [*KEYS, key("d")])
    joined.restore(weights.state(), [*KEYS, key("d")])
    assert joined[key("d")] == pytest.approx(1 / 4)
    assert [joined[each] for each in KEYS] == pytest.approx([w * 3 / 4 for w in before])
    fewer = Weights(LearningConfig(), KEYS[:2])
    fewer.restore(weights.state(), KEYS[:2])
    assert fewer.members == KEYS[:2]
    assert fewer[KEYS[0]] == pytest.approx(min(0.6, before[0] / (before[0] + before[1])))


@pytest.mark.parametrize(
    "state", [{}, {"epoch": 0, "of": {"x": 2.0}}, {"epoch": 0, "of": {"x": None}}, {"epoch": 0, "of": []}]
)
def test_weights_that_cannot_be_are_refused(state: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, LookupError, AttributeError)):
        Weights(LearningConfig(), []).restore(state, [])
