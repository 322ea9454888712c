"""regime_switch: which rule may buy under which verdict, and when a verdict is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pytest

from brain.dream import current as kernels
from brain.dream.panel import panel
from brain.dream.plain import Plain
from brain.strategies import regime_switch
from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import actions, at_of, follow, made, market
from tests.unit.brain.support import walk

Verdict = Callable[[Sequence[float]], tuple[str | None, float]]
REST = [100.0, 101.0] * 70
PHASE = crc32(b"A") % 4
"""Of the symbol that the tests look at."""


def say(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> list[list[float]]:
    """The panel answers so from now on; what it was asked."""
    asked: list[list[float]] = []

    def instead(prices: Sequence[float], _kernel: Any) -> Any:
        asked.append(list(prices))
        regime, confidence = verdict(prices)
        return SimpleNamespace(verdict=SimpleNamespace(regime=regime, confidence=confidence))

    monkeypatch.setattr(regime_switch, "panel", instead)
    return asked


def test_in_a_trend_it_buys_above_the_mean_and_leaves_below(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, lambda _: ("trending", 0.8))
    said = follow(made("regime_switch"), [*REST, 99.0, 98.0, 97.0, 103.0, 104.0, 105.0, 96.0])[-2:]
    (_, entry), (_, exit_) = said
    assert (entry.action, entry.side, entry.reason) == (Action.ENTER, Side.BUY, "close_above_mean_in_trend")
    assert entry.score == entry.evidence["confidence"] == 0.8
    assert entry.stop_distance == 2.0 * entry.evidence["atr"]
    assert (exit_.action, exit_.side, exit_.reason) == (Action.EXIT, Side.SELL, "close_below_mean_in_trend")


def test_in_a_reverting_market_it_buys_the_way_back_and_leaves_above_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, lambda _: ("mean_reverting", 0.8))
    said = follow(made("regime_switch", entry_z=1.0), [*REST, 100.0, 100.0, 100.0, 100.0, 95.0, 96.5, 99.9])[-2:]
    assert [idea.reason for _, idea in said] == ["close_came_back_in_reversion", "close_above_mean_in_reversion"]
    assert [idea.action for _, idea in said] == [Action.ENTER, Action.EXIT]


@pytest.mark.parametrize(
    ("regime", "confidence"),
    [("noisy", 1.0), ("chaotic", 1.0), (None, 0.0), ("trending", 0.29), ("mean_reverting", 0.29)],
)
def test_any_other_market_is_left_alone(monkeypatch: pytest.MonkeyPatch, regime: str | None, confidence: float) -> None:
    asked = say(monkeypatch, lambda _: (regime, confidence))
    assert actions(made("regime_switch"), walk(4, 300)) == []
    assert len(asked) > 40


def test_a_regime_that_is_lost_is_an_exit_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = say(monkeypatch, lambda _: ("trending" if len(asked) == 1 else "noisy", 0.9))
    said = follow(made("regime_switch"), [100.0] * 160)
    [(at, idea)] = said
    assert (idea.action, idea.reason, idea.score) == (Action.EXIT, "regime_was_lost", 1.0)
    assert (at + 1 + PHASE) % 4 == 0
    assert at == naive.changes([True] * at + [False], False)[0]


def test_the_panel_sees_the_newest_closes_once_a_span_and_never_before_there_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = say(monkeypatch, lambda _: ("noisy", 1.0))
    closes = walk(6, 200)
    follow(made("regime_switch"), closes)
    due = [at for at in range(127, 200) if (at + 1 + PHASE) % 4 == 0]
    assert asked == [closes[at - 127 : at + 1] for at in due]


def test_the_panel_is_taken_with_the_kernel_that_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up, seen = Plain(), []
    assert isinstance(kernels.current(), Plain)
    monkeypatch.setattr(kernels, "_kept", [Plain])
    kernels.use(lambda: made_up)

    def instead(_prices: Sequence[float], kernel: Any) -> Any:
        seen.append(kernel)
        return panel(walk(1, 128), made_up)

    monkeypatch.setattr(regime_switch, "panel", instead)
    follow(made("regime_switch", every=50), walk(6, 180))
    assert seen
    assert all(kernel is made_up for kernel in seen)


def test_with_the_real_panel_a_persistent_series_is_traded_as_a_trend() -> None:
    closes, growth = [100.0], 0.0
    for noise in walk(2, 170, start=0.0 + 1000.0):
        growth = 0.97 * growth + 0.03 * (noise - 1000.0) / 4000.0
        closes.append(round(closes[-1] * (1.0 + growth), 4))
    verdict = panel(closes[-128:], Plain()).verdict
    strategy = made("regime_switch", every=40)
    said = follow(strategy, closes)
    assert verdict.regime == "trending"
    assert {idea.reason for _, idea in said} <= {
        "close_above_mean_in_trend",
        "close_below_mean_in_trend",
        "regime_was_lost",
    }


def test_ideas_are_those_of_the_definition_bar_by_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(prices: Sequence[float]) -> tuple[str | None, float]:
        return [("trending", 0.9), ("mean_reverting", 0.7), ("noisy", 0.9)][int(prices[-1] * 100) % 3]

    say(monkeypatch, rule)
    rows = market(2, 900)
    closes = [bar.close for bar in rows]
    regime, wanted = "", []
    places = [
        None if mean is None or spread is None else (close - mean) / spread
        for close, mean, spread in zip(closes, naive.sma(closes, 4), naive.stdev(closes, 4), strict=True)
    ]
    for at in range(127, 900):
        was, before, now = regime, places[at - 1], places[at]
        assert before is not None
        assert now is not None
        if (at + 1 + PHASE) % 4 == 0:
            found, _ = rule(closes[: at + 1])
            regime = "" if found in (None, "noisy") else str(found)
        if was and not regime:
            wanted.append((at, Action.EXIT))
        elif regime == "trending" and (before <= 0.0 < now or before >= 0.0 > now):
            wanted.append((at, Action.ENTER if now > 0.0 else Action.EXIT))
        elif regime == "mean_reverting" and before <= 0.0 < now:
            wanted.append((at, Action.EXIT))
        elif regime == "mean_reverting" and before <= -0.5 < now:
            wanted.append((at, Action.ENTER))
    said = follow(made("regime_switch"), rows)
    assert [(at, idea.action) for at, idea in said] == wanted
    assert len(at_of(said, Action.ENTER)) >= 40


def test_the_least_confidence_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, lambda _: ("trending", 0.3))
    assert actions(made("regime_switch", confidence=0.3), walk(4, 300))
    assert actions(made("regime_switch", confidence=0.31), walk(4, 300)) == []
