"""The numbers that each strategy gives for what it says: by name, since policies and people read them."""

from __future__ import annotations

import pytest

from brain.strategies import regime_switch
from shared.model import Action
from tests.unit.brain.strategies.scenes import closes_of, quick_panel, three
from tests.unit.brain.strategies.test_every import NAMES, Run

ENTER: dict[str, tuple[str, ...]] = {
    "bollinger_reversion": ("close", "percent_b", "percent_b_before", "lower", "atr"),
    "donchian_breakout": ("close", "top", "atr"),
    "dual_momentum": ("rise_pct", "place", "atr"),
    "frame_pullback": ("long_close", "long_mean", "rsi", "rsi_before", "atr"),
    "keltner_squeeze": ("close", "top", "squeezed_bars", "width", "atr"),
    "macd_adx": ("macd", "signal", "adx", "atr"),
    "pairs": ("z", "z_before", "hedge", "pull_t", "half_life", "atr"),
    "regime_switch": ("z", "z_before", "confidence", "atr"),
    "regression_trend": ("slope", "r2", "atr"),
    "rsi_reversion": ("rsi", "rsi_before", "atr"),
    "sma_cross": ("fast", "slow", "atr"),
    "supertrend": ("close", "line", "broken"),
}
EXIT: dict[str, set[tuple[str, ...]]] = {
    "bollinger_reversion": {("close", "percent_b", "percent_b_before", "middle")},
    "donchian_breakout": {("close", "bottom", "atr")},
    "dual_momentum": {("rise_pct", "place")},
    "keltner_squeeze": {("close", "middle", "atr")},
    "pairs": {("z", "z_before", "hedge", "pull_t")},
    "regime_switch": {("confidence",), ("z", "z_before", "confidence")},
    "regression_trend": {("slope", "r2")},
}
"""Where they are not those of the entry."""


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regime_switch, "panel", quick_panel)
    found: dict[Action, set[tuple[str, ...]]] = {Action.ENTER: set(), Action.EXIT: set()}
    for seed in range(4):
        for _, _, idea in Run(name).all(closes_of(three(seed))):
            found[idea.action].add(tuple(idea.evidence))
    assert found[Action.ENTER] == {ENTER[name]}
    assert found[Action.EXIT] == EXIT.get(name, {ENTER[name]})
