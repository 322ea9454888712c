"""A strategy that fails on a desk is told with the run, in the log, and by an alert, once a market day."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from brain.steps import STEPS
from brain.strategies.rsi_reversion import RsiReversion
from cron import failures, memory
from shared.model import Interval
from shared.model.alert import Alert, Severity
from tests.unit.cron.test_flow import HISTORY, at, signals, world
from tests.unit.cron.world import START_MS, STRATEGIES, WireVenue, World, desk_json, settings, symbols

CODES = ("strategy_error", "over_budget", "bad_state")


def refusal(strategy: str, symbol: str, code: str = "strategy_error", detail: str = "KeyError") -> dict[str, Any]:
    return {"strategy": strategy, "symbol": symbol, "bar_close_ms": 0, "code": code, "detail": detail}


def lines(*refused: dict[str, Any]) -> list[str]:
    return [each.line for each in failures.among(refused)]


def told(place: World) -> list[Alert]:
    rows = place.db.all("SELECT body FROM alerts WHERE code = 'strategy_failed' ORDER BY at_ms, id")
    return [Alert.parse(row["body"]) for row in rows]


def fail(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """From now on one of the two strategies fails on every bar."""

    def bad(self: RsiReversion, _: Any) -> None:
        if code == "over_budget":
            STEPS.over()
        raise KeyError(code)

    # what is restored is restored by every name that it has; a state that does not fit is told of as one
    target = "restore" if code == "bad_state" else "on_candle"
    monkeypatch.setattr(RsiReversion, target, bad)


@pytest.mark.parametrize("code", CODES)
def test_a_strategy_that_fails_on_every_bar_is_told_and_the_other_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    whole, place = world(), world()
    place.tick(at(100))
    whole.tick(at(100))
    assert {run["error"] for run in place.runs("scan")} == {None}
    for n in range(101, 121):
        whole.tick(at(n))
    fail(monkeypatch, code)
    with caplog.at_level(logging.WARNING):
        for n in range(101, 121):
            place.tick(at(n))
    errors = [run["error"] for run in place.runs("scan")[1:]]
    assert len(errors) == 20
    assert all(each.startswith(f"rsi_reversion on S000 and 2 more: {code}: ") for each in errors)
    assert {each.count("rsi_reversion on") for each in errors} == {1}
    logged = [each for each in caplog.records if each.message == "job_problem"]
    assert [each.detail for each in logged] == errors  # type: ignore[attr-defined]
    crossed = [row for row in signals(whole) if row["strategy"] == "sma_cross"]
    assert [row for row in signals(place) if row["strategy"] == "sma_cross"] == crossed
    [alert] = told(place)
    assert (alert.desk, alert.severity, alert.dedupe_key) == (
        "alpha",
        Severity.WARNING,
        "alpha:strategy_failed:rsi_reversion",
    )
    assert alert.title == f"alpha: rsi_reversion failed on S000 and 2 more ({code})"
    assert alert.context == {"strategy": "rsi_reversion", "code": code, "symbols": 3, "day": "2024-10-04"}
    assert errors[0].endswith(f": {code}: {alert.detail}")
    assert alert.detail


def test_the_alert_comes_once_a_market_day_and_for_each_strategy_and_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    hour = Interval.H1.ms
    desks = ",".join((desk_json("alpha"), desk_json("beta")))
    place = World(WireVenue(symbols(2, 200, hour), hour), settings("1h", desks=desks, history_bars=HISTORY))
    fail(monkeypatch, "strategy_error")
    for n in range(100, 149):
        place.tick(START_MS + n * hour)
    found = sorted((each.desk, str(each.context["day"])) for each in told(place))
    days = ["2024-10-08", "2024-10-09", "2024-10-10"]
    assert found == [(desk, day) for desk in ("alpha", "beta") for day in days]


def test_one_that_is_not_there_is_told_by_an_alert_too() -> None:
    place = world(desks=desk_json("alpha").replace(STRATEGIES, '[{"name":"crystal_ball"},' + STRATEGIES[1:]))
    for n in range(100, 110):
        place.tick(at(n))
    [alert] = told(place)
    assert alert.title == "alpha: crystal_ball cannot be had (unknown_strategy)"
    assert alert.detail == place.runs("scan")[0]["error"]


def test_each_strategy_has_its_own_line_and_alert_and_a_mended_one_none(monkeypatch: pytest.MonkeyPatch) -> None:
    place = world(desks=desk_json("alpha").replace(STRATEGIES, '[{"name":"crystal_ball"},' + STRATEGIES[1:]))
    place.tick(at(100))
    fail(monkeypatch, "strategy_error")
    place.tick(at(101))
    monkeypatch.undo()
    place.tick(at(102))
    assert sorted(str(each.context["strategy"]) for each in told(place)) == ["crystal_ball", "rsi_reversion"]
    errors = [run["error"] for run in place.runs("scan")]
    assert errors[0] == errors[2]
    assert errors[1].startswith(f"{errors[0]}; rsi_reversion on S000 and 2 more: strategy_error: ")
    counted = [json.loads(run["counts"])["refused"] for run in place.runs("scan")]
    # the first run scans twice, history and then the newest bar
    assert counted == [2, 4, 1]


def test_nothing_is_told_of_a_desk_all_of_whose_strategies_work() -> None:
    place = world()
    for n in range(100, 110):
        place.tick(at(n))
    assert told(place) == []


def test_no_alert_is_stored_by_a_run_whose_memory_is_not() -> None:
    place = world()
    place.tick(at(100))
    failed = failures.among([refusal("pairs", "")])
    memo = asyncio.run(memory.load(place.db, "alpha"))
    stale = failures.alerts("alpha", failed, at(99), memo.version + 1, "me", 5)
    memo.version -= 1
    assert not asyncio.run(memory.save(place.db, "alpha", memo, [], "me", 5, stale))
    assert told(place) == []
    memo.version += 1
    assert asyncio.run(memory.save(place.db, "alpha", memo, [], "me", 5, stale))
    assert len(told(place)) == 1


def test_a_run_without_a_failure_stores_no_more_than_before() -> None:
    assert failures.alerts("alpha", [], 0, 1, "me", 5) == []


def test_a_line_is_one_for_each_strategy_however_many_symbols_there_are() -> None:
    many = [refusal("rsi_reversion", f"S{n:03d}", detail="x" * 5000) for n in range(250)]
    [line] = lines(*many, *many)
    assert line.startswith("rsi_reversion on S000 and 249 more: strategy_error: xxx")
    assert len(line) < 400
    assert lines(refusal("a", "IBM"), refusal("b", "IBM", "over_budget", "too many steps"), refusal("a", "T")) == [
        "a on IBM and 1 more: strategy_error: KeyError",
        "b on IBM: over_budget: too many steps",
    ]


def test_a_strategy_of_the_whole_market_names_no_symbol() -> None:
    assert lines(refusal("pairs", "")) == ["pairs on the whole market: strategy_error: KeyError"]


@pytest.mark.parametrize("code", ["ask:by_hand", "veto:no", "member_lost", "bad_range", "stop_too_near"])
def test_what_is_no_failure_of_a_strategy_is_not_told(code: str) -> None:
    assert lines(refusal("pairs", "IBM", code)) == []


def test_what_an_alert_tells_holds_no_secret_and_fits() -> None:
    hushed = "Bearer " + "abcd" * 8
    failed = failures.among([refusal("pairs", "IBM", detail=f"Invalid: {hushed}\n" + "y" * 9000)])
    [statement] = failures.alerts("alpha", failed, 0, 1, "me", 5)
    assert "abcdabcd" not in str(statement.params)
    assert "Bearer ***" in str(statement.params)
