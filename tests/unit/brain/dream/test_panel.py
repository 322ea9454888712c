"""The panel: what it refuses, what it cannot say, what may not change it, and the verdict."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain import rpc
from brain.dream.bands import BANDS
from brain.dream.dimension import correlation_dimension
from brain.dream.entropy import missing_patterns, patterns, permutation_entropy, sample_entropy
from brain.dream.hurst import dfa, hurst
from brain.dream.lyapunov import lyapunov
from brain.dream.measure import Measure
from brain.dream.panel import MAX_POINTS, MIN_POINTS, Panel, measured, panel
from brain.dream.params import Params
from brain.dream.plain import Plain
from brain.dream.recurrence import recurrence
from brain.dream.returns import log_returns, normal_scores
from brain.dream.verdict import RULES, bands_of, verdict
from shared.errors import Invalid, from_wire
from tests.unit.brain.support import walk
from tools.dream import series

PLAIN = Plain()
NAMES = {
    "autocorrelation",
    "lyapunov",
    "hurst",
    "dfa",
    "correlation_dimension",
    "sample_entropy",
    "permutation_entropy",
    "missing_patterns",
    "recurrence_rate",
    "determinism",
}


def of(make: series.Make, points: int = 256, seed: int = 1) -> Panel:
    return panel(series.prices(make(random.Random(seed), points - 1)), PLAIN)


# what it refuses


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 0, 0.0, -1.5, "7", None, True, [1.0]])
def test_a_price_that_is_none_is_named(bad: Any) -> None:
    prices: list[Any] = walk(1, 100)
    prices[17] = bad
    with pytest.raises(Invalid, match=r"^prices\.17: (.* )?must be a finite number above 0; leave the bar out$"):
        panel(prices, PLAIN)


@pytest.mark.parametrize(("count", "remedy"), [(0, "send more"), (MIN_POINTS - 1, "more"), (MAX_POINTS + 1, "newest")])
def test_too_few_or_too_many_prices_are_refused(count: int, remedy: str) -> None:
    with pytest.raises(Invalid, match=f"prices: {count} must be 32 to 1024 of them; .*{remedy}"):
        panel([1.0] * count, PLAIN)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({"prices": [1.0] * 40}, "params"),
        ({"prices": [1.0] * 40, "params": {}, "x": 1}, "x"),
        ({"prices": "no", "params": {}}, "prices"),
        ({"prices": {"0": 1.0}, "params": {}}, "prices"),
        ({"prices": [1.0] * 40, "params": []}, "params"),
        ({"prices": [1.0] * 40, "params": {"colour": 1}}, "params.colour"),
        ({"prices": [1.0] * 40, "params": {"lag": 0}}, "params.lag"),
        ({"prices": [1.0] * 40, "params": {"lag": 1.5}}, "params.lag"),
        ({"prices": [1.0] * 40, "params": {"pattern_order": 7}}, "params.pattern_order"),
        ({"prices": [1.0] * 40, "params": {"dimension_least": 1.0}}, "params"),
    ],
)
def test_a_bad_request_names_its_field(body: Any, field: str) -> None:
    answer = json.loads(rpc.dream(json.dumps(body), PLAIN))
    assert answer["ok"] is False
    error = from_wire(answer["error"])
    assert isinstance(error, Invalid)
    assert error.context["field"] == field


def test_a_bad_parameter_is_named_with_its_rule() -> None:
    answer = json.loads(rpc.dream(json.dumps({"prices": [1.0] * 40, "params": {"lag": 21}}), PLAIN))
    assert answer["error"]["detail"] == "params.lag: 21 input should be less than or equal to 20"


# what it cannot say


@pytest.mark.parametrize("prices", [[5.0] * 200, [1.001**at for at in range(200)]])
def test_a_price_that_never_changes_its_pace_has_no_measure(prices: list[float]) -> None:
    found = panel(prices, PLAIN)
    assert found.measures.keys() == NAMES
    assert {each.reason for each in found.measures.values()} == {"constant"}
    assert (found.verdict.regime, found.verdict.confidence, found.verdict.reason) == (None, 0.0, "not_measured")


def test_too_short_for_a_measure_is_said_of_that_measure() -> None:
    found = panel(walk(1, MIN_POINTS), PLAIN)
    short = {name for name, each in found.measures.items() if each.reason == "too_short"}
    assert short == {"hurst", "dfa"}
    assert all((each.value is None) == bool(each.reason) for each in found.measures.values())
    assert found.verdict.reason == "no_bands"


@pytest.mark.parametrize("length", [0, 1])
def test_of_nothing_every_measure_is_too_short(length: int) -> None:
    few = [1.0] * length
    found = [
        lyapunov(few, PLAIN, 3, 1, 10, 5),
        hurst(few, PLAIN, [8, 10]),
        dfa(few, PLAIN, [8, 10]),
        sample_entropy(few, PLAIN, 2, 1, 0.2),
        permutation_entropy(patterns(few, 4, 1), 4),
        missing_patterns(patterns(few, 4, 1), 4),
        *recurrence(few, PLAIN, 3, 1, 0.5, 3),
    ]
    assert {each.reason for each in found} == {"too_short"}


def test_without_a_distance_or_a_match_there_is_no_number() -> None:
    assert lyapunov([0.0, 1.0] * 40, PLAIN, 2, 1, 3, 4).reason == "no_neighbours"
    rising = [float(at) for at in range(40)]
    assert sample_entropy(rising, PLAIN, 2, 1, 0.5).reason == "no_matches"
    assert recurrence(rising, PLAIN, 2, 1, 0.5, 2).determinism.reason == "no_neighbours"
    assert correlation_dimension(rising, PLAIN, 2, 1, [0.1, 0.2]).reason == "no_scaling"


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(st.integers(-2, 2) | st.floats(-5, 5), min_size=31, max_size=80),
    start=st.sampled_from([1e-300, 1.0, 1e300]),
)
def test_any_prices_have_an_answer_without_a_nan(steps: list[float], start: float) -> None:
    prices = [start * math.exp(step) for step in (0.0, *steps)]
    answer = json.loads(rpc.dream(json.dumps({"prices": prices, "params": {}}), PLAIN))
    assert answer["ok"], answer
    value = answer["value"]
    assert value["points"] == len(prices)
    for name, each in value["measures"].items():
        assert (each["value"] is None) == bool(each["reason"]), name
        assert each["value"] is None or math.isfinite(each["value"])


@settings(deadline=None, max_examples=20)
@given(
    dims=st.integers(1, 10),
    lag=st.integers(1, 20),
    order=st.integers(3, 6),
    steps=st.integers(2, 50),
    apart=st.integers(0, 100),
)
def test_no_allowed_parameter_breaks_the_shortest_series(
    dims: int, lag: int, order: int, steps: int, apart: int
) -> None:
    params = Params(
        lag=lag,
        lyapunov_dim=max(2, dims),
        lyapunov_apart=apart,
        lyapunov_steps=steps,
        dimension_dim=dims,
        entropy_dim=dims,
        pattern_order=order,
        recurrence_dim=dims,
    )
    found = panel(walk(3, MIN_POINTS), PLAIN, params)
    assert all((each.value is None) == bool(each.reason) for each in found.measures.values())


# what may not change it


def test_the_unit_of_the_price_and_the_size_of_its_moves_change_nothing() -> None:
    moves = series.white(random.Random(4), 200)
    found = panel(series.prices(moves), PLAIN)
    assert panel([1024.0 * price for price in series.prices(moves)], PLAIN).measures == found.measures
    assert panel(series.prices(moves, 0.02), PLAIN).measures == found.measures


def test_one_wild_day_weighs_no_more_than_its_rank() -> None:
    moves = series.white(random.Random(4), 200)
    worst = max(range(200), key=moves.__getitem__)
    wild = [move * (40.0 if at == worst else 1.0) for at, move in enumerate(moves)]
    assert panel(series.prices(wild), PLAIN).measures == panel(series.prices(moves), PLAIN).measures


def test_normal_scores_keep_the_order_and_share_what_is_equal() -> None:
    scores = normal_scores([3.0, -1.0, 3.0, 100.0])
    assert scores[1] < scores[0] == scores[2] < scores[3]
    assert scores[1] == -scores[3]
    assert scores[3] == pytest.approx(1.1503493803760079)  # the quantile at 7/8
    assert normal_scores([7.0] * 5) == [0.0] * 5


def test_log_returns_that_differ_by_rounding_only_are_equal() -> None:
    assert len(set(log_returns([1.1**at for at in range(100)]))) == 1


# the verdict


@pytest.mark.parametrize(
    ("make", "regime"),
    [
        (series.white, "noisy"),
        (series.clustered, "noisy"),
        (series.logistic, "chaotic"),
        (series.henon, "chaotic"),
        (series.with_noise(series.henon, 0.2), "chaotic"),
        (series.fractional(0.9), "trending"),
        (series.autoregressive(0.8), "trending"),
        (series.autoregressive(0.9), "trending"),
        (series.fractional(0.1), "mean_reverting"),
    ],
)
def test_each_kind_is_told(make: series.Make, regime: str) -> None:
    found = of(make, 400).verdict
    assert found.regime == regime
    assert found.confidence > 0.5
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found.confidence == max(found.shares.values()) == found.shares[regime]


def test_what_repeats_itself_is_not_chaotic() -> None:
    """A ring has few dimensions, order and determinism; only that nothing comes apart speaks against chaos."""
    found = panel(series.prices([math.sin(0.7 * at) for at in range(255)]), PLAIN)
    assert found.measures["lyapunov"].value == pytest.approx(0.0, abs=0.05)
    assert found.verdict.shares["chaotic"] == 0.0
    assert {each.strength for each in found.verdict.evidence if each.measure == "correlation_dimension"} == {1.0}


def told(**changed: float) -> tuple[dict[str, float], dict[str, float]]:
    """Strengths and shares where every measure stands in the middle of its band, but for those given."""
    middle = {name: band.middle for name, band in (bands_of(512) or {}).items()}
    values = {name: Measure(value=value) for name, value in (middle | changed).items()}
    found = verdict(values, 512, True)
    return {f"{each.regime} {each.measure}": each.strength for each in found.evidence if each.strength}, found.shares


def test_in_the_middle_of_all_bands_it_is_noise_for_sure() -> None:
    strengths, shares = told()
    assert strengths == {}
    assert shares == {"trending": 0.0, "mean_reverting": 0.0, "noisy": 1.0, "chaotic": 0.0}


def test_a_rule_grows_from_the_edge_of_the_band_to_half_as_far_again() -> None:
    band = (bands_of(512) or {})["hurst"]
    room = band.high - band.middle
    assert told(hurst=band.high)[0] == {}
    assert told(hurst=band.high + 0.25 * room)[0] == {"trending hurst": pytest.approx(0.5)}
    assert told(hurst=band.high + 0.25 * room)[1]["trending"] == pytest.approx(0.35)
    assert told(hurst=band.high + 9 * room)[0] == {"trending hurst": 1.0}
    assert told(hurst=0.0)[0] == {"mean_reverting hurst": 1.0}
    assert told(hurst=0.0)[1]["mean_reverting"] == pytest.approx(0.7)
    assert told(hurst=0.0, dfa=0.0)[1]["mean_reverting"] == pytest.approx(0.91)
    assert told(hurst=0.0, dfa=2.0)[1]["mean_reverting"] == pytest.approx(told(hurst=0.0, dfa=2.0)[1]["trending"])


def test_chaos_needs_few_dimensions_and_what_comes_apart() -> None:
    four = {"sample_entropy": 0.0, "permutation_entropy": 0.0, "determinism": 1.0, "missing_patterns": 9.0}
    assert told(**four)[1]["chaotic"] == 0.0
    assert told(correlation_dimension=1.0)[1]["chaotic"] == 0.0
    assert told(**four, correlation_dimension=1.0)[1]["chaotic"] == pytest.approx(1 - 0.4**3 * 0.7)
    assert told(**four, correlation_dimension=1.0, lyapunov=0.09)[1]["chaotic"] == 0.0
    # noise that is correlated enough has few dimensions too
    part = told(**four, correlation_dimension=1.0, autocorrelation=0.9)[1]["chaotic"]
    assert part == pytest.approx((1 - 0.81) * (1 - 0.4**3 * 0.7))
    # the correlation that chaos brings with it takes nothing away from it
    assert told(**four, correlation_dimension=1.0, hurst=0.0)[1]["chaotic"] == pytest.approx(1 - 0.4**3 * 0.7)


def test_a_pattern_that_noise_never_misses_counts_whole() -> None:
    assert BANDS[512]["missing_patterns"] == (0.0, 0.0, 0.0)
    assert told(missing_patterns=1.0)[0] == {"chaotic missing_patterns": 1.0}


def test_other_parameters_and_other_lengths_have_no_bands() -> None:
    prices = walk(2, 140)
    assert panel(prices, PLAIN, Params()).verdict.regime is not None
    assert panel(prices, PLAIN, Params(lag=2)).verdict.reason == "no_bands"
    assert panel(prices[:127], PLAIN).verdict.reason == "no_bands"
    assert bands_of(127) is None
    assert bands_of(1025) is None


def test_bands_lie_between_their_neighbours_by_the_logarithm_of_the_length() -> None:
    between = bands_of(round(math.sqrt(128 * 256)))
    assert between is not None
    for name, band in between.items():
        for got, short, long in zip(band, BANDS[128][name], BANDS[256][name], strict=True):
            assert got == pytest.approx((short + long) / 2, abs=0.01 * (1 + abs(short)))
    for points in BANDS:
        assert {name: tuple(band) for name, band in (bands_of(points) or {}).items()} == BANDS[points]


def test_the_bands_are_of_every_measure_that_a_rule_asks_for() -> None:
    for bands in BANDS.values():
        assert bands.keys() == NAMES
        assert all(low <= middle <= high or not low < high for low, middle, high in bands.values())
    assert {rule.measure for rule in RULES} <= NAMES


def test_the_bands_hold_what_shuffles_give() -> None:
    """Of 60 fresh shuffles by far the most lie inside, and their mean near the middle."""
    chance, scores = random.Random(99), normal_scores(range(127))
    draws = []
    for _ in range(60):
        chance.shuffle(scores)
        draws.append(measured(scores, PLAIN, Params()))
    for name, (low, middle, high) in BANDS[128].items():
        values = [each[name].value for each in draws]
        known = [each for each in values if each is not None]
        assert sum(low <= each <= high for each in known) >= 55, name
        assert sum(known) / len(known) == pytest.approx(middle, abs=0.25 * (high - low) + 1e-9), name
