"""Stage 2: events that fade, and the slope of longer bars."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.bias import LIFE, MOST_EVENTS, Biases
from brain.decisions.evidence import Event
from shared.model.decision import BiasConfig, FrameBias
from tests.unit.brain.decisions.support import HOUR_MS, bar, close

FRAME = BiasConfig(weight=0.5, frame=FrameBias(bars=2, ema=2, weight=0.4))


def event(n: int, bias: float = 0.8, symbol: str = "AAA", half_life: float = 4.0, name: str = "") -> Event:
    """At the close of bar `n`."""
    return Event(
        symbol=symbol,
        bias=bias,
        at_ms=close(n),
        half_life_bars=half_life,
        source="news",
        hash=name or f"{n:08x}",
    )


def made(config: BiasConfig | None = BiasConfig()) -> Biases:  # noqa: B008 - frozen
    return Biases(config, HOUR_MS)


def test_an_event_moves_the_bias_and_fades_by_its_half_life() -> None:
    biases = made()
    biases.hear([event(10)])
    assert [biases.of("AAA", close(n)) for n in (9, 10, 14, 18)] == [0.0, 0.8, 0.4, 0.2]
    assert biases.of("BBB", close(10)) == 0.0


def test_nothing_is_known_before_it_happened_and_what_is_over_is_dropped() -> None:
    biases = made()
    biases.hear([event(10)])
    assert biases.of("AAA", close(2)) == 0.0
    over = close(10 + int(LIFE) * 4 + 1)
    assert biases.of("AAA", over) == 0.0
    assert list(biases.state()["events"]) == ["AAA"]
    biases.pass_to(over)
    assert biases.state()["events"] == {}
    biases.hear([event(10)])
    assert biases.of("AAA", close(60)) == 0.0


def test_the_same_event_counts_once_however_often_it_is_sent() -> None:
    biases = made()
    for _ in range(3):
        biases.hear([event(1), event(1)])
    assert biases.of("AAA", close(1)) == 0.8


def test_events_add_up_within_bounds() -> None:
    biases = made()
    biases.hear([event(1, -0.9, name="aaaaaaaa"), event(1, -0.9, name="bbbbbbbb")])
    assert biases.of("AAA", close(1)) == -1.0
    biases.hear([event(1, 0.9, name="cccccccc")])
    assert biases.of("AAA", close(1)) == -0.9


def test_of_too_many_events_the_oldest_are_dropped() -> None:
    biases = made()
    biases.hear([event(n) for n in range(MOST_EVENTS + 5)])
    assert [each[0] for each in biases.state()["events"]["AAA"]] == [close(n) for n in range(5, MOST_EVENTS + 5)]


def test_the_slope_of_longer_bars_moves_it_and_only_once_they_have_closed() -> None:
    biases = made(FRAME)
    found = []
    for n, price in enumerate([100, 100, 101, 101, 102, 102, 103, 90, 80, 70, 60]):
        biases.take("AAA", bar(n, float(price)))
        found.append(biases.of("AAA", close(n)))
    # an average of two long bars first stands with the fourth bar, and has a slope from the sixth on
    assert found == [0.0] * 5 + [0.4, 0.4, -0.4, -0.4, -0.4, -0.4]


def test_without_a_setting_there_is_no_bias() -> None:
    biases = made(None)
    biases.hear([event(1)])
    biases.take("AAA", bar(0))
    assert (biases.weight, biases.of("AAA", close(1))) == (0.0, 0.0)


@given(
    events=st.lists(st.tuples(st.integers(0, 40), st.floats(-1, 1), st.floats(0.1, 20)), max_size=20),
    prices=st.lists(st.integers(90, 110), min_size=1, max_size=40),
    order=st.randoms(use_true_random=False),
    cut=st.integers(0, 40),
)
def test_it_lies_within_bounds_whatever_the_order_and_survives_json(
    events: list[tuple[int, float, float]], prices: list[int], order: Any, cut: int
) -> None:
    told = [event(n, bias, half_life=life, name=f"{at:08x}") for at, (n, bias, life) in enumerate(events)]
    shuffled = list(told)
    order.shuffle(shuffled)
    one, other = made(FRAME), made(FRAME)
    one.hear(told)
    other.hear(shuffled)
    for n, price in enumerate(prices):
        if n == cut:
            kept = json.loads(json.dumps(other.state()))
            other = made(FRAME)
            other.restore(kept)
        for biases in (one, other):
            biases.take("AAA", bar(n, float(price)))
        found = one.of("AAA", close(n))
        assert other.of("AAA", close(n)) == found
        assert -1 <= found <= 1
    assert one.state() == other.state()


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"events": {"AAA": [[1]]}, "slopes": {}},
        {"events": {"AAA": [[1, "x", None, 1]]}, "slopes": {}},
        {"events": {}, "slopes": {"AAA": [[], None, 0]}},
        {"events": {}, "slopes": {"AAA": [None, None, 5]}},
    ],
)
def test_a_state_that_does_not_fit_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        made(FRAME).restore(state)


def test_a_slope_has_one_of_three_signs() -> None:
    biases = made(FRAME)
    biases.take("AAA", bar(0))
    state = biases.state()
    state["slopes"]["AAA"][2] = 5
    with pytest.raises(ValueError, match="no sign"):
        made(FRAME).restore(state)
