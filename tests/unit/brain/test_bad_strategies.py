"""One strategy that misbehaves, in whatever way, never stops the others: in a scan and in a backtest."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from brain import rpc
from brain.backtest.bias import lookahead, warmup
from brain.backtest.engine import run as backtested
from brain.backtest.search import Search
from brain.backtest.walkforward import Window, walk_forward
from brain.bar import Bar, Idea
from brain.bars import Bars
from brain.describe import describe
from brain.follower import MAX_DETAIL, Follower
from brain.mind import Mind
from brain.registry import STRATEGIES, AnyStrategy, discover
from brain.request import choices
from brain.scan import scan
from brain.steps import BUDGET, STEPS
from brain.strategy import MarketStrategy, Strategy
from brain.view import View
from shared.errors import Invalid
from shared.model import Action, Interval, Model, Side
from tests.unit.brain.backtest.support import CROSS, HOUR, plan, walk
from tests.unit.brain.support import ANY_ERROR, DAY_MS, QUICK, body, columns
from tests.unit.brain.support import walk as closes

IDEA = Idea(Action.EXIT, Side.SELL, 0.5, "said", {})
MARKET = {"A": columns(closes(1, 40)), "B": columns(closes(2, 40))}
DAYS = 40


class NoParams(Model):
    pass


class Bad(Strategy[NoParams]):
    """Does as the test says; a good one otherwise."""

    name = "bad"
    version = 1
    params_model = NoParams
    remembers = ("bars", "kept")
    begin: Callable[[AnyStrategy], None] = staticmethod(lambda self: None)
    say: Callable[[AnyStrategy], Idea | None] = staticmethod(lambda self: None)

    def setup(self) -> None:
        self.bars = 0
        self.kept: Any = None
        type(self).begin(self)

    def on_candle(self, view: View) -> Idea | None:
        self.bars += 1
        return type(self).say(self)


class BadOfAll(Bad, MarketStrategy[NoParams]):
    """The same on the whole market."""


KINDS = pytest.mark.parametrize("kind", [Bad, BadOfAll])


def made(kind: type[Bad], **does: Any) -> dict[str, type[AnyStrategy]]:
    """All strategies, with this one."""
    of = {name: staticmethod(it) if callable(it) else it for name, it in does.items()}
    return {**STRATEGIES, "bad": type("Bad", (kind,), of)}


def raises(error: type[BaseException]) -> Callable[[Any], NoReturn]:
    def raising(_: Any) -> NoReturn:
        raise error("of its own")

    return raising


def keeps(value: Any, idea: Idea | None = None) -> Callable[[Any], Idea | None]:
    def keeping(self: Any) -> Idea | None:
        self.kept = value
        return idea

    return keeping


def refused(known: dict[str, type[AnyStrategy]], state: Any = None) -> list[dict[str, Any]]:
    """What a scan refuses of the bad one; the others say and learn what they do without it."""
    chosen = [{"name": "bad", "params": {}}, *QUICK]
    answer = json.loads(json.dumps(scan(body(MARKET, state, chosen), known), allow_nan=False))
    alone = scan(body(MARKET, None, QUICK))
    assert [each for each in answer["signals"] if each["strategy"] != "bad"] == alone["signals"] != []
    learnt = answer["state"]["strategies"]
    [mine] = [learnt.pop(key) for key in list(learnt) if key.startswith("bad@")]
    assert learnt == alone["state"]["strategies"]
    failed = {each["symbol"] for each in answer["refused"]}
    symbols = {"A", "B"} if "" in failed else failed
    assert not [s for s in answer["signals"] if s["strategy"] == "bad" and s["instrument"].split(":")[1] in symbols]
    known_before = (
        {} if state is None else next(of for key, of in state["strategies"].items() if key.startswith("bad@"))
    )
    assert {symbol: mine.get(symbol) for symbol in failed} == {symbol: known_before.get(symbol) for symbol in failed}
    found: list[dict[str, Any]] = answer["refused"]
    assert {each["strategy"] for each in found} == {"bad"}
    return found


def told(known: dict[str, type[AnyStrategy]]) -> list[tuple[str, str, int]]:
    """What a backtest refuses of the bad one; the other one trades as it does without it."""
    series = {"AAA": walk(1, 300)}
    found = backtested(plan(series, [{"name": "bad", "params": {}}, CROSS], known=known))
    alone = backtested(plan(series, [CROSS]))
    assert found.trades == alone.trades != []
    return [(each.symbol, each.code, each.bar_close_ms) for each in found.refused if each.by == "bad"]


def symbols_of(kind: type[Bad]) -> list[str]:
    return [""] if kind is BadOfAll else ["A", "B"]


class TestItsSetup:
    @KINDS
    @pytest.mark.parametrize("error", [ValueError, *ANY_ERROR])
    def test_one_that_cannot_be_made_is_refused(self, kind: type[Bad], error: type[BaseException]) -> None:
        known = made(kind, begin=raises(error))
        found = refused(known)
        assert [(each["symbol"], each["code"], each["bar_close_ms"]) for each in found] == [
            (symbol, "strategy_error", 0) for symbol in symbols_of(kind)
        ]
        assert re.fullmatch(rf"([\w.]+\.)?{error.__name__}: of its own, line \d+", found[0]["detail"])
        assert told(known) == [("" if kind is BadOfAll else "AAA", "strategy_error", 0)]

    @KINDS
    def test_one_whose_error_fails_as_well_is_refused_by_the_kind_of_it(self, kind: type[Bad]) -> None:
        shy = type("Shy", (Exception,), {"__traceback__": property(lambda self: 1 // 0)})
        for does in ({"begin": raises(shy)}, {"say": raises(shy)}):
            found = refused(made(kind, **does))
            assert {(each["code"], each["detail"]) for each in found} == {
                ("strategy_error", "Shy, which cannot be told")
            }

    @KINDS
    @pytest.mark.parametrize(
        ("remembers", "detail"),
        [
            (("bars", "kapt"), "Invalid: remembers.kapt: is not set in setup; set it there, or mend the name"),
            ("bars", "Invalid: remembers: must be a tuple of names; write ('one', 'two') or ('one',)"),
            ((7,), "Invalid: remembers: must be a tuple of names; write ('one', 'two') or ('one',)"),
        ],
    )
    def test_what_it_forgot_to_set_is_told_before_the_first_bar(
        self, kind: type[Bad], remembers: Any, detail: str
    ) -> None:
        known = made(kind, remembers=remembers)
        assert {(each["code"], each["bar_close_ms"], each["detail"]) for each in refused(known)} == {
            ("strategy_error", 0, detail)
        }
        assert told(known) == [("" if kind is BadOfAll else "AAA", "strategy_error", 0)]

    @KINDS
    def test_what_was_learnt_stays(self, kind: type[Bad]) -> None:
        good = scan(body(MARKET, None, [{"name": "bad", "params": {}}]), made(kind))
        refused(made(kind, begin=raises(ValueError)), good["state"])

    def test_it_has_had_what_it_had_when_it_was_stored(self) -> None:
        chosen = choices([{"name": "bad", "params": {}}], made(Bad, begin=raises(ValueError)))
        desk = Mind("replay", Interval.D1, chosen, {chosen[0].key: {"A": [7 * DAY_MS, ["", [8, None]]]}})
        assert desk.seen_ms("A") == 7 * DAY_MS

    def test_of_one_that_fails_no_bar_is_needed_to_warm_up(self) -> None:
        bad, good = choices([{"name": "bad", "params": {}}, CROSS], made(Bad, begin=raises(ValueError)))
        assert [Follower(each, "A", DAY_MS).warmup_bars for each in (bad, good)] == [1, 21]


@KINDS
@pytest.mark.parametrize("error", ANY_ERROR)
def test_what_it_raises_is_its_own_error(kind: type[Bad], error: type[BaseException]) -> None:
    known = made(kind, say=raises(error))
    assert [(each["symbol"], each["code"]) for each in refused(known)] == [
        (symbol, "strategy_error") for symbol in symbols_of(kind)
    ]
    assert told(known) == [("" if kind is BadOfAll else "AAA", "strategy_error", HOUR.ms)]


@KINDS
@pytest.mark.parametrize("when", ["begin", "say"])
def test_an_interrupt_stops_everything(kind: type[Bad], when: str) -> None:
    known = made(kind, **{when: raises(KeyboardInterrupt)})
    with pytest.raises(KeyboardInterrupt):
        refused(known)
    with pytest.raises(KeyboardInterrupt):
        told(known)


class TestWhatItRemembers:
    @KINDS
    @pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": 1}, b"x", object(), [[object()]], "\ud800"])
    def test_what_json_cannot_hold_is_refused_by_its_name(self, kind: type[Bad], value: Any) -> None:
        found = refused(made(kind, say=keeps(value, IDEA)))
        assert [(each["symbol"], each["code"], each["bar_close_ms"]) for each in found] == [
            (symbol, "strategy_error", DAYS * DAY_MS) for symbol in symbols_of(kind)
        ]
        assert found[0]["detail"].startswith("Invalid: remembers.kept: holds ")
        known = made(kind, say=keeps(value))
        assert told(known) == [("" if kind is BadOfAll else "AAA", "strategy_error", 300 * HOUR.ms)]

    @KINDS
    def test_one_that_never_set_it_is_refused(self, kind: type[Bad]) -> None:
        known = made(kind, remembers=("bars", "gone"))
        assert {each["code"] for each in refused(known)} == {"strategy_error"}
        assert [code for _, code, _ in told(known)] == ["strategy_error"]

    def test_one_symbol_alone_is_refused(self) -> None:
        first = MARKET["A"]["c"][-1]

        class Once(Bad):
            def on_candle(self, view: View) -> Idea | None:
                self.kept = float("nan") if view.bar.close == first and view.symbol == "A" else 1.5
                return None

        [found] = refused(made(Once))
        assert (found["symbol"], found["detail"].split(";")[0]) == ("A", "Invalid: remembers.kept: holds nan")

    def test_a_state_that_makes_it_raise_is_its_own_error(self) -> None:
        good = scan(body(MARKET, None, [{"name": "bad", "params": {}}]), made(Bad))

        class Picky(Bad):
            def restore(self, state: list[Any]) -> None:
                raise SystemExit

        found = refused(made(Picky), good["state"])
        assert {(each["symbol"], each["code"]) for each in found} == {("A", "strategy_error"), ("B", "strategy_error")}


class TestItsIdeas:
    @pytest.mark.parametrize(
        "idea",
        [
            IDEA._replace(evidence={f"number_{at}": 1.0 for at in range(33)}),
            IDEA._replace(evidence={f"number_{at}": 1.0 for at in range(100_000)}),
            IDEA._replace(evidence={"n" * 65: 1.0}),
            IDEA._replace(evidence={"n" * 1_000_000: 1.0}),
            IDEA._replace(evidence={"": 1.0}),
            IDEA._replace(evidence={"\ud800": 1.0}),
            IDEA._replace(evidence={"x": 10**400}),
            IDEA._replace(reason="r" * 49),
            IDEA._replace(reason="r" * 1_000_000),
        ],
        ids=range(9),
    )
    def test_what_is_too_much_is_refused(self, idea: Idea) -> None:
        found = refused(made(Bad, say=lambda self: idea))
        assert {each["code"] for each in found} == {"strategy_error"}
        assert all(len(each["detail"]) <= MAX_DETAIL for each in found)

    def test_what_is_just_enough_is_told(self) -> None:
        idea = IDEA._replace(reason="r" * 48, evidence={f"{at:0>64}": 1.0 for at in range(32)})
        answer = scan(body(MARKET, None, [{"name": "bad", "params": {}}]), made(Bad, say=lambda self: idea))
        assert len(answer["signals"]) == 2 * DAYS

    def test_words_of_an_error_are_cut(self) -> None:
        def talks(_: Any) -> NoReturn:
            raise Invalid("x" * 10_000)

        assert len(refused(made(Bad, say=talks))[0]["detail"]) == MAX_DETAIL


class TestWhatJudgesIt:
    @KINDS
    def test_one_that_cannot_be_made_needs_no_history_and_cheats_nobody(self, kind: type[Bad]) -> None:
        of = plan({"AAA": walk(1, 60)}, [{"name": "bad", "params": {}}], known=made(kind, begin=raises(SystemExit)))
        assert lookahead(of) == []
        assert [each.declared for each in warmup(of)] == [1]

    def test_what_it_remembers_is_no_look_ahead(self) -> None:
        of = plan({"AAA": walk(1, 60)}, [{"name": "bad", "params": {}}], known=made(Bad, say=keeps(float("nan"))))
        assert lookahead(of) == []

    def test_a_walk_forward_of_one_that_cannot_be_made_trades_nothing(self) -> None:
        known = made(Bad, begin=raises(SystemExit))
        of = plan({"AAA": walk(1, 60)}, [{"name": "bad", "params": {}}], known=known)
        window = Window(0, 20 * HOUR.ms, 40 * HOUR.ms)
        found = walk_forward(of, [window], lambda part: Search(part, known=known).all([{}]), known=known)
        assert [(each.trades, each.gain) for each in found.steps] == [(0, 0.0)]


class TestItsOccasions:
    @pytest.mark.parametrize("places", [range(10**12), iter([1, 2]), [5, 5], [0.5]], ids=range(4))
    def test_what_is_no_path_is_refused(self, places: Any) -> None:
        assert told(made(Bad, occasions=lambda self, bars: places)) == [("AAA", "strategy_error", 0)]

    @pytest.mark.parametrize("error", ANY_ERROR)
    @pytest.mark.parametrize("method", ["occasions", "leap"])
    def test_what_it_raises_is_its_own_error(self, method: str, error: type[BaseException]) -> None:
        class Leaps(Bad):
            def occasions(self, bars: Bars) -> list[int]:
                return []

        does = {method: lambda self, bars: raises(error)(self)}
        assert told(made(Leaps, **does)) == [("AAA", "strategy_error", 0)]


CODE = '''
from brain.bar import Idea
from brain.strategy import Strategy
from pydantic import model_validator
from shared.model import Model

def forever():
    while True:
        try:
            [each for each in iter(int, 1)]
        except BaseException:
            pass

def at(place):
    if place == "PLACE":
        try:
            forever()
        except BaseException:
            pass

class NoParams(Model):
    @model_validator(mode="after")
    def _fits(self):
        return self

class Endless(Strategy[NoParams]):
    """Swallows that it is over, in one place."""
    name = "bad"
    version = 1
    params_model = NoParams

    def setup(self):
        at("setup")

    def on_candle(self, view):
        at("on_candle")
        return None

    def occasions(self, bars):
        at("occasions")
        return []
'''


class TestItsSteps:
    @pytest.fixture
    def known(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> Iterator[dict[str, type[AnyStrategy]]]:
        (tmp_path / "bad.py").write_text(CODE.replace("PLACE", request.param))
        package = ModuleType("swallowing_code")
        package.__path__ = [str(tmp_path)]
        monkeypatch.setitem(sys.modules, package.__name__, package)
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        yield {**STRATEGIES, **discover(package).strategies}
        sys.modules.pop(f"{package.__name__}.bad")

    @pytest.mark.parametrize("known", ["setup"], indirect=True)
    def test_too_many_before_the_first_bar_are_refused_even_if_it_hides_them(self, known: Any) -> None:
        assert [(each["symbol"], each["code"], each["bar_close_ms"]) for each in refused(known)] == [
            ("A", "over_budget", 0),
            ("B", "over_budget", 0),
        ]
        assert told(known) == [("AAA", "over_budget", 0)]

    @pytest.mark.parametrize("known", ["on_candle"], indirect=True)
    def test_too_many_on_a_bar_are_refused_even_if_it_hides_them(self, known: Any) -> None:
        assert [(each["code"], each["bar_close_ms"]) for each in refused(known)] == [("over_budget", DAY_MS)] * 2

    @pytest.mark.parametrize("known", ["occasions"], indirect=True)
    def test_too_many_over_a_series_are_refused_even_if_it_hides_them(self, known: Any) -> None:
        assert told(known) == [("AAA", "over_budget", 0)]

    @pytest.mark.parametrize("known", ["nowhere"], indirect=True)
    def test_whoever_runs_its_code_counts_anew(self, known: Any) -> None:
        STEPS.left = -1
        assert choices([{"name": "bad", "params": {}}], known)[0].strategy is known["bad"]
        STEPS.left = -1
        assert describe({}, known)["strategies"]
        STEPS.left = -1
        assert told(known) == []
        assert json.loads(rpc.describe("{}"))["ok"]


def test_many_symbols_of_a_market_have_each_a_budget_of_their_own() -> None:
    count = BUDGET // 2 + 1
    chosen = choices([{"name": "dual_momentum", "params": {"lookback": 2}}], STRATEGIES)
    desk = Mind("replay", Interval.D1, chosen)
    rows = [(f"S{number}", Bar(0, 1.0, 1.0, 1.0, 1.0, 1.0)) for number in range(count)]
    assert desk.close(DAY_MS, rows) == []
    assert desk.refusals() == []
