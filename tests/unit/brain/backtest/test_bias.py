"""Planted cheats are caught with their first bar, honest strategies pass, and a strategy that needs more history says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from brain.backtest.bias import CALENDAR_MS, later, lookahead, warmup
from brain.backtest.engine import run
from brain.backtest.plan import Plan
from brain.bar import Bar, Idea
from brain.bars import Bars
from brain.indicators import Ema
from brain.registry import STRATEGIES
from brain.strategy import Strategy
from brain.view import View
from shared.errors import Invalid
from shared.model import Action, Model, Side
from tests.unit.brain.backtest.support import HOUR, plan, walk

MEMORY: dict[int, Bar] = {}
"""What the cheat keeps between its runs."""
OUTSIDE: dict[int, float] = {}
"""What a file would hold."""


class Nothing(Model):
    """Nothing to set."""


class Planted(Strategy[Nothing]):
    """Buys after a rise; the ones below know more."""

    name: ClassVar[str] = "planted"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = Nothing
    remembers: ClassVar[tuple[str, ...]] = ("before",)
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        self.before: float | None = None

    def rises(self, bar: Bar) -> bool:
        before, self.before = self.before, bar.close
        return before is not None and bar.close > before * 1.005

    def on_candle(self, view: View) -> Idea | None:
        return Idea(Action.ENTER, Side.BUY, 0.5, "rise", {}, 1.0) if self.rises(view.bar) else None


class Remembering(Planted):
    """Looks the next bar up among those of runs before."""

    def rises(self, bar: Bar) -> bool:
        MEMORY[bar.open_time_ms] = bar
        after = MEMORY.get(bar.open_time_ms + HOUR.ms)
        return after is not None and after.close > bar.close * 1.005


class Reading(Planted):
    """Has all closes from elsewhere, from the beginning."""

    def rises(self, bar: Bar) -> bool:
        return OUTSIDE.get(bar.open_time_ms + HOUR.ms, 0.0) > bar.close * 1.005


class Failing(Planted):
    """Raises where the memory of other runs makes it."""

    def rises(self, bar: Bar) -> bool:
        MEMORY[bar.open_time_ms] = bar
        if bar.open_time_ms + HOUR.ms in MEMORY:
            raise LookupError("seen before")
        return False


class Hungry(Planted):
    """Declares two bars, and remembers hundreds."""

    def setup(self) -> None:
        super().setup()
        self.mean = 0.0

    remembers: ClassVar[tuple[str, ...]] = ("before", "mean")

    def on_candle(self, view: View) -> Idea | None:
        self.mean += (view.bar.close - self.mean) / 50.0
        if not self.rises(view.bar):
            return None
        return Idea(Action.ENTER, Side.BUY, 0.5, "rise", {}, max(0.01, 0.1 * self.mean))


class Counting(Planted):
    """Every tenth bar, counted from the first one there is."""

    remembers: ClassVar[tuple[str, ...]] = ("before", "count")

    def setup(self) -> None:
        super().setup()
        self.count = 0

    def rises(self, bar: Bar) -> bool:
        self.count += 1
        return self.count % 10 == 0


class Naming(Planted):
    """Honest, and says beforehand on which bars it speaks: those that rise, and each that it has to remember."""

    named: ClassVar[Any] = None

    def on_candle(self, view: View) -> Idea | None:
        before, self.before = self.before, view.bar.close // 5.0
        return Idea(Action.ENTER, Side.BUY, 0.5, "step", {}, 1.0) if before not in (None, self.before) else None

    def occasions(self, bars: Bars) -> Sequence[int] | None:
        steps = [0, *(at for at in range(1, len(bars)) if bars.close[at] // 5.0 != bars.close[at - 1] // 5.0)]
        return steps if self.named is None else self.named(steps, bars)


def known_end(steps: Sequence[int], bars: Bars) -> Sequence[int]:
    """Leaves out the steps after which the price is lower five bars later: a look into the future."""
    return [at for at in steps if not at or bars.close[min(at + 5, len(bars) - 1)] > bars.close[at]]


class Averaged(Planted):
    """Honest, with an average that forgets slowly and says so by its ideas alone."""

    def setup(self) -> None:
        super().setup()
        self.ema = self.uses(Ema(10))

    def on_candle(self, view: View) -> Idea | None:
        return super().on_candle(view) if self.ema.value == self.ema.value else None


BARS = walk(5, 1200)


def planned(kind: type[Planted], bars: list[Bar] = BARS) -> Plan:
    known: Mapping[str, Any] = {**STRATEGIES, "planted": kind}
    return plan({"AAA": bars}, [{"name": "planted", "params": {}}], known=known)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    MEMORY.clear()
    OUTSIDE.clear()
    OUTSIDE.update({bar.open_time_ms: bar.close for bar in BARS})


def first_rise_known_before() -> int:
    """Close of the first bar before a rise that a look ahead by one would say."""
    return next(now.open_time_ms + HOUR.ms for now, after in pairwise(BARS) if after.close > now.close * 1.005)


@pytest.mark.parametrize("kind", [Planted, Hungry, Counting, Averaged, Naming])
def test_the_honest_pass(kind: type[Planted]) -> None:
    assert lookahead(planned(kind)) == []


def test_a_cheat_that_remembers_other_runs_is_caught_on_its_first_bar() -> None:
    [cheat] = lookahead(planned(Remembering))
    assert (cheat.strategy, cheat.symbol) == ("planted", "AAA")
    assert cheat.bar_close_ms == first_rise_known_before()
    assert cheat.then is None
    assert cheat.now is not None
    assert cheat.now.action == "enter"
    assert "later bars" in cheat.how


def test_a_cheat_that_reads_elsewhere_is_caught_by_the_date() -> None:
    [cheat] = lookahead(planned(Reading))
    assert cheat.bar_close_ms == first_rise_known_before()
    assert cheat.now is None
    assert "centuries" in cheat.how


def test_one_that_remembers_is_caught_even_when_its_memory_is_full() -> None:
    run(planned(Remembering))
    [cheat] = lookahead(planned(Remembering))
    assert cheat.bar_close_ms == first_rise_known_before()


def test_a_strategy_that_fails_only_then_is_caught_too() -> None:
    [cheat] = lookahead(planned(Failing))
    assert cheat.now is not None
    assert cheat.now.action == "strategy_error"
    assert cheat.bar_close_ms == HOUR.ms


def test_occasions_that_know_the_future_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Naming, "named", staticmethod(known_end))
    [cheat] = lookahead(planned(Naming))
    assert cheat.now is None
    assert cheat.then is not None
    assert "occasions" in cheat.how


class Forgetful(Planted):
    """Keeps what it does not name."""

    remembers: ClassVar[tuple[str, ...]] = ()


def test_one_that_does_not_remember_what_it_keeps_is_told_of() -> None:
    assert run(planned(Planted)).fingerprint == run(planned(Forgetful)).fingerprint
    [cheat] = lookahead(planned(Forgetful))
    assert (cheat.then is not None, cheat.now) == (True, None)
    assert "remembers" in cheat.how


@pytest.mark.parametrize("named", [[1, 1], [5, 3], [-1], [len(BARS)], [1.0], ["a"], 7, "raises"], ids=str)
def test_occasions_that_are_none_stop_their_strategy_with_a_reason(named: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def names(_steps: Sequence[int], _bars: Bars) -> Any:
        if named == "raises":
            raise LookupError("no")
        return named

    monkeypatch.setattr(Naming, "named", staticmethod(names))
    found = run(planned(Naming))
    assert [(each.by, each.symbol, each.code) for each in found.refused] == [("planted", "AAA", "strategy_error")]
    assert not found.trades
    assert set(found.equity) == {100_000.0}


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_our_own_strategies_see_no_future(name: str) -> None:
    series = {"AAA": walk(1, 300), "BBB": walk(2, 300)}
    assert lookahead(plan(series, [{"name": name, "params": {}}]), cuts=4) == []


def test_the_later_date_has_the_same_calendar_and_whole_spans() -> None:
    made = plan({"AAA": BARS}, [{"name": "sma_cross", "params": {"fast": 10, "slow": 30, "atr_period": 14}}])
    assert later(made) % CALENDAR_MS == 0
    assert later(made) % (30 * HOUR.ms) == 0
    far = plan({"AAA": BARS}, [{"name": "sma_cross", "params": {"fast": 199, "slow": 397, "atr_period": 193}}])
    assert later(far) % (199 * 397 * 193 * HOUR.ms) == 0


def test_more_pieces_than_bars_are_refused() -> None:
    with pytest.raises(Invalid, match="cuts"):
        lookahead(planned(Planted, BARS[:3]), cuts=4)
    with pytest.raises(Invalid, match="starts"):
        warmup(planned(Planted, BARS[:3]))


def test_a_strategy_that_needs_no_more_than_it_declares() -> None:
    [found] = warmup(planned(Planted))
    assert (found.declared, found.needed) == (2, 2)
    assert {row.changed for row in found.rows} == {0}
    assert [row.bars for row in found.rows[:3]] == [2, 4, 8]


def test_a_strategy_that_needs_far_more_than_it_declares() -> None:
    [found] = warmup(planned(Hungry))
    assert found.declared == 2
    # what is left of the first mean after so many bars is a thousandth: 0.98 ** 342
    assert found.needed is not None
    assert 100 < found.needed < 1000
    assert found.rows[0].changed > 10
    assert found.rows[0].worst > 0.5
    assert [row.worst for row in found.rows] == sorted((row.worst for row in found.rows), reverse=True)


def test_a_strategy_that_never_agrees_with_itself() -> None:
    [found] = warmup(planned(Counting), starts=7)
    assert found.needed is None


def test_a_larger_tolerance_needs_less() -> None:
    [strict], [loose] = warmup(planned(Hungry)), warmup(planned(Hungry), tolerance=0.05)
    assert strict.needed is not None
    assert loose.needed is not None
    assert loose.needed < strict.needed
