"""What holds for every indicator there is."""

from __future__ import annotations

import copy
import inspect
import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.indicators import INDICATORS, Atr, Bollinger, Indicator, Sma, batch
from brain.indicators.numbers import pack, unpack
from tests.unit.brain.indicators.market import (
    CALM,
    CASES,
    ROUGH,
    SETTINGS,
    Columns,
    label,
    make,
    market,
    markets,
    run,
    walk,
)

EVERY = pytest.mark.parametrize(("name", "chosen"), CASES, ids=label)
LONG = market(walk(1, 140))


def rows_of(indicator: Indicator, columns: Columns) -> list[tuple[float, ...]]:
    return list(zip(*(columns[name] for name in indicator.inputs), strict=True))


def lines_of(indicator: Indicator) -> list[float]:
    return [getattr(indicator, line) for line in indicator.lines]


def same(one: list[float], other: list[float]) -> bool:
    return all(a == b or (a != a and b != b) for a, b in zip(one, other, strict=True))


def through_json(state: str) -> Any:
    return json.loads(json.dumps(state, allow_nan=False))


def test_the_tests_know_every_indicator() -> None:
    assert list(SETTINGS) == list(INDICATORS)


@pytest.mark.parametrize("name", INDICATORS)
def test_declares_what_it_is(name: str) -> None:
    made = make(name)
    assert made.lines[0] == "value"
    assert set(made.inputs) <= {"open", "high", "low", "close", "volume", "open_time_ms"}
    assert len(inspect.signature(made.update).parameters) == len(made.inputs)
    assert tuple(inspect.signature(INDICATORS[name]).parameters) == made.params
    assert "Source: " in (INDICATORS[name].__doc__ or "")
    assert not hasattr(made, "__dict__"), "every class of its line needs __slots__"


@EVERY
def test_every_line_is_nan_until_the_declared_warmup_and_a_number_from_then_on(name: str, chosen: tuple[Any]) -> None:
    warmup = make(name, chosen).warmup
    assert 1 <= warmup < 140
    for line, values in run(name, chosen, LONG).items():
        assert [math.isnan(value) for value in values] == [at + 1 < warmup for at in range(140)], line


@EVERY
def test_is_finite_on_every_market(name: str, chosen: tuple[Any]) -> None:
    warmup = make(name, chosen).warmup
    for kind, columns in (CALM | ROUGH).items():
        for line, values in run(name, chosen, columns).items():
            assert all(map(math.isfinite, values[warmup - 1 :])), (kind, line)


@pytest.mark.parametrize("name", INDICATORS)
def test_update_answers_with_the_value(name: str) -> None:
    made = make(name, SETTINGS[name][0])
    assert all(same([made.update(*row)], [made.value]) for row in rows_of(made, LONG))


@EVERY
def test_batch_gives_what_the_updates_give(name: str, chosen: tuple[Any]) -> None:
    made = make(name, chosen)
    streamed = []
    for row in rows_of(made, LONG):
        made.update(*row)
        streamed.append(lines_of(made))
    found = run(name, chosen, LONG)
    assert tuple(found) == made.lines
    assert all(same([found[line][at] for line in made.lines], streamed[at]) for at in range(140))


@EVERY
def test_restored_at_any_bar_it_goes_on_to_the_last_bit(name: str, chosen: tuple[Any]) -> None:
    whole, twin = make(name, chosen), make(name, chosen)
    for row in rows_of(whole, market(walk(2, 90), idle=0.3)):
        fresh = make(name, chosen)
        fresh.restore(through_json(twin.state()))
        assert same(lines_of(fresh), lines_of(twin))
        assert fresh.state() == twin.state()
        twin = fresh
        whole.update(*row)
        twin.update(*row)
        assert same(lines_of(whole), lines_of(twin))
        assert whole.state() == twin.state()


@settings(deadline=None, max_examples=120)
@given(columns=markets(), at=st.integers(0, 70), case=st.sampled_from(CASES))
def test_a_state_taken_through_json_at_any_bar_of_any_market_goes_on_exactly(
    columns: Columns, at: int, case: tuple[str, tuple[Any]]
) -> None:
    first, second = make(*case), make(*case)
    rows = rows_of(first, columns)
    for row in rows[:at]:
        first.update(*row)
    second.restore(through_json(first.state()))
    for row in rows[at:]:
        assert same([second.update(*row)], [first.update(*row)])
    assert second.state() == first.state()


@EVERY
def test_a_state_replaces_what_was_there_before(name: str, chosen: tuple[Any]) -> None:
    used, fresh = make(name, chosen), make(name, chosen)
    state = through_json(fresh.state())
    for row in rows_of(used, LONG):
        used.update(*row)
    used.restore(state)
    assert used.state() == fresh.state()
    for row in rows_of(used, LONG):
        assert same([used.update(*row)], [fresh.update(*row)])


@EVERY
def test_ints_among_the_inputs_change_nothing_of_a_state(name: str, chosen: tuple[Any]) -> None:
    floats, ints = make(name, chosen), make(name, chosen)
    for row in rows_of(floats, {column: [float(round(value)) for value in values] for column, values in LONG.items()}):
        floats.update(*row)
        ints.update(*map(int, row))
        assert ints.state() == floats.state()


@EVERY
@pytest.mark.parametrize("bars", [0, 3, 120])
def test_a_state_that_does_not_fit_is_refused(name: str, chosen: tuple[Any], bars: int) -> None:
    made = make(name, chosen)
    for row in rows_of(made, LONG)[:bars]:
        made.update(*row)
    state = made.state()
    numbers = unpack(state)
    wrong: list[Any] = [None, {}, [], 1, [state], "", "state", state[:-4], state + state, state[:-1] + "\N{BULLET}"]
    wrong += [pack(numbers[:-1]), pack([*numbers, 0.0])]
    for at in range(len(numbers)):
        wrong += [pack([*numbers[:at], value, *numbers[at + 1 :]]) for value in (math.inf, -math.inf)]
    for each in wrong:
        with pytest.raises((ValueError, TypeError, LookupError)):
            make(name, chosen).restore(each)


@pytest.mark.parametrize("name", INDICATORS)
def test_a_state_of_another_indicator_or_setting_is_refused(name: str) -> None:
    for other, chosen in CASES:
        if other == name:
            continue
        taker, giver = make(name, SETTINGS[name][-1]), make(other, chosen)
        for row in rows_of(giver, LONG):
            giver.update(*row)
        with pytest.raises(ValueError, match="does not fit"):
            taker.restore(through_json(giver.state()))
    for one, two in pairwise(SETTINGS[name]):
        with pytest.raises(ValueError, match="does not fit"):
            make(name, one).restore(through_json(make(name, two).state()))


def changed(indicator: Indicator, before: float, after: list[float]) -> str:
    """Its state with other numbers in place of the last `before`."""
    numbers = unpack(indicator.state())
    at = len(numbers) - 1 - numbers[::-1].index(before)
    return pack([*numbers[:at], *after, *numbers[at + 1 :]])


def test_lines_that_are_not_warm_together_are_refused() -> None:
    bands = Bollinger(2)
    for close in (1.0, 2.0, 3.0):
        bands.update(close)
    with pytest.raises(ValueError, match="warm up together"):
        Bollinger(2).restore(changed(bands, bands.upper, [math.nan]))


@pytest.mark.parametrize("count", [4.0, -1.0, 0.5, math.nan])
def test_a_count_that_cannot_be_is_refused(count: float) -> None:
    with pytest.raises(ValueError, match=r"_ranges .* does not fit: a whole number from 0 to 3"):
        Atr(2).restore(changed(Atr(2), 0.0, [count]))


def test_a_window_longer_than_the_period_is_refused() -> None:
    with pytest.raises(ValueError, match=r"_window 3.0 does not fit: a whole number from 0 to 2"):
        Sma(2).restore(changed(Sma(2), 0.0, [3.0, 1.0, 2.0, 3.0]))


def test_a_window_that_holds_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"_window must be finite"):
        Sma(2).restore(changed(Sma(2), 0.0, [1.0, math.nan]))


@pytest.mark.parametrize("name", [name for name in INDICATORS if make(name).params])
def test_a_setting_that_cannot_be_is_refused(name: str) -> None:
    made = make(name)
    for at, param in enumerate(made.params):
        defaults = [getattr(made, each) for each in made.params]
        for wrong in (-1, -1.5, math.nan, math.inf, True if isinstance(defaults[at], int) else 0.0):
            with pytest.raises(ValueError, match=param):
                INDICATORS[name](*defaults[:at], wrong, *defaults[at + 1 :])


@pytest.mark.parametrize(
    ("name", "chosen", "words"),
    [
        ("Sma", (0,), "period 0 must be 1 or more"),
        ("Hma", (1,), "period 1 must be 2 or more"),
        ("Macd", (26, 12, 9), "slow 12 must be 27 or more"),
        ("Kama", (10, 30, 2), "slow 2 must be 30 or more"),
        ("ParabolicSar", (0.3, 0.2), "acceleration 0.3 must not be above maximum 0.2"),
        ("Ichimoku", (9, 26, 20, 26), "slow 20 must be 26 or more"),
        ("Keltner", (20, 0, 2.0), "atr_period 0 must be 1 or more"),
    ],
)
def test_settings_out_of_bounds_are_named(name: str, chosen: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(name, chosen)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"high": [1.0], "low": [1.0]}, "needs the columns high, low, close: no close"),
        ({"high": [1.0], "low": [1.0, 2.0], "close": [1.0]}, "high 1, low 2, close 1"),
        ({"high": [1.0, math.nan], "low": [1.0, 1.0], "close": [1.0, 1.0]}, r"high\[1\] must be finite"),
        ({"high": [1.0], "low": [1.0], "close": [math.inf]}, r"close\[0\] must be finite"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: Columns, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        batch(Atr(3), columns)


def test_batch_leaves_other_columns_alone_and_takes_empty_ones() -> None:
    assert batch(Sma(2), {"close": [1.0, 2.0], "volume": [1.0]})["value"][1] == 1.5
    assert batch(Sma(2), {"close": []}) == {"value": []}


def bit_equal(indicator: Indicator, columns: Columns) -> bool:
    """Whether moving along gives at every place, in any order, what the updates gave there."""
    step = copy.deepcopy(indicator)
    wanted = []
    for row in rows_of(step, columns):
        step.update(*row)
        wanted.append(lines_of(step))
    move = indicator.along(*(columns[name] for name in indicator.inputs))
    found: dict[int, list[float]] = {}
    for place in [*range(1, len(wanted), 2), *range(0, len(wanted), 2)]:
        move(place)
        found[place] = lines_of(indicator)
    return all(same(found[place], line) for place, line in enumerate(wanted))


@EVERY
@pytest.mark.parametrize("case", [*CALM, *ROUGH])
def test_along_a_series_it_has_the_numbers_of_its_updates(name: str, chosen: tuple[Any, ...], case: str) -> None:
    assert bit_equal(make(name, chosen), {**CALM, **ROUGH}[case])


@settings(deadline=None)
@given(columns=markets(least=1), period=st.integers(1, 12), kind=st.sampled_from([Sma, Atr]))
def test_the_quick_ways_along_are_exact(columns: Columns, period: int, kind: Any) -> None:
    assert bit_equal(kind(period), columns)
