"""Each score is what the strategy's docstring says, of the evidence that it gives with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from brain.registry import STRATEGIES
from brain.strategies import regime_switch
from tests.unit.brain.strategies.scenes import (
    QUICK,
    choice,
    follow,
    follow_all,
    made,
    market,
    quick,
    quick_panel,
    three,
)

Numbers = dict[str, float]
Formula = Callable[[Numbers, Any], float]

SCORES: dict[str, Formula] = {
    "close_above_channel": lambda seen, _: (seen["close"] - seen["top"]) / seen["atr"],
    "close_below_channel": lambda seen, _: (seen["bottom"] - seen["close"]) / seen["atr"],
    "supertrend_turned_up": lambda seen, _: (seen["close"] - seen["broken"]) / (seen["close"] - seen["line"]),
    "supertrend_turned_down": lambda seen, _: (seen["close"] - seen["broken"]) / (seen["close"] - seen["line"]),
    "macd_above_signal_in_trend": lambda seen, _: seen["adx"] / 100.0,
    "macd_below_signal": lambda seen, _: (seen["signal"] - seen["macd"]) / seen["atr"],
    "close_back_in_bands": lambda seen, _: -2.0 * seen["percent_b_before"],
    "close_above_middle_band": lambda seen, _: (seen["percent_b"] - 0.5) / 0.5,
    "squeeze_ended_upwards": lambda seen, _: (seen["close"] - seen["top"]) / seen["atr"],
    "close_below_middle_band": lambda seen, _: (seen["middle"] - seen["close"]) / seen["atr"],
    "line_rises_and_fits": lambda seen, _: seen["r2"],
    "line_no_longer_rises_or_fits": lambda seen, _: 1.0 - seen["r2"] if seen["slope"] > 0.0 else 1.0,
    "pullback_ended_in_trend": lambda seen, params: (params.oversold - seen["rsi_before"]) / params.oversold,
    "long_close_below_mean": lambda seen, _: (seen["long_mean"] - seen["long_close"]) / seen["atr"],
    "rsi_left_oversold": lambda seen, params: (params.oversold - seen["rsi_before"]) / params.oversold,
    "rsi_above_exit_level": lambda seen, params: (seen["rsi"] - params.exit_level) / (100.0 - params.exit_level),
    "sma_crossed_above": lambda seen, _: (seen["fast"] - seen["slow"]) / seen["atr"],
    "sma_crossed_below": lambda seen, _: (seen["slow"] - seen["fast"]) / seen["atr"],
    "pair_came_apart": lambda seen, params: (-seen["z"] - params.entry_z) / (params.broken_z - params.entry_z),
    "pair_came_together": lambda seen, params: (seen["z"] + params.entry_z) / params.entry_z,
    "pair_is_broken": lambda _, __: 1.0,
    "close_above_mean_in_trend": lambda seen, _: seen["confidence"],
    "close_came_back_in_reversion": lambda seen, _: seen["confidence"],
    "close_below_mean_in_trend": lambda seen, _: -seen["z"],
    "close_above_mean_in_reversion": lambda seen, _: seen["z"],
    "regime_was_lost": lambda _, __: 1.0,
}
"""By the reason; cut to 0..1 afterwards. Those of dual_momentum, which depend on other symbols, stand in its own tests."""


@pytest.mark.parametrize("name", sorted(set(QUICK) - {"dual_momentum"}))
def test_the_score_is_what_its_docstring_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regime_switch, "panel", quick_panel)
    params = made(name).params
    ideas = (
        [idea for seed in range(4) for _, _, idea in follow_all(name, three(seed))]
        if name == "pairs"
        else [idea for _, idea in follow(made(name), market(6, 2000, step=0.03))]
    )
    for idea in ideas:
        score = SCORES[idea.reason](idea.evidence, params)
        assert idea.score == pytest.approx(min(1.0, max(0.0, score)), abs=1e-9)
    assert any(0.0 < idea.score < 1.0 for idea in ideas)


def test_every_strategy_has_quick_parameters() -> None:
    for name in STRATEGIES:
        quick(name)
    assert set(QUICK) == set(STRATEGIES)


@pytest.mark.parametrize("make", [made, choice])
def test_a_strategy_without_quick_parameters_is_told_where_to_get_them(
    monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.delitem(QUICK, "sma_cross")
    with pytest.raises(
        AssertionError, match=r"^sma_cross has no line in QUICK: in tests/unit/brain/strategies/scenes.py"
    ):
        make("sma_cross")
