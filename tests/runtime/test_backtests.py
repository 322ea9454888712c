"""Backtests over HTTP in workerd: asked for, worked out by the queue, the same trades as natively on the same bars."""

from __future__ import annotations

import json
from typing import Any

import httpx

from brain.describe import describe
from tests.runtime.accounts import LIMITS, PAPER, wall_ms
from tests.system import System, until
from tests.unit.brain.backtest.support import reported as natively

SYMBOLS = ["AAPL", "IBM", "MSFT"]
WITHIN_S = 120.0
ORDER: dict[str, Any] = {
    "venue": "us",
    "interval": "1d",
    "symbols": SYMBOLS,
    "span": {"from_ms": 0, "to_ms": 2**53, "warmup_bars": 20},
    "strategies": [{"name": "sma_cross", "params": {"fast": 3, "slow": 8}}, {"name": "rsi_reversion", "params": {}}],
    "account": {"currency": "USD", "cash": "100000", "limits": LIMITS, "paper": PAPER},
}


def post(system: System, order: dict[str, Any], name: str) -> str:
    answer = system.post("/v1/backtests", order, name)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return str(answer.json()["id"])


def over(system: System, backtest: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = system.get(f"/v1/backtests/{backtest}")
        return found if found["state"] not in {"queued", "running"} else None

    return until(ended, WITHIN_S)


def bars(system: System) -> dict[str, dict[str, list[Any]]]:
    """What the archive holds, as the API tells it."""
    market = {}
    for symbol in SYMBOLS:
        items = system.items("/v1/candles", venue="us", symbol=symbol, interval="1d")[::-1]
        names = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
        columns: dict[str, list[Any]] = {"t": [each["open_time_ms"] for each in items]}
        market[symbol] = columns | {short: [float(each[name]) for each in items] for short, name in names.items()}
    return market


def wanted(system: System, decisions: Any = None, **params: int) -> dict[str, Any]:
    listed = [each for each in system.items("/v1/instruments", venue="us") if each["symbol"] in SYMBOLS]
    strategies = [{"name": "sma_cross", "params": ORDER["strategies"][0]["params"] | params}, ORDER["strategies"][1]]
    body = {name: ORDER[name] for name in ("venue", "interval", "account")}
    body |= {"strategies": strategies, "instruments": listed, "market": bars(system), "warmup_bars": 20}
    body["decisions"] = decisions
    return natively(json.loads(json.dumps(body)))


def test_a_backtest_in_workerd_trades_as_it_does_natively(system: System) -> None:
    found = over(system, post(system, ORDER, "backtest-one"))
    assert (found["state"], found["done"], found["best"], found["error"]) == ("done", 1, 1, None)
    native = wanted(system)
    assert native["metrics"]["trades"] > 10
    assert found["items"][0]["summary"]["fingerprint"] == native["fingerprint"]
    assert 0 <= found["verdict"]["deflated_sharpe"] <= 1
    result = system.get(f"/v1/backtests/{found['id']}/runs/1")
    assert result["trades"] == json.loads(json.dumps(native["trades"]))
    assert result["metrics"]["bars"] == native["metrics"]["bars"]
    with system.client("viewer") as client:
        page = client.get(f"/v1/backtests/{found['id']}/runs/1/plot")
    assert page.headers["content-type"].startswith("text/html")
    assert "'unsafe" not in page.headers["content-security-policy"]
    assert native["fingerprint"] in page.text
    assert "sma_cross (version " in page.text
    assert "us: AAPL, IBM, MSFT; bars of 1d" in page.text


def test_a_committee_in_workerd_decides_as_it_does_natively(system: System) -> None:
    stages = {
        "committee": {"enter_at": 0.1, "exit_at": 0.0, "learning": {"rate": 0.5}},
        "policy": [{"dissent": {"min": 0.4}, "do": "shrink", "factor": "0.5", "reason": "torn"}],
        "sizing": {"kind": "fixed", "risk_bps": "25"},
    }
    found = over(system, post(system, ORDER | {"decisions": stages}, "backtest-committee"))
    assert (found["state"], found["error"]) == ("done", None)
    native, alone = wanted(system, stages), wanted(system)
    assert native["trades"]
    assert found["items"][0]["summary"]["fingerprint"] == native["fingerprint"] != alone["fingerprint"]
    result = system.get(f"/v1/backtests/{found['id']}/runs/1")
    assert result["decisions"]["sizing"] == stages["sizing"]
    with system.client("viewer") as client:
        assert "decisions: committee" in client.get(f"/v1/backtests/{found['id']}/runs/1/plot").text


def test_the_strategies_are_told_over_the_router_s_own_door(system: System) -> None:
    told = system.items("/v1/strategies")
    assert told == sorted(describe({})["strategies"], key=lambda each: str(each["name"]))


def test_a_sweep_fans_out_and_is_gathered(system: System) -> None:
    sweep = {"strategy": "sma_cross", "grid": {"fast": [3, 4], "slow": [8, 3]}}
    found = over(system, post(system, ORDER | {"sweep": sweep}, "backtest-sweep"))
    assert (found["state"], found["runs"], found["done"]) == ("done", 4, 4)
    states = {(each["params"]["fast"], each["params"]["slow"]): each["state"] for each in found["items"]}
    assert states == {(3, 8): "done", (4, 8): "done", (3, 3): "refused", (4, 3): "refused"}
    for each in found["items"][:2]:
        assert each["summary"]["fingerprint"] == wanted(system, **each["params"])["fingerprint"]
    assert found["items"][0]["number"] == found["best"]
    assert found["verdict"]["tried"] == 2
    ids = [each["id"] for each in system.items("/v1/backtests", state="done")]
    assert found["id"] in ids


def test_a_backtest_is_cancelled_and_one_without_bars_says_so(system: System) -> None:
    sweep = {"random": {"fast": {"min": 2, "max": 60}, "slow": {"min": 61, "max": 190}}, "count": 40}
    backtest = post(system, ORDER | {"sweep": sweep}, "backtest-cancel")
    answer = system.post(f"/v1/backtests/{backtest}/cancel", {}, "backtest-cancel-now")
    assert answer.json() == {"id": backtest, "state": "cancelled"}

    def quiet() -> bool:
        scope = f"{backtest}%"
        waiting = "SELECT id FROM job_runs WHERE scope LIKE ? AND state IN ('queued', 'running')"
        return not system.stack.d1(waiting, [scope])

    until(quiet, WITHIN_S)
    found = system.get(f"/v1/backtests/{backtest}")
    assert (found["state"], found["done"]) == ("cancelled", found["runs"])
    assert {each["state"] for each in found["items"]} <= {"cancelled", "done"}
    assert "cancelled" in {each["state"] for each in found["items"]}
    empty = over(system, post(system, ORDER | {"span": {"from_ms": 0, "to_ms": 1000}}, "backtest-empty"))
    assert (empty["state"], empty["code"]) == ("failed", "no_bars")


def test_what_the_archive_lacked_is_told_with_the_result(system: System) -> None:
    held = {symbol: columns["t"] for symbol, columns in bars(system).items()}
    from_ms, to_ms = min(map(min, held.values())) - 30 * 86_400_000, min(map(max, held.values()))
    found = over(system, post(system, ORDER | {"span": {"from_ms": from_ms, "to_ms": to_ms}}, "backtest-lacking"))
    assert found["ended"] == {"done": 1, "refused": 0, "failed": 0, "cancelled": 0}
    result = system.get(f"/v1/backtests/{found['id']}/runs/1")
    told = result["coverage"]
    assert (told["from_ms"], told["to_ms"]) == (from_ms, to_ms)
    assert {symbol: each["bars"] for symbol, each in told["symbols"].items()} == {
        symbol: sum(at <= to_ms for at in times) for symbol, times in held.items()
    }
    assert not any(each["ends_early"] or each["missing"] for each in told["symbols"].values())
    assert all(each["starts_late"] or each["listed_ms"] for each in told["symbols"].values())
    assert found["items"][0]["summary"]["doubts"] == len(result["doubts"]) > 0
    with system.client("viewer") as client:
        page = client.get(f"/v1/backtests/{found['id']}/runs/1/plot").text
    assert page.index(result["doubts"][0]) < page.index("<h2>Numbers</h2>")


def test_a_run_costs_few_operations(system: System) -> None:
    over(system, post(system, ORDER, "backtest-cost"))
    rows = system.stack.d1(
        "SELECT operations FROM job_runs WHERE job = 'backtest' AND scope LIKE '%/1' AND state = 'done'"
    )
    assert rows
    for row in rows:
        spent = json.loads(row["operations"])
        assert sum(spent.get(name, 0) for name in ("d1_queries", "r2_class_a", "r2_class_b", "rpc_calls")) <= 25


def test_the_sweep_and_the_retention_run_on_the_real_database(system: System) -> None:
    for job in ("backtest", "retention"):
        body = {"v": 1, "id": f"by-hand-{job}", "job": job, "scope": "", "requested_by": "cron", "queued_ms": wall_ms()}
        system.stack.enqueue(body)
    ended = "SELECT state, error FROM job_runs WHERE id LIKE 'by-hand-%' AND state NOT IN ('queued', 'running')"
    rows = until(lambda: found if len(found := system.stack.d1(ended)) == 2 else None, WITHIN_S)
    assert rows == [{"state": "done", "error": None}] * 2


def test_what_no_strategy_takes_is_refused_at_the_door(system: System) -> None:
    for strategy, told in (
        ({"name": "no_such"}, {"field": "strategies.0.name", "value": "no_such"}),
        ({"name": "sma_cross", "params": {"fast": 50, "slow": 20}}, {"field": "strategies.0.params"}),
    ):
        answer = system.post("/v1/backtests", ORDER | {"strategies": [strategy]}, "backtest-refused")
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, answer.text
        [error] = answer.json()["errors"]
        assert error.items() >= told.items()
        assert "sma_cross" in error.get("remedy", "") or "below slow 20" in error["rule"]
