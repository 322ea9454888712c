"""The fingerprint of closed trades: one number for a run, the same in every runtime."""

from __future__ import annotations

from typing import Any

import pytest

from brain.backtest.engine import run
from brain.backtest.trades import fingerprint
from brain.registry import STRATEGIES
from tests.unit.brain.backtest.support import instrument, plan, walk

SERIES = {"AAA": walk(11, 700), "BBB": walk(12, 700), "CCC": walk(13, 500)}
PARAMS: dict[str, dict[str, Any]] = {
    "pairs": {"first": "AAA", "second": "BBB"},
}
SHORT = 10**12
FROZEN: dict[str, tuple[int, int]] = {
    "bollinger_reversion": (50, 775_323_710_583),
    "donchian_breakout": (36, 301_091_767_494),
    "dual_momentum": (12, 788_594_404_577),
    "frame_pullback": (15, 164_981_809_998),
    "keltner_squeeze": (2, 827_947_756_215),
    "macd_adx": (22, 759_245_041_966),
    "pairs": (1, 675_807_940_976),
    "regression_trend": (16, 833_342_246_292),
    "rsi_reversion": (32, 595_351_547_399),
    "sma_cross": (57, 402_029_973_172),
    "supertrend": (42, 617_731_594_725),
}
"""Trades and the fingerprint's remainder by 10^12, as CPython 3.11 has them natively."""


def found(name: str) -> tuple[int, int]:
    chosen = {"name": name, "params": PARAMS.get(name, {})}
    outcome = run(plan(SERIES, [chosen], paper={"fee_bps": "5", "slippage_bps": "3"}))
    return len(outcome.trades), int(outcome.fingerprint, 16) % SHORT


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"regime_switch"}))
def test_it_is_what_it_was_in_whatever_runtime(name: str) -> None:
    assert found(name) == FROZEN[name]


def test_it_sees_a_tick_a_lot_and_a_moment() -> None:
    outcome = run(plan({"AAA": walk(11, 700)}))
    listed = {"made:AAA": instrument("AAA")}
    first, *rest = outcome.trades
    whole = fingerprint(outcome.trades, listed, "made")
    assert whole == outcome.fingerprint
    for change in ({"exit_price": first.exit_price + 0.01}, {"qty": first.qty + 1}, {"exit_ms": first.exit_ms + 1}):
        assert fingerprint([first._replace(**change), *rest], listed, "made") != whole
    # and not what is less than half a tick
    near = first._replace(exit_price=first.exit_price + 0.004)
    assert fingerprint([near, *rest], listed, "made") == whole
