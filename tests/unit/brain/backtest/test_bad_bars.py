"""Markets and strategies that are out of order: refused by the bar, never a wrong number, never the end of the others."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from brain.backtest.engine import run
from brain.registry import STRATEGIES, discover
from shared.errors import Invalid
from tests.unit.brain.backtest.support import CROSS, HOUR, both, instrument, plan, reported, walk
from tests.unit.brain.backtest.test_engine import BUY, SELL, flat, scripted, told
from tests.unit.brain.backtest.test_request import body, columns

ENDLESS = '''
from brain.bar import Idea
from brain.strategy import Strategy
from shared.model import Model

class NoParams(Model):
    pass

class Endless(Strategy[NoParams]):
    """Never ends on the tenth bar."""
    name = "endless"
    version = 1
    params_model = NoParams
    remembers = ("bars",)

    def setup(self):
        self.bars = 0

    def on_candle(self, view):
        self.bars += 1
        while self.bars == 10:
            view.close_ms
        return None
'''


@pytest.mark.parametrize("prices", [[100] * 5 + [4000] * 5, [4000] * 5 + [100] * 5], ids=["up", "down"])
def test_an_entry_on_a_forty_fold_jump_is_refused_by_its_bar_and_the_next_is_not(prices: list[int]) -> None:
    found = told({5: BUY}, {"AAA": flat(prices)})
    split, refused = found.refused
    assert (refused.by, refused.symbol, refused.code) == ("desk", "AAA", "price_jump")
    assert (split.by, split.symbol, split.code) == ("market", "AAA", "price_jump")
    assert refused.bar_close_ms == split.bar_close_ms == 6 * HOUR.ms
    assert "from the close before it" in refused.detail
    assert set(found.equity) == {100_000.0}
    later = told({6: BUY}, {"AAA": flat(prices)})
    assert [each.by for each in later.refused] == ["market"]
    assert list(later.open_symbols) == ["AAA"]


def test_what_happened_slowly_while_nobody_looked_is_no_jump() -> None:
    """The desk does not see quiet bars, but it compares with the close before and not with the last that it saw."""
    prices = [100.0, 100.0, 100.0, 100.0, *[100.0 + at for at in range(120)], 219.0, 219.0]
    made = plan(
        {"AAA": flat(prices)},
        [{"name": "scripted", "params": {}}],
        known=scripted({0: BUY, 2: SELL, 120: BUY}),
    )
    quick, whole = both(made)
    assert quick == whole
    assert not quick.refused
    assert list(quick.open_symbols) == ["AAA"]


def test_a_gap_leaves_out_nothing_but_time() -> None:
    """The same bars with a month between two of them: the same trades, later."""
    bars = flat([100, 100, 100, 102, 103, 103])
    far = [
        bar._replace(open_time_ms=bar.open_time_ms + (720 * HOUR.ms if at > 2 else 0)) for at, bar in enumerate(bars)
    ]
    ideas = {0: BUY, 3: SELL}
    [near_trade], [far_trade] = (told(ideas, {"AAA": each}).trades for each in (bars, far))
    assert far_trade.exit_ms == near_trade.exit_ms + 720 * HOUR.ms
    assert far_trade._replace(exit_ms=0) == near_trade._replace(exit_ms=0)
    assert not told(ideas, {"AAA": far}).refused


def test_one_that_takes_too_many_steps_is_named_with_its_bar_and_never_stops_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    package = ModuleType("endless_in_a_backtest")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.delitem(sys.modules, f"{package.__name__}.endless", raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    known = {**STRATEGIES, **discover(package).strategies}
    series = {"AAA": walk(1, 300), "BBB": walk(2, 300)[:5]}
    found = run(plan(series, [{"name": "endless", "params": {}}, CROSS], known=known))
    alone = run(plan(series, [CROSS]))
    assert alone.trades
    assert found.trades == alone.trades
    assert found.equity == alone.equity
    [refused] = [each for each in found.refused if each.by == "endless"]
    assert (refused.code, refused.symbol, refused.bar_close_ms) == ("over_budget", "AAA", 10 * HOUR.ms)


@pytest.mark.parametrize("name", ["t", "o", "h", "l", "c", "v"])
def test_a_column_that_is_absent_is_refused(name: str) -> None:
    market = columns(walk(1, 30))
    del market[name]
    with pytest.raises(Invalid, match=r"market\.AAA: must be an object of the columns t, o, h, l, c, v"):
        reported(body(market={"AAA": market}))


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "volume must be a number"), ("5", "volume must be a number"), (float("nan"), "volume must be finite")],
)
def test_a_volume_that_is_absent_is_refused_by_its_bar(value: Any, words: str) -> None:
    market: dict[str, Any] = columns(walk(1, 30))
    market["v"][7] = value
    with pytest.raises(Invalid, match=rf"market\.AAA: {words} \(the bar that closes at {8 * HOUR.ms}\)"):
        reported(body(market={"AAA": market}))


@pytest.mark.parametrize("name", ["o", "h", "l", "c"])
def test_a_price_that_is_no_number_is_refused_by_its_bar(name: str) -> None:
    market = columns(walk(1, 30))
    market[name][11] = float("nan")
    with pytest.raises(Invalid, match=rf"must be finite \(the bar that closes at {12 * HOUR.ms}\)"):
        reported(body(market={"AAA": market}))


def test_a_flaw_of_one_symbol_among_several_is_its_own() -> None:
    market = {"AAA": columns(walk(1, 30)), "BBB": columns(walk(2, 30))}
    market["BBB"]["t"][4] = market["BBB"]["t"][3]
    with pytest.raises(Invalid, match=rf"market\.BBB: .* \(the bar that closes at {4 * HOUR.ms}\)"):
        reported(body(market=market, instruments=[instrument(symbol).wire() for symbol in market]))
