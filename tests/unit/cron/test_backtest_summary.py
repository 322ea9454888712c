"""What is kept of a run in the database, and what the luck of the best is counted over."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.cron.test_backtest import ORDER, SWEEP, ask, drain, parent, result, runs, world


def test_a_summary_says_what_a_list_has_to_show() -> None:
    place = world()
    ask(place)
    drain(place)
    told = result(place)
    [row] = runs(place)
    summary = json.loads(row["summary"])
    kept = ("metrics", "fingerprint", "proposals", "halted", "open_symbols")
    assert {name: summary[name] for name in kept} == {name: told[name] for name in kept}
    assert summary["proposals"] > 10
    assert (summary["symbols"], summary["refused"]) == (2, len(told["refused"]))
    assert "trades" not in summary
    assert "curve" not in summary


def test_a_halt_stands_in_the_summary() -> None:
    place = world()
    guarded: dict[str, Any] = {**ORDER["account"], "protections": {"max_drawdown": {"limit_bps": 1}}}
    ask(place, ORDER | {"account": guarded})
    drain(place)
    assert "below its peak" in json.loads(runs(place)[0]["summary"])["halted"]


def test_a_run_that_never_traded_was_tried_too() -> None:
    place = world()
    sweep = {"strategy": "sma_cross", "grid": {"fast": [3, 200], "slow": [8, 240]}}
    ask(place, ORDER | {"sweep": sweep, "strategies": [{"name": "sma_cross"}]})
    drain(place)
    done = [row for row in runs(place) if row["state"] == "done"]
    silent = [row for row in done if json.loads(row["summary"])["moments"] is None]
    assert silent
    assert len(silent) < len(done)
    assert json.loads(parent(place)["verdict"])["tried"] == len(done)
    [asked] = [body for body in place.brain.scans if "sharpes" in body]
    assert len(asked["sharpes"]) == len(done)
    assert asked["sharpes"].count(0.0) == len(silent)


def test_the_verdict_is_asked_of_the_best_and_over_every_run() -> None:
    place = world()
    ask(place, SWEEP)
    drain(place)
    done = {row["number"]: json.loads(row["summary"])["moments"] for row in runs(place) if row["state"] == "done"}
    [asked] = [body for body in place.brain.scans if "sharpes" in body]
    assert asked["chosen"] == done[parent(place)["best"]]
    assert sorted(asked["sharpes"]) == sorted(each["sharpe"] for each in done.values())
