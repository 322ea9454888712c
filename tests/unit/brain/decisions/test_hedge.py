"""Multiplicative weights: the textbook's bounds, and ours."""

from __future__ import annotations

import random
from math import exp, fsum, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions import hedge

LOSSES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def loss(weights: list[float], losses: list[float]) -> float:
    return fsum(w * each for w, each in zip(weights, losses, strict=True))


def adversary(weights: list[float], turn: int) -> list[float]:
    """All the loss for whoever has the most weight; experts take turns where they are alike."""
    most = max(weights)
    worst = [at for at, w in enumerate(weights) if w > most - 1e-12]
    return [float(at == worst[turn % len(worst)]) for at in range(len(weights))]


@pytest.mark.parametrize(("count", "rounds"), [(2, 50), (5, 400), (20, 1000)])
def test_against_an_adversary_the_regret_is_within_the_textbooks_bound(count: int, rounds: int) -> None:
    rate = sqrt(8 * log(count) / rounds)
    weights, own, theirs = [1 / count] * count, 0.0, [0.0] * count
    for turn in range(rounds):
        losses = adversary(weights, turn)
        own += loss(weights, losses)
        theirs = [total + each for total, each in zip(theirs, losses, strict=True)]
        weights = hedge.update(weights, losses, rate, 0.0, 1.0)
    regret = own - min(theirs)
    assert 0 < regret <= sqrt(rounds * log(count) / 2) + 1e-9
    # without learning an adversary could do better
    assert own < rounds


@given(seed=st.integers(0, 1000), rate=st.floats(0.05, 2), count=st.integers(2, 10), rounds=st.integers(1, 200))
def test_the_bound_holds_for_any_rate(seed: int, rate: float, count: int, rounds: int) -> None:
    chance = random.Random(seed)
    weights, own, theirs = [1 / count] * count, 0.0, [0.0] * count
    for turn in range(rounds):
        losses = adversary(weights, turn) if chance.random() < 0.5 else [chance.random() for _ in weights]
        own += loss(weights, losses)
        theirs = [total + each for total, each in zip(theirs, losses, strict=True)]
        weights = hedge.update(weights, losses, rate, 0.0, 1.0)
    assert own - min(theirs) <= log(count) / rate + rate * rounds / 8 + 1e-9


@given(seed=st.integers(0, 1000), rate=st.floats(0.05, 2), count=st.integers(2, 8), rounds=st.integers(1, 200))
def test_with_bounds_it_holds_against_every_weighting_within_them(
    seed: int, rate: float, count: int, rounds: int
) -> None:
    chance = random.Random(seed)
    floor = 0.5 / count
    weights, own, theirs = [1 / count] * count, 0.0, [0.0] * count
    for turn in range(rounds):
        losses = adversary(weights, turn)
        own += loss(weights, losses)
        theirs = [total + each for total, each in zip(theirs, losses, strict=True)]
        weights = hedge.update(weights, losses, rate, floor, 1.0)
    best = [floor] * count
    best[theirs.index(min(theirs))] += 1 - floor * count
    other = hedge.project([chance.random() for _ in range(count)], floor, 1.0)
    for against in (best, other):
        assert own - loss(against, theirs) <= log(count) / rate + rate * rounds / 8 + 1e-9


@given(losses=LOSSES, rate=st.floats(0.01, 10))
def test_without_bounds_it_is_the_plain_formula(losses: list[float], rate: float) -> None:
    found = hedge.update([1 / len(losses)] * len(losses), losses, rate, 0.0, 1.0)
    plain = [exp(-rate * each) for each in losses]
    assert found == pytest.approx([each / fsum(plain) for each in plain])


@given(weights=st.lists(st.floats(1e-6, 1), min_size=1, max_size=12), floor=st.floats(0, 0.5), cap=st.floats(0.01, 1))
def test_a_projection_lies_within_the_bounds_sums_to_one_and_is_the_nearest(
    weights: list[float], floor: float, cap: float
) -> None:
    floor, cap = min(floor, cap), cap
    found = hedge.project(weights, floor, cap)
    low, high = min(floor, 1 / len(weights)), max(cap, 1 / len(weights))
    assert fsum(found) == pytest.approx(1, abs=1e-9)
    assert all(low - 1e-9 <= w <= high + 1e-9 for w in found)
    # of those at no bound the proportions stay; nobody passes another
    inside = [w / was for w, was in zip(found, weights, strict=True) if low + 1e-6 < w < high - 1e-6]
    assert inside == pytest.approx([inside[0]] * len(inside)) if inside else True
    scale = inside[0] if inside else None
    for w, was in zip(found, weights, strict=True):
        if scale is not None:
            assert w == pytest.approx(min(high, max(low, scale * was)), abs=1e-5)


def test_bounds_that_cannot_be_kept_give_way_to_equal_shares() -> None:
    assert hedge.project([1.0, 2.0, 3.0], 0.5, 0.6) == pytest.approx([1 / 3] * 3)
    assert hedge.project([1.0, 9.0], 0.0, 0.3) == pytest.approx([0.5, 0.5])
    assert hedge.project([0.0, 0.0], 0.0, 1.0) == [0.5, 0.5]
    assert hedge.project([0.0, 0.0, 1.0], 0.0, 0.5) == pytest.approx([0.25, 0.25, 0.5])
