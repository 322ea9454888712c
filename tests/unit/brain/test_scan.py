"""The scan: deterministic, idempotent, indifferent to cuts and order, and one trouble never stops the rest."""

from __future__ import annotations

import copy
import json
import re
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain import rpc
from brain.bar import Idea
from brain.registry import STRATEGIES
from brain.scan import scan
from brain.strategy import Strategy
from brain.view import View
from shared.model import Action, Model, Proposal, Side, Signal
from tests.unit.brain.support import BOTH, DAY_MS, QUICK, body, columns, cut, prices, run, walk

EMPTY = columns([])


class Settings(Model):
    """No parameters."""


class Scripted(Strategy[Settings]):
    """Says what the test wants of every bar, and counts bars as its state."""

    name: ClassVar[str] = "scripted"
    version: ClassVar[int] = 3
    params_model: ClassVar[type[Model]] = Settings
    idea: ClassVar[Idea | None] = None
    fails_at: ClassVar[float | None] = None

    remembers: ClassVar[tuple[str, ...]] = ("count",)

    def setup(self) -> None:
        self.count = 0

    def on_candle(self, view: View) -> Idea | None:
        if view.bar.close == self.fails_at:
            raise ZeroDivisionError(f"no message of {object()!r} is shown")
        self.count += 1
        return self.idea


ENTRY = Idea(Action.ENTER, Side.BUY, 0.5, "wanted", {"number": 2.0}, 3.0, None)


def scripted(
    market: dict[str, Any], idea: Idea | None = ENTRY, fails_at: float | None = None, state: Any = None
) -> dict[str, Any]:
    """A scan with the scripted strategy beside a real one."""
    kind = type("Scripted", (Scripted,), {"idea": idea, "fails_at": fails_at})
    chosen = [{"name": "scripted", "params": {}}, QUICK[0]]
    answer: dict[str, Any] = scan(body(market, state, chosen), {**STRATEGIES, "scripted": kind})
    return answer


def learnt(answer: dict[str, Any], strategy: str, symbol: str) -> Any:
    [symbols] = [value for key, value in answer["state"]["strategies"].items() if key.startswith(f"{strategy}@")]
    return symbols.get(symbol)


markets = st.dictionaries(st.sampled_from(["A", "BTC-USD", "BRK.B", "X_1"]), prices(), max_size=4)


@settings(deadline=None, max_examples=50)
@given(market=markets)
def test_the_same_input_gives_the_same_bytes(market: dict[str, list[float]]) -> None:
    text = json.dumps(body({symbol: columns(closes) for symbol, closes in market.items()}))
    assert rpc.scan(text) == rpc.scan(text)


def test_the_input_is_left_as_it_was() -> None:
    market = {"A": columns(walk(1, 80))}
    request = body(market, run({"A": cut(market["A"], 0, 40)})["state"])
    before = copy.deepcopy(request)
    scan(request)
    assert request == before


@settings(deadline=None, max_examples=60)
@given(closes=prices(), cuts=st.lists(st.integers(0, 60), max_size=4), overlap=st.integers(0, 5))
def test_any_cut_of_the_series_through_json_gives_what_one_pass_gives(
    closes: list[float], cuts: list[int], overlap: int
) -> None:
    series = columns(closes)
    whole = run({"A": series})
    state, signals, start = None, [], 0
    for stop in [*sorted(cuts), len(closes)]:
        answer = run({"A": cut(series, max(0, start - overlap), stop)}, state)
        state, start = answer["state"], max(start, stop)
        signals += answer["signals"]
    by_id = {signal["id"]: signal for signal in signals}
    assert len(by_id) == len(signals)
    assert by_id == {signal["id"]: signal for signal in whole["signals"]}
    assert state == whole["state"]


@settings(deadline=None, max_examples=30)
@given(market=markets, chance=st.randoms(use_true_random=False))
def test_the_order_of_the_symbols_changes_no_byte(market: dict[str, list[float]], chance: Any) -> None:
    symbols = list(market)
    chance.shuffle(symbols)
    one = rpc.scan(json.dumps(body({symbol: columns(market[symbol]) for symbol in market})))
    other = rpc.scan(json.dumps(body({symbol: columns(market[symbol]) for symbol in symbols})))
    assert one == other


@settings(deadline=None, max_examples=30)
@given(market=markets)
def test_symbols_do_not_touch_each_other(market: dict[str, list[float]]) -> None:
    together = run({symbol: columns(closes) for symbol, closes in market.items()})
    for symbol, closes in market.items():
        alone = run({symbol: columns(closes)})
        mine = [signal for signal in together["signals"] if signal["instrument"] == f"replay:{symbol}"]
        assert mine == alone["signals"]
        for key, symbols in alone["state"]["strategies"].items():
            assert symbols == {
                name: entry for name, entry in together["state"]["strategies"][key].items() if name == symbol
            }


@settings(deadline=None, max_examples=40)
@given(closes=prices())
def test_the_same_bars_twice_are_the_same_as_once(closes: list[float]) -> None:
    once = run({"A": columns(closes)})
    twice = run({"A": columns(closes)}, once["state"])
    assert twice == {"signals": [], "proposals": [], "refused": [], "state": once["state"]}


def test_signals_come_for_every_new_bar_and_proposals_only_for_the_newest() -> None:
    series = columns(walk(4, 300))
    whole = run({"A": series})
    assert len(whole["signals"]) > 20
    newest = series["t"][-1] + DAY_MS
    assert {proposal["bar_close_ms"] for proposal in whole["proposals"]} <= {newest}
    state, proposed = None, []
    for stop in range(1, 301):
        answer = run({"A": cut(series, stop - 1, stop)}, state)
        state = answer["state"]
        proposed += [proposal["signal_id"] for proposal in answer["proposals"]]
        assert [signal["id"] for signal in answer["signals"]] == [p["signal_id"] for p in answer["proposals"]]
    assert sorted(proposed) == sorted(signal["id"] for signal in whole["signals"])


def test_signals_and_proposals_are_those_of_the_model_and_agree() -> None:
    series = columns(walk(4, 300))
    state = None
    for stop in range(1, 301):
        answer = run({"A": cut(series, stop - 1, stop)}, state)
        state = answer["state"]
        for written, proposed in zip(answer["signals"], answer["proposals"], strict=True):
            signal, proposal = Signal.parse(json.dumps(written)), Proposal.parse(json.dumps(proposed))
            assert proposal.price == Decimal(repr(signal.price))
            assert signal.bar_close_ms == series["t"][stop - 1] + DAY_MS
            for field in ("strategy", "version", "params", "instrument", "bar_close_ms", "action", "side"):
                assert getattr(signal, field) == getattr(proposal, field)


def test_new_symbols_and_missing_ones_leave_the_others_learnt() -> None:
    first = run({"A": columns(walk(1, 30))})
    second = run({"B": columns(walk(2, 30))}, first["state"])
    assert learnt(second, "sma_cross", "A") == learnt(first, "sma_cross", "A")
    assert learnt(second, "sma_cross", "B")


def test_a_strategy_that_is_added_warms_up_on_bars_that_the_others_know() -> None:
    market = {"A": columns(walk(1, 30))}
    first = run(market, None, QUICK[:1])
    second = run(market, first["state"], QUICK)
    assert learnt(second, "sma_cross", "A") == learnt(first, "sma_cross", "A")
    assert {signal["strategy"] for signal in second["signals"]} == {"rsi_reversion"}
    grown = {"A": columns(walk(1, 31))}
    assert run(grown, second["state"])["state"] == run(grown)["state"]


def test_a_strategy_that_is_no_longer_asked_for_is_forgotten() -> None:
    first = run({"A": columns(walk(1, 30))}, None, QUICK)
    second = run({}, first["state"], QUICK[:1])
    assert [key.split("@")[0] for key in second["state"]["strategies"]] == ["sma_cross"]


def test_other_parameters_learn_apart() -> None:
    other = {"name": "sma_cross", "params": {"fast": 3, "slow": 4, "atr_period": 3}}
    assert len(run({"A": columns(walk(1, 30))}, None, [QUICK[0], other])["state"]["strategies"]) == 2


def test_the_hash_of_parameters_holds_the_defaults_and_not_how_they_are_written() -> None:
    spelled = [{"name": "sma_cross", "params": {"slow": 20, "fast": 5, "stop_atr": 2}}]
    market = {"A": columns(walk(1, 60))}
    assert run(market, None, spelled) == run(market, None, BOTH[:1])


def test_an_empty_market_and_an_empty_series_are_no_trouble() -> None:
    assert run({})["refused"] == []
    answer = run({"A": EMPTY})
    assert answer["refused"] == []
    assert answer["signals"] == []


def test_a_strategy_that_raises_is_refused_and_the_others_go_on() -> None:
    closes = walk(1, 40)
    good = scripted({"A": columns(closes[:30])})
    answer = scripted({"A": columns(closes), "B": columns(walk(2, 40))}, fails_at=closes[35], state=good["state"])
    [refused] = answer["refused"]
    assert refused["strategy"] == "scripted"
    assert refused["symbol"] == "A"
    assert refused["code"] == "strategy_error"
    assert refused["bar_close_ms"] == 36 * DAY_MS
    assert re.fullmatch(r"ZeroDivisionError: .* at 0x> is shown, line \d+", refused["detail"])
    assert learnt(answer, "scripted", "A") == learnt(good, "scripted", "A") == [29 * DAY_MS, ["", [30]]]
    assert learnt(answer, "scripted", "B") == [39 * DAY_MS, ["", [40]]]
    assert learnt(answer, "sma_cross", "A")[0] == 39 * DAY_MS
    assert not [s for s in answer["signals"] if s["strategy"] == "scripted" and s["instrument"] == "replay:A"]


def test_a_strategy_that_was_refused_catches_up_later_and_the_others_do_not_repeat() -> None:
    closes = walk(1, 40)
    market = {"A": columns(closes)}
    broken = scripted(market, fails_at=closes[35])
    mended = scripted(market, state=broken["state"])
    assert {signal["strategy"] for signal in mended["signals"]} == {"scripted"}
    assert len(mended["signals"]) == 40
    assert mended["state"] == scripted(market)["state"]
    longer = {"A": columns(walk(1, 60))}
    whole, later = scripted(longer), scripted(longer, state=broken["state"])
    assert later["state"] == whole["state"]
    fresh = [one for one in whole["signals"] if one["strategy"] == "scripted" or one["bar_close_ms"] > 40 * DAY_MS]
    assert later["signals"] == fresh


@pytest.mark.parametrize(
    "idea",
    [
        ENTRY._replace(score=1.5),
        ENTRY._replace(stop_distance=float("nan")),
        ENTRY._replace(stop_distance=-1.0),
        ENTRY._replace(reason="Not a code"),
        ENTRY._replace(evidence={"x": float("inf")}),
    ],
)
def test_an_idea_that_no_signal_may_hold_is_the_strategys_error(idea: Idea) -> None:
    answer = scripted({"A": columns([100.0])}, idea)
    assert [(one["strategy"], one["code"]) for one in answer["refused"]] == [("scripted", "strategy_error")]
    assert answer["refused"][0]["detail"].startswith("Invalid: ")
    assert learnt(answer, "scripted", "A") is None


@pytest.mark.parametrize(
    ("idea", "close", "code"),
    [
        (ENTRY._replace(stop_distance=1e-11), 100.0, "stop_too_near"),
        (ENTRY._replace(target_distance=1e-11), 100.0, "target_too_near"),
        (ENTRY._replace(stop_distance=100.0), 100.0, "stop_below_zero"),
        (ENTRY._replace(side=Side.SELL, target_distance=101.0), 100.0, "target_below_zero"),
    ],
)
def test_a_distance_that_no_order_can_have_is_refused_but_the_signal_stands(
    idea: Idea, close: float, code: str
) -> None:
    answer = scripted({"A": columns([close])}, idea)
    assert [one["code"] for one in answer["refused"]] == [code]
    assert answer["proposals"] == []
    assert len(answer["signals"]) == 1
    assert learnt(answer, "scripted", "A") == [0, ["", [1]]]


@pytest.mark.parametrize(
    ("close", "stop", "price_text", "stop_text"),
    [
        (0.1 + 0.2, 1 / 3 / 10, "0.3", "0.0333333333"),
        (1e15, 2.5, "1000000000000000", "2.5"),
        (1e-9, 5e-10, "0.000000001", "0.0000000005"),
        (123.45, 100.0, "123.45", "100"),
        (7, 0.00000000005000001, "7", "0.0000000001"),
    ],
)
def test_prices_are_written_as_exact_text(close: float, stop: float, price_text: str, stop_text: str) -> None:
    [proposal] = scripted({"A": columns([close])}, ENTRY._replace(stop_distance=stop))["proposals"]
    assert (proposal["price"], proposal["stop_distance"]) == (price_text, stop_text)
    assert proposal["target_distance"] is None
    assert proposal["reason"] == "wanted number=2"


def test_ids_are_frozen() -> None:
    [signal] = scripted({"A": columns([100.0])})["signals"]
    assert signal["id"] == "c91e76604c2dc63fec9f2b955bd36886"  # pragma: allowlist secret
    assert signal["version"] == 3
