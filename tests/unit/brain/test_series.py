"""Bad series: refused with the bar's time and a code, without touching what was learnt or the other symbols."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from brain import rpc, series
from brain.bar import Bar
from brain.bars import Bars
from tests.unit.brain.support import DAY_MS, body, columns, cut, run, walk

GOOD = columns(walk(1, 40))
HALF = cut(GOOD, 0, 30)
LAST = {name: column[-1] for name, column in GOOD.items()}


def changed(**values: Any) -> dict[str, list[Any]]:
    """The good series with another newest bar."""
    return {name: [*column[:-1], values.get(name, column[-1])] for name, column in GOOD.items()}


BAD: dict[str, tuple[Any, str, int]] = {
    "not an object": ([], "bad_columns", 0),
    "a missing column": ({name: GOOD[name] for name in "tohlc"}, "bad_columns", 0),
    "an unknown column": ({**GOOD, "n": GOOD["v"]}, "bad_columns", 0),
    "a column that is no list": ({**GOOD, "c": "1,2,3"}, "bad_columns", 0),
    "columns of unequal length": ({**GOOD, "c": GOOD["c"][:-1]}, "unequal_columns", 40 * DAY_MS),
    "unequal and without a time": ({**GOOD, "t": []}, "unequal_columns", 0),
    "a time that is text": (changed(t="2004-08-19"), "bad_time", 0),
    "a time with a fraction": (changed(t=1.5), "bad_time", 0),
    "a time that is a truth value": (changed(t=True), "bad_time", 0),
    "a time before 1970": ({**GOOD, "t": [at - DAY_MS for at in GOOD["t"]]}, "bad_time", 0),
    "a time that no clock has": (changed(t=2**60 * DAY_MS), "bad_time", 0),
    "a time twice": (changed(t=GOOD["t"][-2]), "not_ascending", 39 * DAY_MS),
    "a time that goes back": (changed(t=GOOD["t"][3]), "not_ascending", 4 * DAY_MS),
    "a time far before 1970": (changed(t=-(10**30)), "not_ascending", 0),
    "a time off the grid": (changed(t=LAST["t"] + 1), "misaligned", 40 * DAY_MS + 1),
    "a price that is NaN": (changed(c=math.nan), "not_finite", 40 * DAY_MS),
    "a price that is infinite": (changed(h=math.inf), "not_finite", 40 * DAY_MS),
    "a price that is minus infinite": (changed(low=1, l=-math.inf), "not_finite", 40 * DAY_MS),
    "a price below 0": (changed(o=-1.0), "not_positive", 40 * DAY_MS),
    "a price of 0": (changed(l=0), "not_positive", 40 * DAY_MS),
    "a price that is text": (changed(c="100"), "not_a_number", 40 * DAY_MS),
    "a price that is null": (changed(o=None), "not_a_number", 40 * DAY_MS),
    "a price that is a truth value": (changed(o=True), "not_a_number", 40 * DAY_MS),
    "a price too large": (changed(h=10**400), "out_of_range", 40 * DAY_MS),
    "a price too small": (changed(l=1e-12), "out_of_range", 40 * DAY_MS),
    "a volume below 0": (changed(v=-1), "not_positive", 40 * DAY_MS),
    "a volume that is NaN": (changed(v=math.nan), "not_finite", 40 * DAY_MS),
    "a volume too large": (changed(v=1e300), "out_of_range", 40 * DAY_MS),
    "a high below the low": (changed(h=LAST["l"] / 2), "bad_range", 40 * DAY_MS),
    "a close above the high": (changed(c=LAST["h"] * 2), "bad_range", 40 * DAY_MS),
    "an open forty times the close before it": (
        changed(**{name: LAST[name] * 40 for name in "ohlc"}),
        "price_jump",
        40 * DAY_MS,
    ),
    "an open a fortieth of the close before it": (
        changed(**{name: LAST[name] / 40 for name in "ohlc"}),
        "price_jump",
        40 * DAY_MS,
    ),
    "an open below the low": (changed(o=LAST["l"] / 2), "bad_range", 40 * DAY_MS),
}


def test_a_jump_is_seen_from_the_last_bar_that_is_known_and_from_no_nonsense() -> None:
    jump = changed(**{name: LAST[name] * 40 for name in "ohlc"})
    newest = [bar.open_time_ms for bar in series.read(GOOD, DAY_MS, -1)][-1]
    found = series.read(jump, DAY_MS, newest - 1)
    assert isinstance(found, series.Refusal)
    assert found.code == "price_jump"
    for nonsense in (None, "1", 0, -1.0):
        closes = [*jump["c"][:-2], nonsense, jump["c"][-1]]
        assert isinstance(series.read({**jump, "c": closes}, DAY_MS, newest - 1), list)
    alone = {name: column[-1:] for name, column in jump.items()}
    assert isinstance(series.read(alone, DAY_MS, -1), list)


@pytest.mark.parametrize("what", BAD)
def test_read_as_a_whole_it_is_refused_with_the_same_words(what: str) -> None:
    bad, code, bar_close_ms = BAD[what]
    found = series.whole(bad, DAY_MS)
    assert isinstance(found, series.Refusal)
    assert found == series.read(bad, DAY_MS, -1)
    assert found[:2] == (bar_close_ms, code)


def test_a_good_one_read_as_a_whole_is_the_same_bars() -> None:
    whole = {name: [int(value) for value in column] if name == "v" else column for name, column in GOOD.items()}
    found = series.whole(whole, DAY_MS)
    assert found == series.read(GOOD, DAY_MS, -1)
    assert isinstance(found, Bars)
    assert {type(value) for column in found.columns()[1:] for value in column} == {float}
    nothing = series.whole({name: [] for name in "tohlcv"}, DAY_MS)
    assert isinstance(nothing, Bars)
    assert not nothing


@pytest.mark.parametrize("what", BAD)
def test_a_bad_series_is_refused_and_never_stops_the_others(what: str) -> None:
    bad, code, bar_close_ms = BAD[what]
    before = run({"A": HALF, "B": HALF})
    answer = run({"A": bad, "B": GOOD}, before["state"])
    assert answer["refused"] == [
        {
            "strategy": "",
            "symbol": "A",
            "bar_close_ms": bar_close_ms,
            "code": code,
            "detail": answer["refused"][0]["detail"],
        }
    ]
    alone = run({"B": GOOD}, before["state"])
    assert {**answer, "refused": []} == alone
    for key, symbols in before["state"]["strategies"].items():
        assert answer["state"]["strategies"][key]["A"] == symbols["A"]


def test_every_detail_says_what_is_wrong() -> None:
    details = {what: run({"A": bad})["refused"][0]["detail"] for what, (bad, _, _) in BAD.items()}
    assert details["a price that is NaN"] == "close must be finite"
    assert details["a high below the low"].endswith("does not hold")
    assert details["columns of unequal length"] == "columns differ in length: t 40, o 40, h 40, l 40, c 39, v 40"
    assert all(details.values())


def test_1e400_in_the_text_is_infinite_and_refused() -> None:
    text = json.dumps(body({"A": columns([100.0])})).replace("100.0", "1e400")
    [refused] = json.loads(rpc.scan(text))["value"]["refused"]
    assert (refused["code"], refused["bar_close_ms"]) == ("not_finite", DAY_MS)


@pytest.mark.parametrize("symbol", ["", "aapl", "A" * 33, "A B", "A\n", "A'; DROP TABLE orders;--", "Ä"])
def test_a_name_that_no_symbol_has_is_refused(symbol: str) -> None:
    answer = run({symbol: GOOD, "B": GOOD})
    assert [(one["symbol"], one["code"]) for one in answer["refused"]] == [(symbol, "bad_symbol")]
    assert {**answer, "refused": []} == run({"B": GOOD})


def test_what_is_wrong_at_or_before_the_watermark_was_judged_then() -> None:
    before = run({"A": HALF})
    worse = {**GOOD, "c": [math.nan, *GOOD["c"][1:]]}
    assert run({"A": worse}, before["state"]) == run({"A": GOOD}, before["state"])
    assert run({"A": worse})["refused"][0]["bar_close_ms"] == DAY_MS


def test_a_gap_in_time_is_no_fault() -> None:
    weekend = {name: column[:5] + column[7:] for name, column in GOOD.items()}
    assert run({"A": weekend})["refused"] == []


def test_whole_numbers_are_numbers() -> None:
    read = series.read({"t": [0], "o": [1], "h": [3], "l": [1], "c": [2], "v": [0]}, DAY_MS, -1)
    assert read == [Bar(0, 1.0, 3.0, 1.0, 2.0, 0.0)]
    assert [type(value) for value in read[0][1:]] == [float] * 5
