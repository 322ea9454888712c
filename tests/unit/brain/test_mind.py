"""All strategies of a desk, close by close: those on one symbol and those on the whole market, good ones and bad ones."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.bar import Bar, Idea
from brain.feed import Feed
from brain.follower import NEVER, MarketFollower
from brain.indicators import Atr, Sma
from brain.mind import Mind
from brain.registry import AnyStrategy, discover
from brain.request import Choice
from brain.state import Entries
from brain.steps import BUDGET
from brain.strategy import MarketStrategy, PerSymbol, Strategy
from brain.view import View
from shared.model import Action, Interval, Model, Side, Signal
from tests.unit.brain.strategies.scenes import QUICK, choice, closes_of, market
from tests.unit.brain.support import DAY_MS, say

Rows = list[tuple[str, Bar]]


class NoParams(Model):
    pass


class Looks(MarketStrategy[NoParams]):
    """Says of each symbol what it sees of all of them."""

    name = "looks"
    version = 1
    params_model = NoParams
    remembers = ("closes",)

    def setup(self) -> None:
        self.now = self.each(lambda: Sma(1))
        self.mean = self.each(lambda: Sma(2), "volume")
        self.closes = 0

    def on_candle(self, view: View) -> Idea | None:
        self.closes += 1
        seen = {f"now_{symbol}": self.now[symbol].value for symbol in view.market}
        shown = {f"bar_{symbol}": bar.close for symbol, bar in view.market.items()}
        means = {f"mean_{symbol}": self.mean[symbol].value for symbol in view.market}
        warm = {name: mean for name, mean in means.items() if mean == mean}
        return Idea(Action.ENTER, Side.BUY, 0.5, "looked", {**seen, **shown, **warm, "asked": float(self.closes)}, 1.0)


class Says(Strategy[NoParams]):
    """Says something on every bar of its symbol, or what it was told to say on bars that close at 13."""

    name = "says"
    version = 1
    params_model = NoParams
    remembers = ("count",)
    bad: Callable[[], Any] | None = None

    def setup(self) -> None:
        self.count = 0

    def on_candle(self, view: View) -> Idea | None:
        self.count += 1
        if self.bad and view.bar.close == 13.0:
            wrong: Idea = type(self).__dict__["bad"].__func__()
            return wrong
        return Idea(Action.EXIT, Side.SELL, 0.5, "said", {"count": float(self.count)})


class SaysOfAll(Says, MarketStrategy[NoParams]):
    """The same on the whole market."""

    name = "says_of_all"


def raising() -> Idea:
    return [Idea][1](Action.EXIT, Side.SELL, 0.5, "x", {})


def bad(of: type[Says], answer: Callable[[], Any]) -> type[Says]:
    return type(f"Bad{of.__name__}", (of,), {"name": f"bad_{of.name}", "bad": staticmethod(answer)})


NONSENSE: dict[str, tuple[Callable[[], Any], str]] = {
    "raises": (raising, "strategy_error"),
    "a text": (lambda: "buy", "strategy_error"),
    "a score above 1": (lambda: Idea(Action.EXIT, Side.SELL, 1.5, "x", {}), "strategy_error"),
    "a NaN": (lambda: Idea(Action.EXIT, Side.SELL, 0.5, "x", {"y": float("nan")}), "strategy_error"),
    "a reason that is no code": (lambda: Idea(Action.EXIT, Side.SELL, 0.5, "Not A Code", {}), "strategy_error"),
}


def chosen(*strategies: type[AnyStrategy]) -> list[Choice]:
    return [Choice(each, each.params_model(), "0" * 32, each.name) for each in strategies]


def mind(*strategies: type[AnyStrategy], entries: Entries | None = None) -> Mind:
    return Mind("replay", Interval.D1, chosen(*strategies), entries)


def bar(day: int, close: float = 10.0, volume: float = 1.0) -> Bar:
    return Bar(day * DAY_MS, close, close, close, close, volume)


def close(of: Mind, day: int, **closes: float) -> list[Signal]:
    return of.close((day + 1) * DAY_MS, [(symbol, bar(day, price)) for symbol, price in sorted(closes.items())])


def said(signals: list[Signal]) -> list[tuple[str, str]]:
    return [(each.strategy, each.instrument.partition(":")[2]) for each in signals]


def stored(of: Mind) -> Entries:
    entries: Entries = {}
    for each in of.followers():
        entries.setdefault(each.choice.key, {})[each.symbol] = each.entry()
    found: Entries = json.loads(json.dumps(entries, allow_nan=False))
    return found


class TestTheWholeMarket:
    def test_all_bars_of_a_close_are_taken_before_any_symbol_is_asked(self) -> None:
        first, second = close(mind(Looks), 0, A=10.0, B=20.0)
        for signal in (first, second):
            assert (signal.evidence["now_A"], signal.evidence["now_B"]) == (10.0, 20.0)
            assert (signal.evidence["bar_A"], signal.evidence["bar_B"]) == (10.0, 20.0)
        assert said([first, second]) == [("looks", "A"), ("looks", "B")]
        assert (first.price, second.price) == (10.0, 20.0)
        assert {signal.bar_close_ms for signal in (first, second)} == {DAY_MS}

    def test_a_symbol_listed_midway_is_there_from_its_first_bar_and_warms_up_by_itself(self) -> None:
        desk = mind(Looks)
        [alone] = close(desk, 0, A=10.0)
        assert "now_B" not in alone.evidence
        with_it = close(desk, 1, A=11.0, B=20.0)[0]
        assert with_it.evidence["now_B"] == 20.0
        assert "mean_A" in with_it.evidence
        assert "mean_B" not in with_it.evidence
        assert "mean_B" in close(desk, 2, A=11.0, B=20.0)[0].evidence

    def test_a_symbol_without_a_bar_is_not_asked_and_stands_there_with_its_old_one(self) -> None:
        desk = mind(Looks)
        close(desk, 0, A=10.0, B=20.0)
        [only] = close(desk, 1, A=11.0)
        assert said([only]) == [("looks", "A")]
        assert (only.evidence["bar_A"], only.evidence["bar_B"], only.evidence["now_B"]) == (11.0, 20.0, 20.0)
        assert said(close(desk, 2, A=12.0, B=22.0)) == [("looks", "A"), ("looks", "B")]

    def test_bars_it_has_had_are_passed_over(self) -> None:
        desk = mind(Looks, Says)
        close(desk, 0, A=10.0)
        close(desk, 1, A=10.0)
        assert desk.seen_ms("A") == DAY_MS
        assert close(desk, 1, A=10.0) == []
        assert close(desk, 0, A=10.0) == []
        assert desk.seen_ms("B") == NEVER
        assert close(desk, 2, A=10.0)[-1].evidence["asked"] == 3.0

    def test_a_close_without_bars_says_nothing(self) -> None:
        assert mind(Looks, Says).close(DAY_MS, []) == []

    def test_its_warmup_is_that_of_each_symbol(self) -> None:
        assert Looks(NoParams(), DAY_MS).warmup_bars == 2
        assert SaysOfAll(NoParams(), DAY_MS).warmup_bars == 1


class TestPerSymbol:
    def test_each_symbol_has_its_own_and_one_that_was_never_seen_has_none(self) -> None:
        each = PerSymbol(lambda: Atr(3))
        made = each.add("A")
        assert each["A"] is made
        assert each.add("B") is not made
        assert "A" in each
        assert "C" not in each
        with pytest.raises(LookupError):
            each["C"]

    def test_inputs_that_do_not_fit_are_refused_when_the_first_bar_comes(self) -> None:
        class Wrong(Looks):
            def setup(self) -> None:
                self.each(lambda: Sma(1), "price")

        follower = MarketFollower(chosen(Wrong)[0], DAY_MS)
        assert follower.take_all([("A", bar(0))], DAY_MS) == []
        assert follower.refusal is not None
        assert follower.refusal.code == "strategy_error"
        with pytest.raises(ValueError, match="has no 'price'"):
            Feed().add(Sma(1), ["price"])


class TestOneThatFails:
    @pytest.mark.parametrize("kind", [Says, SaysOfAll])
    @pytest.mark.parametrize("wrong", NONSENSE)
    def test_it_is_refused_with_the_bars_time_and_the_others_go_on(self, kind: type[Says], wrong: str) -> None:
        answer, code = NONSENSE[wrong]
        failing = bad(kind, answer)
        desk = mind(failing, Says, Looks)
        assert len(close(desk, 0, A=10.0, B=10.0)) == 6
        found = said(close(desk, 1, A=10.0, B=13.0))
        assert [each for each in found if each[0] == "says"] == [("says", "A"), ("says", "B")]
        assert [each for each in found if each[0] == "looks"] == [("looks", "A"), ("looks", "B")]
        assert (failing.name, "B") not in found
        [(name, symbol, refusal)] = desk.refusals()
        assert (name, symbol) == (failing.name, "" if kind is SaysOfAll else "B")
        assert (refusal.bar_close_ms, refusal.code) == (2 * DAY_MS, code)
        after = said(close(desk, 2, A=10.0, B=10.0))
        assert (failing.name, "B") not in after
        assert ((failing.name, "A") in after) == (kind is Says)
        assert len([each for each in after if each[0] != failing.name]) == 4

    def test_the_refusal_says_what_and_where(self) -> None:
        desk = mind(bad(Says, raising))
        close(desk, 0, A=13.0)
        [(_, _, refusal)] = desk.refusals()
        assert re.fullmatch(r"IndexError: .+, line \d+", refusal.detail)

    def test_after_its_refusal_it_takes_nothing_any_more(self) -> None:
        desk = mind(bad(SaysOfAll, raising))
        close(desk, 0, A=13.0)
        before = desk.refusals()
        assert close(desk, 1, A=13.0) == []
        assert desk.refusals() == before

    @pytest.mark.parametrize("base", ["Strategy", "MarketStrategy"])
    def test_one_that_takes_too_many_steps_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
    ) -> None:
        (tmp_path / "endless.py").write_text(ENDLESS.replace("BASE", base))
        package = ModuleType("endless_code")
        package.__path__ = [str(tmp_path)]
        monkeypatch.setitem(sys.modules, "endless_code", package)
        monkeypatch.delitem(sys.modules, "endless_code.endless", raising=False)
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        desk = mind(discover(package).strategies["endless"], Says)
        assert said(close(desk, 0, A=10.0, B=13.0)) == [("says", "A"), ("says", "B")] or base == "Strategy"
        refusals = {symbol: refusal for _, symbol, refusal in desk.refusals()}
        refusal = refusals["" if base == "MarketStrategy" else "B"]
        assert (refusal.bar_close_ms, refusal.code) == (DAY_MS, "over_budget")
        assert str(BUDGET) in refusal.detail
        assert ("says", "B") in said(close(desk, 1, A=10.0, B=13.0))


class Changes(Says):
    """Sets anew what it does not remember: the next symbol finds it as `setup` left it."""

    name = "changes"

    def setup(self) -> None:
        super().setup()
        self.other = 0

    def on_candle(self, view: View) -> Idea | None:
        self.other += 1
        return Idea(Action.EXIT, Side.SELL, 0.5, "said", {"other": float(self.other)})


class Gathers(Changes):
    """Adds to a list that it does not remember."""

    def setup(self) -> None:
        super().setup()
        self.gathered: list[float] = []


class Hides(Changes):
    """Has an indicator of its own, which nobody keeps."""

    def setup(self) -> None:
        super().setup()
        self.hidden = Sma(3)


class Feeds(Changes):
    """Has an indicator that no test over all indicators knows."""

    def setup(self) -> None:
        super().setup()
        self.unknown = self.uses(type("Unknown", (Sma,), {"__slots__": ()})(3))


class Adds(Changes):
    """Has an attribute more than after `setup`."""

    def on_candle(self, view: View) -> Idea | None:
        self.added = view.bar
        return super().on_candle(view)


class Slotted(Changes):
    """Keeps something where `vars` does not look."""

    __slots__ = ("count",)

    def setup(self) -> None:
        super().setup()
        self.count = 0


class TestOneSymbolAfterTheOther:
    def test_a_strategy_goes_on_with_the_next_symbol_as_if_it_were_new(self) -> None:
        names = [name for name in QUICK if name != "regime_switch"]
        choices = [choice(name) for name in names] + chosen(Says, Changes)
        series = {symbol: market(at, 60) for at, symbol in enumerate("ABC")}
        before = Mind("replay", Interval.D1, choices)
        for day, rows in closes_of(series)[:40]:
            before.close((day + 1) * DAY_MS, rows)
        entries = {key: of for key, of in stored(before).items() if "*" not in of}
        desk, used, known = Mind("replay", Interval.D1, choices, entries), list[list[int]](), dict[str, Any]()
        for symbol, own in series.items():
            alone = Mind("replay", Interval.D1, choices, entries)
            for row in own[40:]:
                close_ms = row.open_time_ms + DAY_MS
                assert desk.each(close_ms, [(symbol, row)]) == alone.each(close_ms, [(symbol, row)])
            left = desk.leave(symbol)
            assert desk.leave(symbol) == []
            used.append([id(each.strategy) for each in left])
            known[symbol] = [each.entry() for each in left]
            assert known[symbol] == [each.entry() for each in alone.followers() if each.symbol == symbol]
        assert used[0] == used[1] == used[2]
        assert known["A"] != known["B"] != known["C"]

    @pytest.mark.parametrize("kind", [Gathers, Hides, Feeds, Adds, Looks, Slotted])
    def test_one_that_might_leave_something_behind_is_made_anew(self, kind: type[AnyStrategy]) -> None:
        strategy = kind(NoParams(), DAY_MS)
        say(strategy, [bar(0)]) if kind is Adds else None
        assert not strategy.renew()
        assert Changes(NoParams(), DAY_MS).renew()

    def test_a_symbol_of_which_nothing_is_known_and_one_after_a_failure_get_a_new_one(self) -> None:
        one = Says(NoParams(), DAY_MS).state()
        entries = {"bad_says": {symbol: [0, one] for symbol in "AC"}}
        desk = Mind("replay", Interval.D1, chosen(bad(Says, raising)), entries)
        used = []
        for symbol, price in (("A", 10.0), ("B", 13.0), ("C", 10.0)):
            desk.each(2 * DAY_MS, [(symbol, bar(1, price))])
            used += desk.leave(symbol)
        assert [each.refusal is None for each in used] == [True, False, True]
        assert used[1].strategy is not used[0].strategy
        assert used[2].strategy is used[0].strategy


def test_followers_that_are_made_in_a_row_have_each_a_budget_of_their_own() -> None:
    desk = Mind("replay", Interval.D1, [choice(name) for name in QUICK])
    for number in range(400):
        assert desk.seen_ms(f"S{number}") == NEVER
    assert desk.refusals() == []


ENDLESS = '''
from brain.bar import Idea
from brain.strategy import BASE
from shared.model import Model

class NoParams(Model):
    pass

class Endless(BASE[NoParams]):
    """Never ends on a bar that closes at 13."""
    name = "endless"
    version = 1
    params_model = NoParams

    def setup(self):
        pass

    def on_candle(self, view):
        while view.bar.close == 13.0:
            try:
                view.close_ms
            except Exception:
                pass
        return None
'''


BAD_STATES: list[list[Any]] = [
    *([], [1, 2], [{}, "", [0]], [None, [0]]),
    *([[{}, "", []], {}], [[{}, "AAAA", [0]], {}], [[{"A": ""}, "", [0]], {}], [[{}, "", [0]], {"A": [1]}]),
]


class TestRestored:
    @settings(deadline=None, max_examples=25)
    @given(cut=st.integers(0, 60), seed=st.integers(0, 2), gone=st.integers(0, 59))
    def test_in_the_middle_it_goes_on_as_if_nothing_had_been(self, cut: int, seed: int, gone: int) -> None:
        names = [name for name in QUICK if name != "regime_switch"]
        series = {symbol: market(seed * 3 + at, 60) for at, symbol in enumerate("ABC")}
        series["B"] = [row for at, row in enumerate(series["B"]) if at != gone]
        series["C"] = series["C"][20:]
        choices = [choice(name) for name in names] + chosen(Looks)
        closes = [((day + 1) * DAY_MS, rows) for day, rows in closes_of(series)]
        whole = Mind("replay", Interval.D1, choices)
        wanted = [signal for close_ms, rows in closes for signal in whole.close(close_ms, rows)]
        before = Mind("replay", Interval.D1, choices)
        got = [signal for close_ms, rows in closes[:cut] for signal in before.close(close_ms, rows)]
        after = Mind("replay", Interval.D1, choices, stored(before))
        got += [signal for close_ms, rows in closes[cut:] for signal in after.close(close_ms, rows)]
        assert got == wanted
        assert whole.refusals() == after.refusals() == []
        kept, again = stored(before), stored(after)
        assert stored(whole) == {key: {**kept.get(key, {}), **again.get(key, {})} for key in kept.keys() | again.keys()}

    @pytest.mark.parametrize("state", BAD_STATES)
    def test_a_state_that_does_not_fit_is_refused_and_the_others_go_on(self, state: list[Any]) -> None:
        desk = mind(Looks, Says, entries={"looks": {"*": [0, state]}})
        assert said(close(desk, 1, A=10.0)) == [("says", "A")]
        [(name, symbol, refusal)] = desk.refusals()
        assert (name, symbol, refusal.code) == ("looks", "", "bad_state")
        assert "drop the state" in refusal.detail

    def test_what_is_stored_of_the_market_holds_the_newest_bars_in_order(self) -> None:
        desk = mind(Looks)
        close(desk, 0, B=20.0, A=10.0)
        close(desk, 1, A=11.0)
        [entry] = [each.entry() for each in desk.followers()]
        assert entry is not None
        watermark_ms, (_, newest) = entry
        assert watermark_ms == DAY_MS
        assert newest == {"A": list(bar(1, 11.0)), "B": list(bar(0, 20.0))}
        assert list(newest) == ["A", "B"]
