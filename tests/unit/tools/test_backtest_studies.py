"""What `make backtest` is asked beside the run: each study does what its option says, and its numbers stand in report.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.brain.backtest.support import walk
from tools.backtest import __main__ as tool

pytestmark = pytest.mark.native
START_MS = 1_704_067_200_000
SPACE = "fast=2:6:2 slow=10:20:10"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """report.json of a run over 500 made-up hours."""
    file = tmp_path / "made.csv"
    lines = [",".join(map(str, (START_MS + bar.open_time_ms, *bar[1:]))) for bar in walk(4, 500)]
    file.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    monkeypatch.setattr(tool, "BUILD", tmp_path / "build")
    monkeypatch.setattr(tool, "ROOT", tmp_path)

    def ran(*argv: str) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["backtest", "--data", str(file), "--name", "made", *argv])
        assert tool.main() == 0
        [written] = (tmp_path / "build").rglob("report.json")
        found: dict[str, Any] = json.loads(written.read_text())
        return found

    return ran


def tries(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted(tuple(each["params"].values()) for each in told["search"]["trials"])


def test_bias_tells_of_lookahead_and_of_warm_up(run: Run) -> None:
    told = run("--bias")["bias"]
    assert told["lookahead"] == []
    [warmed] = told["warmup"]
    assert (warmed["strategy"], warmed["declared"]) == ("sma_cross", 21)
    assert warmed["needed"] >= 21
    assert [row["bars"] for row in warmed["rows"]] == [21, 42, 84, 168]
    assert sum(row["ideas"] for row in warmed["rows"]) > 0


def test_the_same_trades_in_other_orders_end_alike_and_drawn_anew_they_do_not(run: Run) -> None:
    told = run("--monte-carlo", "100")["monte_carlo"]
    assert told["other_orders"]["runs"] == told["drawn_anew"]["runs"] == 100
    same, anew = (told[name]["final_equity"] for name in ("other_orders", "drawn_anew"))
    assert len({round(each, 6) for each in same}) == 1
    assert len({round(each, 6) for each in anew}) > 1


def test_a_grid_tries_every_combination_and_the_luck_of_the_best_is_told(run: Run) -> None:
    told = run("--search", "grid", "--space", SPACE, "--count", "2")
    assert tries(told) == [(fast, slow) for fast in (2, 4, 6) for slow in (10, 20)]
    assert 0.0 <= told["search"]["deflated"] <= 1.0


def test_random_draws_differ_by_their_seed(run: Run) -> None:
    asked = ("--search", "random", "--space", "fast=2:40 slow=50:90", "--count", "4")
    one, again, other = (tries(run(*asked, "--seed", seed)) for seed in ("1", "1", "2"))
    assert one == again != other
    assert len(one) == 4
    assert all(2 <= fast <= 40 and 50 <= slow <= 90 for fast, slow in one)


def test_evolution_tries_no_more_than_it_may_and_repeats_by_its_seed(run: Run) -> None:
    asked = ("--search", "evolution", "--space", "fast=2:40 slow=50:90", "--count", "8", "--seed", "3")
    told = run(*asked)
    assert 1 < len(told["search"]["trials"]) + told["search"]["refused"] <= 8
    assert tries(told) == tries(run(*asked))
    best = told["search"]["trials"][0]
    assert best["value"] == max(each["value"] for each in told["search"]["trials"])


@pytest.mark.parametrize("anchored", [False, True])
def test_what_is_searched_on_moves_along_or_grows(run: Run, anchored: bool) -> None:
    argv = ["--search", "grid", "--space", SPACE, "--walk-forward", "200,100", *(["--anchored"] if anchored else [])]
    windows = [step["window"] for step in run(*argv)["walk_forward"]["steps"]]
    hour = 3_600_000
    assert [each["test_ms"] - START_MS for each in windows] == [200 * hour, 300 * hour, 400 * hour]
    begun = [0, 0, 0] if anchored else [0, 100 * hour, 200 * hour]
    assert [each["train_ms"] - START_MS for each in windows] == begun


def test_other_markets_are_as_many_as_asked_for(run: Run) -> None:
    told = run("--markets", "5", "--block", "10")["markets"]
    assert told["p05"] <= told["p50"] <= told["p95"]
    assert told["p05"] < told["p95"]
    assert told != run("--markets", "5", "--block", "10", "--seed", "9")["markets"]


@pytest.mark.parametrize(
    "argv",
    [
        ("--search", "grid", "--space", SPACE),
        ("--search", "random", "--space", "fast=2:40 slow=50:90", "--count", "6"),
        ("--search", "evolution", "--space", "fast=2:40 slow=50:90", "--count", "12"),
        ("--search", "grid", "--space", SPACE, "--walk-forward", "300,100"),
        ("--markets", "5", "--block", "10"),
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_side_by_side_gives_what_one_after_the_other_gives(run: Run, argv: tuple[str, ...]) -> None:
    assert run(*argv, "--jobs", "2") == run(*argv, "--jobs", "1")
