"""Stage 5: fixed fraction, volatility target, capped Kelly."""

from __future__ import annotations

import json
from decimal import Decimal
from math import log, sqrt
from statistics import stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.learning import HALF_LIFE
from brain.decisions.moments import Moments
from brain.decisions.sizing import kelly, target
from shared.model import Outcome, exact
from shared.model.decision import KellySize, VolatilitySize
from shared.model.proposal import Size
from tests.unit.brain.decisions.support import Session, bar, close, configured, said

VOLATILITY: dict[str, Any] = {"kind": "volatility", "target": 0.2, "window": 4, "bars_per_year": 8766, "most": "1.5"}
KELLY: dict[str, Any] = {"kind": "kelly", "fraction": 0.5, "cap_bps": "80", "before_bps": "20", "after": 4}
FACTOR = st.decimals("0.000000000000000001", "1", places=18)


def sized(session: Session, n: int, *signals: Any) -> Size | str:
    [found] = [each for each in session.at(n, *(signals or (said(n),))) if each.signal.action == "enter"]
    return found.code or (found.proposal and found.proposal.size) or "the desk's own"


def test_without_a_setting_the_size_is_the_desks_own() -> None:
    assert sized(Session("one", policy=[]), 0) == "the desk's own"


def test_a_fixed_fraction() -> None:
    assert sized(Session("one", sizing={"kind": "fixed", "risk_bps": "35.5"}), 0) == Size(risk_bps=Decimal("35.5"))


def test_an_exit_has_no_size() -> None:
    [found] = Session("one", sizing={"kind": "fixed", "risk_bps": "35"}).at(0, said(0, action="exit"))
    assert found.proposal is not None
    assert found.proposal.size is None


def test_a_volatility_target_is_target_over_what_was_realised() -> None:
    prices = [100.0, 101.0, 99.0, 100.0, 102.0]
    session = Session("one", sizing=VOLATILITY, cut=True)
    for n, price in enumerate(prices[:-1]):
        assert sized(session, n) == "volatility_unknown", session.at(n, price=price)
        session.at(n, price=price)
    session.decider = Session("one", sizing=VOLATILITY).decider
    for n, price in enumerate(prices):
        session.at(n, price=price)
    found = session.at(5, said(5), price=102.0)[0].proposal
    assert found is not None
    assert found.size is not None
    returns = [log(b / a) for a, b in zip([*prices[1:]], [*prices[2:], 102.0], strict=True)]
    assert float(found.size.exposure or 0) == pytest.approx(0.2 / (stdev(returns) * sqrt(8766)), rel=1e-9)


def test_a_price_that_does_not_move_gets_the_most() -> None:
    config = VolatilitySize(**{**VOLATILITY, "most": Decimal("1.5")})
    assert target(config, 0.0, Decimal(1)).size == Size(exposure=Decimal("1.5"))
    assert target(config, None, Decimal(1)).code == "volatility_unknown"


def test_kelly_is_the_mean_over_the_second_moment_of_what_was_earned() -> None:
    config = configured(sizing={**KELLY, "cap_bps": "5000"}).sizing
    assert isinstance(config, KellySize)
    earned = Moments(1e18)
    for r in (1.0, -0.5, 1.0, -0.5):
        earned.add(r)
    found = kelly(config, earned, Decimal(1))
    # mean 0.25, mean of squares 0.625, half of 0.4
    assert found.size is not None
    assert float(found.size.risk_bps or 0) == pytest.approx(2000)
    assert found.numbers["kelly"] == pytest.approx(0.2)


def test_kelly_waits_for_outcomes_is_capped_and_stops_where_nothing_is_earned() -> None:
    session = Session("one", sizing=KELLY)
    assert sized(session, 0) == Size(risk_bps=Decimal(20))
    session.decider.learn([win(1.0, n) for n in range(4)])
    assert sized(session, 1) == Size(risk_bps=Decimal(80))
    session.decider.learn([win(-1.0, n) for n in range(10, 20)])
    assert sized(session, 2) == "no_edge"
    floored = Session("one", sizing={**KELLY, "floor_bps": "5"})
    floored.decider.learn([win(-1.0, n) for n in range(4)])
    assert sized(floored, 0) == Size(risk_bps=Decimal(5))


def win(r: float, n: int, strategy: str = "one") -> Outcome:
    return Outcome(strategy=strategy, symbol="AAA", r=r, closed_ms=close(n))


def test_what_another_strategy_earned_says_nothing() -> None:
    session = Session("one", "two", sizing=KELLY)
    session.decider.learn([win(-1.0, n, "two") for n in range(9)])
    assert sized(session, 0) == Size(risk_bps=Decimal(20))


@given(
    earned=st.lists(st.floats(-100, 100), max_size=40),
    fraction=st.floats(0.01, 1),
    cap=st.integers(20, 10_000),
    factor=FACTOR,
)
def test_kelly_is_never_above_its_cap(earned: list[float], fraction: float, cap: int, factor: Decimal) -> None:
    config = KellySize(kind="kelly", fraction=fraction, cap_bps=Decimal(cap), before_bps=Decimal(20), after=2)
    known = Moments(HALF_LIFE)
    for r in earned:
        known.add(r)
    found = kelly(config, known, factor)
    assert (found.size is None) == (found.code != "")
    if found.size is not None and found.size.risk_bps is not None:
        assert 0 < found.size.risk_bps <= Decimal(cap) * factor
        on_the_wire(found.size)


@given(volatility=st.floats(0, 1e300), most=st.decimals("0.01", "100", places=10), factor=FACTOR)
def test_exposure_is_never_above_the_most(volatility: float, most: Decimal, factor: Decimal) -> None:
    config = VolatilitySize(kind="volatility", target=0.2, bars_per_year=365.0, most=most)
    found = target(config, volatility, factor)
    assert (found.size is None) == (found.code == "size_zero")
    if found.size is not None and found.size.exposure is not None:
        assert 0 < found.size.exposure <= most * factor
        on_the_wire(found.size)


def on_the_wire(size: Size) -> None:
    assert Size.parse(json.dumps(size.wire())) == size
    assert all(value is None or exact.parse(exact.text(value)) == value for value in dict(size).values())


def test_the_volatility_survives_json_and_other_settings_begin_anew() -> None:
    session = Session("one", sizing=VOLATILITY)
    for n, price in enumerate([100.0, 101.0, 99.0, 100.0, 102.0]):
        session.at(n, price=price)
    state = json.loads(json.dumps(session.decider.state()))
    for window, known in ((4, True), (5, False)):
        other = Session("one", sizing={**VOLATILITY, "window": window})
        other.decider.restore(state)
        code = other.decider.decide(close(5), [said(5)], {"AAA": bar(5)})[0].code
        assert (code == "") is known
