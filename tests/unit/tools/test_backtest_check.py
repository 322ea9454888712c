"""`make backtest` refuses before the run what would come to nothing, and says of a run that came to nothing why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from brain.registry import STRATEGIES
from brain.view import View
from tests.unit.brain.backtest.support import walk
from tools.backtest import __main__ as tool
from tools.backtest import options, study
from tools.failure import ToolError, run_main

pytestmark = pytest.mark.native
START_MS = 1_704_067_200_000


@pytest.fixture
def csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tool, "BUILD", tmp_path / "build")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    file = tmp_path / "made.csv"
    lines = [",".join(map(str, (START_MS + bar.open_time_ms, *bar[1:]))) for bar in walk(4, 300)]
    file.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    return file


def refused(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", ["backtest", *argv])
    with pytest.raises(ToolError) as raised:
        tool.main()
    return str(raised.value)


def search(space: str, kind: str = "grid") -> list[str]:
    return ["--search", kind, "--space", space]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--warmup", "300"], "--warmup 300: must be below the 300 bars"),
        (["--warmup", "99999"], "--warmup 99999: must be below the 300 bars"),
        (["--monte-carlo", "-1"], "--monte-carlo -1: must be 0 to 100000"),
        (["--markets", "100001"], "--markets 100001: must be 0 to 100000"),
        (["--markets", "2", "--block", "300"], "--block 300: must be 1 to 299, below the number of bars"),
        (search("fats=5:20:5"), "--space: fats is not a parameter of sma_cross; choose from "),
        (search("fast=600:900"), "--space fast: 600:900 lies outside of 1 … 200"),
        (search("fast=0:9"), "--space fast: 0:9 lies partly outside of 1 … 200"),
        (search("slow=300:9000:5", "evolution"), "--space slow: 300:9000:5 lies partly outside of 2 … 400"),
        (search("fast=2:9:0.5"), "--space fast: 2:9:0.5 must be whole numbers, the step too"),
        (search("fast=2:9.5", "random"), "--space fast: 2:9.5 must be whole numbers, the step too"),
        ([*search("fast=2:9", "random"), "--count", "0"], "--count 0: must be 1 to 10000"),
        ([*search("fast=2:9", "evolution"), "--count", "-3"], "--count -3: must be 1 to 10000"),
        (search("fast=1:200 slow=2:1000"), "space: 199800 combinations are more than 10000"),
        (search("fast=60:70 slow=20:30"), "--space: the strategy takes none of its combinations; the first: "),
        (search("fast=60:70 slow=20:30", "random"), "--space: the strategy takes none of its combinations; "),
        (search("fast=60:70 slow=20:30", "evolution"), "--space: the strategy takes none of its combinations; "),
        ([*search("fast=2:9"), "--walk-forward", "300,5"], "--walk-forward 300,5: train: 300 must be below the number"),
        ([*search("fast=2:9"), "--walk-forward", "200,0"], "--walk-forward 200,0: test: 0 must be at least 1"),
        (["--strategy", "pairs"], "pairs: first=AAA is no symbol of the data; choose from MADE, such as PARAMS='"),
        (["--strategy", "sma_cross, pairs first=MADE"], "pairs: second=BBB is no symbol of the data; choose from MADE"),
        (["--strategy", "pairs", *search("first=1:2")], "pairs: first=AAA is no symbol of the data"),
    ],
)
def test_what_would_come_to_nothing_is_not_run(
    csv: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], told: str
) -> None:
    def never(*_: object) -> Any:
        raise AssertionError("it was run")

    monkeypatch.setattr(tool, "run", never)
    assert refused(["--data", str(csv), *argv], monkeypatch).startswith(told)


def test_what_the_first_combination_is_refused_for_is_told(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "must be below slow" in refused(["--data", str(csv), *search("fast=60:70 slow=20:30")], monkeypatch)


def test_symbols_of_the_data_are_named_but_not_all_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(["--data", "us", "--strategy", "pairs first=IBM second=NOPE"], monkeypatch)
    assert told.startswith("pairs: second=NOPE is no symbol of the data; choose from AAPL, ")
    monkeypatch.setattr("tools.backtest.check.SHOWN_SYMBOLS", 2)
    assert " and 5 more, such as PARAMS='second=AAPL'" in refused(
        ["--data", "us", "--strategy", "pairs first=IBM second=NOPE"], monkeypatch
    )


def test_a_symbol_is_nothing_that_can_be_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["--data", "us", "--strategy", "pairs first=IBM second=AAPL", *search("first=1:2")]
    assert refused(argv, monkeypatch) == "--space first: 1:2 is a range, and the parameter a symbol; name it in PARAMS"


def test_a_search_whose_tries_were_all_refused_fails(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "evolve", lambda _space, attempts, *_: attempts([{"fast": 70, "slow": 20}] * 3))
    told = refused(["--data", str(csv), "--jobs", "1", *search("fast=2:9", "evolution")], monkeypatch)
    assert told == "--search: the strategy took none of the 3 combinations tried; mend --space"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"score": {},\n "sizing": ]}', r"not readable as JSON: .* at line 2 column 12"),
        (b"[" * 100_000, r"not readable as JSON: .* at line 1 column "),
        (b'{"score": {}, "score": null}', r"has 'score' twice in one object; which one is meant\?"),
    ],
)
@pytest.mark.parametrize("option", ["--decisions", "--account"])
def test_a_file_that_is_no_json_is_named_with_the_place(tmp_path: Path, option: str, text: bytes, words: str) -> None:
    file = tmp_path / "told.json"
    file.write_bytes(text)
    asked = options.arguments([option, str(file)])
    with pytest.raises(ToolError, match=f"^{option} {file}: {words}") as raised:
        options.decisions(asked) if option == "--decisions" else options.account(asked, "USD")
    assert "b'" not in str(raised.value)


def fail(monkeypatch: pytest.MonkeyPatch, name: str = "sma_cross", symbol: str = "") -> None:
    asked = STRATEGIES[name].on_candle

    def on_candle(self: Any, view: View) -> Any:
        if view.symbol == symbol or not symbol:
            raise RuntimeError("no such luck")
        return asked(self, view)

    monkeypatch.setattr(STRATEGIES[name], "on_candle", on_candle)
    monkeypatch.setattr(STRATEGIES[name], "occasions", lambda *_: None, raising=False)


def test_a_run_whose_only_strategy_failed_ends_with_1_after_its_report(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["backtest", "--data", str(csv), "--name", "failed"])
    with pytest.raises(SystemExit) as ended:
        run_main(tool.main)
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("wrote build/backtest/failed/")
    last = said.err.splitlines()[-1]
    assert last.startswith("error: sma_cross failed before anything was traded: ")
    assert "no such luck" in last
    told = json.loads((tmp_path / "build/backtest/failed/report.json").read_text())
    assert told["refused"][0]["code"] == "strategy_error"


@pytest.mark.parametrize(
    ("data", "strategies", "symbol"), [("us:IBM", "sma_cross, rsi_reversion", ""), ("us", "sma_cross", "AAPL")]
)
def test_a_run_of_which_something_went_on_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, csv: Path, data: str, strategies: str, symbol: str
) -> None:
    fail(monkeypatch, symbol=symbol)
    monkeypatch.setattr(sys, "argv", ["backtest", "--data", data, "--strategy", strategies])
    assert tool.main() == 0


def test_what_was_traded_before_the_failure_counts() -> None:
    asked = options.arguments(["--data", "us:IBM"])
    plan = options.plan_of(asked, tool.load("us:IBM"))
    why = {"by": "sma_cross", "symbol": "IBM", "code": "over_budget", "detail": "why"}
    told: dict[str, Any] = {"refused": [why], "trades": [], "open_symbols": []}
    assert tool.failed(plan, told) == "sma_cross failed before anything was traded: why"
    assert tool.failed(plan, {**told, "refused": [{**why, "symbol": ""}]})
    for more in ({"trades": [{}]}, {"open_symbols": ["IBM"]}, {"refused": [{**why, "code": "no_position"}]}):
        assert tool.failed(plan, {**told, **more}) == ""
