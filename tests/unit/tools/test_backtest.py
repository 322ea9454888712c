"""`make backtest`: what it takes, what it writes, what it refuses."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, model_validator

from brain import request
from brain.backtest.search import Range
from brain.registry import STRATEGIES
from shared.errors import Invalid
from shared.model import Model
from tests.unit.brain.backtest.support import HOUR, walk
from tools.backtest import __main__ as tool
from tools.backtest import options
from tools.backtest.data import load
from tools.backtest.evolve import evolve
from tools.backtest.study import How
from tools.failure import ToolError, run_main

pytestmark = pytest.mark.native
START_MS = 1_704_067_200_000


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "made.csv"
    lines = [",".join(map(str, (START_MS + bar.open_time_ms, *bar[1:]))) for bar in walk(4, 700)]
    file.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    return file


def ran(argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any], str]:
    """Exit code, report.json, report.html."""
    monkeypatch.setattr(tool, "BUILD", tmp_path / "build")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["backtest", *argv, "--name", "Test run"])
    code = tool.main()
    folder = tmp_path / "build/backtest/test-run"
    return code, json.loads((folder / "report.json").read_text()), (folder / "report.html").read_text()


def test_a_run_with_everything_asked_for(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--data", str(csv), "--params", "fast=4 slow=12 stop_atr=1.5", "--bias", "--monte-carlo", "50"]
    argv += ["--search", "random", "--space", "fast=2:6 slow=10:30", "--count", "4", "--markets", "2", "--fee-bps", "0"]
    code, told, html = ran(argv, tmp_path, monkeypatch)
    assert code == 0
    assert told["metrics"]["trades"] == len(told["trades"]) > 5
    assert told["bias"]["lookahead"] == []
    assert len(told["search"]["trials"]) == 4
    assert told["monte_carlo"]["other_orders"]["runs"] == 50
    assert told["markets"]["p50"] <= told["markets"]["p95"]
    said = capsys.readouterr().out
    assert said.count(told["fingerprint"]) == 1
    for word in ("Sharpe", "Trades", "Nobody saw the future", "Search (random)", "deflated", "Chance", "MADE"):
        assert word in said
        assert word in html or word == "deflated"
    assert "wrote build/backtest/test-run/report.html" in said


def test_what_was_not_said_is_told_with_how_to_say_it(monkeypatch: pytest.MonkeyPatch, csv: Path) -> None:
    for name in ("STRATEGY", "DATA", "PARAMS"):
        monkeypatch.delenv(name, raising=False)
    told = options.chosen(options.arguments([]))
    assert told.startswith("taking STRATEGY=sma_cross, DATA=us:IBM, since nothing else was said; choose with\n")
    assert all(name in told for name in (*STRATEGIES, "us, fx", "CSV file"))
    half = options.chosen(options.arguments(["--data", str(csv)]))
    assert half.startswith("taking STRATEGY=sma_cross, since")
    monkeypatch.setenv("STRATEGY", "rsi_reversion")
    assert options.chosen(options.arguments(["--data", str(csv)])) == ""
    assert options.arguments([]).strategy == "rsi_reversion"


def test_other_parameters_are_written_to_another_folder(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "BUILD", tmp_path / "build")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    for params in ("fast=4", "fast=6", "fast=4"):
        monkeypatch.setattr(sys, "argv", ["backtest", "--data", str(csv), "--params", params])
        tool.main()
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("wrote ")]
    assert said[0] == said[2] != said[1]
    folders = sorted(path.name for path in (tmp_path / "build/backtest").iterdir())
    assert len(folders) == 2
    assert all(re.fullmatch(r"sma_cross-[0-9a-f]{8}-made", name) for name in folders)
    html = (tmp_path / "build/backtest" / folders[0] / "report.html").read_text()
    assert "sma_cross (version " in html


def test_the_same_command_gives_the_same_report(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["--data", str(csv), "--search", "random", "--space", "fast=2:6", "--count", "3", "--monte-carlo", "20"]
    assert ran(argv, tmp_path, monkeypatch)[1:] == ran(argv, tmp_path, monkeypatch)[1:]


def test_walk_forward(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = ["--data", str(csv), "--search", "grid", "--space", "fast=2:6:2 slow=10:20:10", "--walk-forward", "300,200"]
    _, told, html = ran(argv, tmp_path, monkeypatch)
    assert [step["trades"] >= 0 for step in told["walk_forward"]["steps"]] == [True, True]
    assert len(told["walk_forward"]["equity"]) == 400
    assert "Walk forward" in html


def test_a_recorded_market() -> None:
    found = load("us:IBM")
    assert (found.venue, found.name, found.currency) == ("us", "us-ibm", "USD")
    assert set(found.columns) == {"IBM"}
    assert set(load("us").columns) > {"IBM", "AAPL"}


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--data", "nothing.csv"], "neither a CSV file nor a recorded market"),
        (["--data", "us:NOPE"], "choose one of"),
        (["--interval", "1h", "--data", "us:IBM"], "leave it out"),
        (["--strategy", "nope"], "is not a known strategy"),
        (["--params", "fast"], "must be name=value"),
        (["--params", "fast=1 fast=2"], "twice"),
        (["--params", "fast=40"], "must be below slow"),
        (["--params", "fats=4"], "fats"),
        (["--cash", "-5"], "cash"),
        (["--walk-forward", "10,10"], "--search is missing"),
        (["--search", "grid"], "space"),
        (["--search", "grid", "--space", "fast=1:9999999:1"], "combinations"),
        (["--search", "grid", "--space", "fast=2:4", "--walk-forward", "10"], "1000,250"),
        (["--account", "none.json"], "--account"),
        (["--decisions", "none.json"], "--decisions: .*name a JSON file"),
        (["--strategy", "sma_cross,"], "a name is missing beside a comma"),
        (["--strategy", "sma_cross fast=3, nope"], "strategies.1.name: 'nope' is not a known strategy"),
        (["--strategy", "sma_cross fast=3, sma_cross fast=3"], "stands there twice"),
        (["--strategy", "sma_cross fast, rsi_reversion"], "STRATEGY: 'fast' must be name=value"),
        (["--strategy", "sma_cross fast=3", "--params", "fast=4"], "fast stands there twice"),
        (["--strategy", "sma_cross, rsi_reversion", "--params", "fast=4"], "write them behind its name"),
        (
            ["--strategy", "sma_cross, rsi_reversion", "--search", "grid", "--space", "fast=2:4"],
            "for one strategy, not 2",
        ),
        (["--data", "us", "--markets", "2"], "is for one symbol"),
        (["--warmup", "-1"], "warmup_bars"),
        (
            ["--data", "us:IBM", "--params", "fast=200 slow=400", "--warmup", "3200", "--monte-carlo", "5"],
            "no trade was closed",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    argv: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ToolError, match=told):
        ran(argv, tmp_path, monkeypatch)


def test_an_account_from_a_file(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = options.arguments(["--data", str(csv)])
    made = {**options.account(asked, "USD"), "protections": {"max_drawdown": {"limit_bps": 10}}}
    file = tmp_path / "account.json"
    file.write_text(json.dumps(made))
    argv = ["--data", str(csv), "--account", str(file), "--cash", "5000"]
    _, told, _ = ran(argv, tmp_path, monkeypatch)
    assert told["curve"]["equity"][0] == 5000.0
    assert told["halted"]
    file.write_text(json.dumps({**made, "cahs": "1"}))
    with pytest.raises(ToolError, match="cahs"):
        ran(argv, tmp_path, monkeypatch)


TEAM = "sma_cross fast=4 slow=12, rsi_reversion"


def test_several_strategies_each_with_its_own_parameters(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told, html = ran(["--data", str(csv), "--strategy", TEAM], tmp_path, monkeypatch)
    assert [each["name"] for each in told["strategies"]] == ["sma_cross", "rsi_reversion"]
    assert [told["strategies"][0]["params"][name] for name in ("fast", "slow")] == [4, 12]
    assert told["decisions"] is None
    assert "every strategy for itself" in html
    assert f"{TEAM} on {csv}" in told["title"]
    alone = ran(["--data", str(csv), "--params", "fast=4 slow=12"], tmp_path, monkeypatch)[1]
    assert alone["fingerprint"] != told["fingerprint"]
    inline = ran(["--data", str(csv), "--strategy", "sma_cross fast=4", "--params", "slow=12"], tmp_path, monkeypatch)[
        1
    ]
    assert inline["fingerprint"] == alone["fingerprint"]


def test_decisions_come_from_a_file_and_are_named(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "stages.json"
    stages: dict[str, Any] = {
        "committee": {"enter_at": 0.1, "exit_at": 0},
        "sizing": {"kind": "fixed", "risk_bps": "25"},
    }
    file.write_text(json.dumps(stages))
    argv = ["--data", str(csv), "--strategy", TEAM]
    apart = ran(argv, tmp_path, monkeypatch)[1]
    _, told, html = ran([*argv, "--decisions", str(file)], tmp_path, monkeypatch)
    assert told["fingerprint"] != apart["fingerprint"]
    assert told["decisions"]["sizing"] == stages["sizing"]
    assert "decisions: committee" in html
    assert "kind=fixed risk_bps=25" in html
    assert f"{TEAM}, decisions by committee, sizing on {csv}" in told["title"]
    for text, words in (
        ('{"comittee": {}}', "stages.json: comittee"),
        ("[1", "stages.json: "),
        ("\xff", "stages.json: "),
    ):
        file.write_bytes(text.encode("latin-1"))
        with pytest.raises(ToolError, match=words):
            ran([*argv, "--decisions", str(file)], tmp_path, monkeypatch)


def test_other_decisions_are_written_to_another_folder(csv: Path, tmp_path: Path) -> None:
    data = load(str(csv))
    file = tmp_path / "stages.json"
    file.write_text('{"score": {}}')
    many = ", ".join(f"sma_cross fast={fast}" for fast in range(2, 8))
    asked = [["--strategy", TEAM], ["--strategy", "sma_cross"], ["--strategy", many]]
    folders = [
        tool.folder_of(options.plan_of(options.arguments(["--data", str(csv), *each, *more]), data))
        for each in asked
        for more in ([], ["--decisions", str(file)])
    ]
    assert len(set(folders)) == len(folders)
    assert re.fullmatch(r"sma_cross-rsi_reversion-[0-9a-f]{8}", folders[0])
    assert re.fullmatch(r"sma_cross-sma_cross-sma_cross-and-more-[0-9a-f]{8}", folders[4])


def test_the_committee_of_the_docs_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = Path(__file__).parents[3] / "docs"
    [line] = re.findall(
        r"^make backtest (.*--decisions .*)$", (docs / "decisions.md").read_text(encoding="utf-8"), re.M
    )
    said = dict(each.split("=", 1) for each in shlex.split(line))
    for name in ("STRATEGY", "DATA"):
        monkeypatch.setenv(name, said[name])
    option, file = shlex.split(said["ARGS"])
    _, told, html = ran([option, str(docs.parent / file)], tmp_path, monkeypatch)
    assert len(told["strategies"]) == 3
    assert {name for name, value in told["decisions"].items() if value} == set(
        json.loads((docs.parent / file).read_text())
    )
    # all of it does something on these bars
    assert len(told["trades"]) > 5
    assert {"voted", "veto:torn"} <= {each["code"] for each in told["refused"]}
    assert "decisions: policy 0" in html


def test_variables_of_make_are_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("STRATEGY", "rsi_reversion"), ("DATA", "fx"), ("PARAMS", "period=9 oversold=30.5")):
        monkeypatch.setenv(name, value)
    asked = options.arguments([])
    assert (asked.strategy, asked.data) == ("rsi_reversion", "fx")
    assert options.values(asked.params) == {"period": 9, "oversold": 30.5}


def test_a_cheat_ends_with_2(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from brain.backtest import bias

    cheat = bias.Cheat("sma_cross", "MADE", HOUR.ms, None, bias.Said("enter"), "another idea")
    monkeypatch.setattr(tool.study.bias, "lookahead", lambda _: [cheat])
    code, told, html = ran(["--data", str(csv), "--bias"], tmp_path, monkeypatch)
    assert code == 2
    assert told["bias"]["lookahead"][0]["bar_close_ms"] == HOUR.ms
    assert "saw what they could not have seen" in html


@pytest.mark.parametrize("count", [5, 40])
def test_evolution_finds_the_hill_within_its_tries(count: int) -> None:
    from brain.backtest.search import Trial

    def climb(seed: int) -> list[tuple[float, float]]:
        tries: list[tuple[float, float]] = []

        def attempt(params: Any) -> Trial | None:
            tries.append((params["a"], params["b"]))
            if params["a"] == 3:
                return None
            return Trial(params, -((params["a"] - 12) ** 2) - (params["b"] - 0.4) ** 2, 1, None)

        space = {"a": Range(0, 20), "b": Range(0.0, 1.0, 0.1)}
        evolve(space, lambda candidates: list(map(attempt, candidates)), count, seed)
        return tries

    tries = climb(3)
    assert len(tries) == len(set(tries)) <= count
    assert all(type(a) is int and 0 <= a <= 20 and b in [at / 10 for at in range(11)] for a, b in tries)
    assert tries == climb(3)
    if count == 40:
        assert min(abs(a - 12) for a, _ in tries) <= 1


def test_how_a_search_is_read() -> None:
    asked = options.arguments(["--search", "evolution", "--space", "fast=2:6", "--count", "7", "--seed", "3"])
    assert options.how_of(asked) == How("evolution", {"fast": Range(2, 6)}, 7, 3, "sharpe")
    assert options.how_of(options.arguments([])) is None
    with pytest.raises(Invalid):
        How("grid", {"fast": Range(0.1, 0.5)}, 1, 1, "sharpe").space["fast"].values()


def refused_in_a_line(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run_main(tool.main)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {words}")
    assert said.count("\n") == 1


LINE = "brain/strategies/foo.py could not be loaded: ImportError: no such thing, line 3"


def test_a_broken_file_that_is_not_asked_for_is_told_of_and_stops_nothing(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ran(["--data", str(csv)], tmp_path, monkeypatch)
    assert capsys.readouterr().err.count("could not be loaded") == 0
    monkeypatch.setattr(tool, "BROKEN", {"foo": LINE})
    assert ran(["--data", str(csv)], tmp_path, monkeypatch) == whole
    assert f"warning: {LINE}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("foo", f"strategies.0.name: 'foo' is not a strategy as it stands; {LINE}; mend it"),
        ("sma_cross, foo", f"strategies.1.name: 'foo' is not a strategy as it stands; {LINE}; mend it"),
        ("sma_crss", "strategies.0.name: 'sma_crss' is not a known strategy; choose one of "),
        ("sma_cross fst=2, rsi_reverson", "strategies.1.name: 'rsi_reverson' is not a known strategy; choose one of "),
    ],
)
@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--search", "grid", "--space", "fast=3:5"],
        ["--account", "none.json"],
        ["--decisions", "none.json"],
        ["--cash", "-5"],
        ["--warmup", "-1"],
    ],
)
def test_a_strategy_that_is_not_there_is_blamed_before_anything_else(
    csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: str,
    words: str,
    more: list[str],
) -> None:
    monkeypatch.setattr(request, "BROKEN", {"foo": LINE})
    monkeypatch.setattr(sys, "argv", ["backtest", "--data", str(csv), "--strategy", named, *more])
    refused_in_a_line(capsys, words)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--bogus"], "unrecognized arguments: --bogus; --help tells what there is"),
        (["--jobs", "0"], "argument --jobs: '0' must be a whole number from 1 to 256; --help tells what there is"),
        (["--search", "luck"], "argument --search: invalid choice: 'luck'"),
        (["--data", "nothing.csv"], "DATA='nothing.csv': "),
        (["--data", "us:IBM", "--params", "fast=40"], "strategies.0.params"),
        (["--data", "us:IBM", "--strategy", ", ".join(f"sma_cross fast={n}" for n in range(1, 66))], "strategies: 65 "),
    ],
)
def test_no_error_ends_with_what_says_that_a_strategy_saw_the_future(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["backtest", *argv])
    refused_in_a_line(capsys, words)


def test_what_there_is_is_told_without_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options.arguments(["--help"])
    assert not ended.value.code
    assert "--walk-forward TRAIN,TEST" in capsys.readouterr().out


def test_parameters_whose_own_check_fails_are_refused_in_one_line(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Params(Model):
        fast: int = Field(default=1, ge=1, le=9, description="bars")

        @model_validator(mode="after")
        def _fits(self) -> Params:
            1 // (self.fast - 2)
            return self

    monkeypatch.setattr(STRATEGIES["sma_cross"], "params_model", Params)
    with pytest.raises(ToolError, match=r"^strategies\.0\.params: .*its check failed: ZeroDivisionError: [a-z ]+$"):
        ran(["--data", str(csv), "--params", "fast=2"], tmp_path, monkeypatch)


def test_a_committee_that_could_never_enter_is_refused(csv: Path, tmp_path: Path) -> None:
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps({"committee": {"enter_at": 0.1, "exit_at": 0, "quorum": 2}}))
    asked = options.arguments(["--data", str(csv), "--decisions", str(file)])
    with pytest.raises(
        ToolError, match=r"^decisions\.committee\.quorum: 2 must not be above the number of strategies, 1"
    ):
        options.plan_of(asked, load(str(csv), None))
