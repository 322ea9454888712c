"""Backtests over HTTP: asked for once, seen by whom they belong to, cancelled, and their results."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest

from router.answer_schemas import ANSWERS
from shared.archive import keys
from shared.errors import Invalid
from shared.model.decision import DecisionConfig
from tests.unit.router.native import NOW_MS, World, problem
from tests.unit.router.test_pages import walk
from tests.unit.test_config import cron

PATH = "/v1/backtests"
LIMITS = {
    "max_order_notional": "20000",
    "max_symbol_notional": "40000",
    "max_total_notional": "100000",
    "max_open_positions": 10,
    "max_orders_per_minute": 60,
}
ACCOUNT = {
    "currency": "USD",
    "cash": "100000",
    "limits": LIMITS,
    "paper": {"fee_bps": "1", "slippage_bps": "2", "volume_share_bps": 1000},
}
ORDER: dict[str, Any] = {
    "venue": "us",
    "interval": "1d",
    "symbols": ["AAPL"],
    "span": {"from_ms": 0, "to_ms": 9_000_000},
    "strategies": [{"name": "sma_cross", "params": {"slow": 40}}, {"name": "rsi_reversion"}],
    "account": ACCOUNT,
}
GRID = {"strategy": "sma_cross", "grid": {"fast": [3, 5], "slow": [8, 9]}}


@pytest.fixture
def place(world: World) -> World:
    world.instrument("AAPL")
    world.instrument("IBM")
    world.db.do("INSERT INTO watermarks VALUES ('us', 'AAPL', '1d', 5, 0, 0)")
    return world


def post(world: World, order: Any = ORDER, key: str = "trader", name: str = "one") -> dict[str, Any]:
    response = world.ask("POST", PATH, key, json=order, headers={"idempotency-key": name})
    assert response.status_code == 202, response.text
    found: dict[str, Any] = response.json()
    return found


def one(world: World, backtest: str, key: str = "viewer") -> dict[str, Any]:
    response = world.ask("GET", f"{PATH}/{backtest}", key)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def done(world: World, backtest: str, number: int, score: float | None, body: bytes = b"{}") -> None:
    world.db.do(
        "UPDATE backtest_runs SET state = 'done', score = ?, summary = '{\"fingerprint\": \"f\"}'"
        " WHERE backtest = ? AND number = ?",
        score,
        backtest,
        number,
    )
    world.archive.held[keys.backtest_key(backtest, str(number))] = gzip.compress(body)


def test_a_request_becomes_rows_and_one_message(place: World) -> None:
    told = post(place)
    assert set(told) == set(ANSWERS["POST", PATH]["required"])
    assert told["runs"] == 1
    (message,) = place.jobs.sent
    assert message | {"id": ""} == {
        "v": 1,
        "id": "",
        "job": "backtest",
        "scope": told["id"],
        "requested_by": place.keys["trader"][4:12],
        "queued_ms": NOW_MS,
    }
    (row,) = place.db.do("SELECT state, scope FROM job_runs WHERE id = ?", message["id"])
    assert row == {"state": "queued", "scope": told["id"]}
    found = one(place, told["id"])
    assert set(found) == set(ANSWERS["GET", f"{PATH}/{{backtest}}"]["required"])
    assert (found["state"], found["runs"], found["done"]) == ("queued", 1, 0)
    assert found["ended"] == {"done": 0, "refused": 0, "failed": 0, "cancelled": 0}
    assert found["request"]["account"]["cash"] == "100000"
    assert [(each["number"], each["params"], each["state"]) for each in found["items"]] == [(1, {}, "queued")]


def test_a_sweep_is_one_run_for_each_set(place: World) -> None:
    told = post(place, ORDER | {"sweep": GRID})
    assert told["runs"] == 4
    assert len(place.jobs.sent) == 1
    params = [each["params"] for each in one(place, told["id"])["items"]]
    assert params == [{"fast": fast, "slow": slow} for fast in (3, 5) for slow in (8, 9)]


def test_draws_are_the_same_for_the_same_seed_and_within_their_range(place: World) -> None:
    ranges = {"fast": {"min": 2, "max": 90}, "stop_atr": {"min": 0.5, "max": 1}}
    sweep = {"random": ranges, "count": 50, "seed": 7}
    one_, two = (post(place, ORDER | {"sweep": sweep}, name=name)["id"] for name in ("one", "two"))
    first, second = ([each["params"] for each in one(place, id_)["items"]] for id_ in (one_, two))
    assert first == second
    assert len(first) == 50
    assert all(type(each["fast"]) is int and 2 <= each["fast"] <= 90 and 0.5 <= each["stop_atr"] <= 1 for each in first)
    assert len({each["fast"] for each in first}) > 20
    other = post(place, ORDER | {"sweep": sweep | {"seed": 8}}, name="three")["id"]
    assert [each["params"] for each in one(place, other)["items"]] != first
    few = {"random": {"fast": {"min": 2, "max": 4}}, "count": 50}
    assert post(place, ORDER | {"sweep": few}, name="four")["runs"] == 3


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"strategies": [{"name": "smacross"}]}, "strategies.0.name", ", rsi_reversion, sma_cross, "),
        ({"strategies": [{"name": "sma_cross", "params": {"fst": 3}}]}, "strategies.0.params.fst", "fast, slow"),
        ({"strategies": [{"name": "sma_cross", "params": {"fast": 0}}]}, "strategies.0.params.fast", "greater than"),
        (
            {"strategies": [{"name": "sma_cross", "params": {"fast": 50, "slow": 20}}]},
            "strategies.0.params",
            "strategies.0.params: fast 50 must be below slow 20",
        ),
        ({"sweep": {"strategy": "sma_cross", "grid": {"fst": [1, 2]}}}, "sweep.grid.fst", ", fast, slow"),
        (
            {"sweep": {"random": {"barz": {"min": 1, "max": 9}}, "count": 3}},
            "sweep.random.barz",
            ", fast, slow",
        ),
        (
            {"sweep": {"strategy": "sma_cross", "grid": {"fast": [90, 99]}}},
            "sweep.grid",
            'sweep.grid: {"fast": 90}: fast 90 must be below slow 40',
        ),
        (
            {"sweep": {"random": {"fast": {"min": 90, "max": 90}}, "count": 3}},
            "sweep.random",
            '{"fast": 90}: fast 90 must',
        ),
        (
            {"strategies": [{"name": "sma_cross", "params": {"fst": 3}}], "sweep": GRID},
            "strategies.0.params.fst",
            "fast,",
        ),
    ],
)
def test_what_no_strategy_takes_is_refused_at_once(
    place: World, changes: dict[str, Any], field: str, told: str
) -> None:
    said = problem(place.ask("POST", PATH, "trader", json=ORDER | changes), 422, "invalid")
    assert told in said["detail"]
    assert said["errors"][0]["field"] == field
    assert place.jobs.sent == place.db.do("SELECT id FROM backtests") == []


def test_a_sweep_goes_on_past_what_the_strategy_refuses(place: World) -> None:
    sweep = {"strategy": "sma_cross", "grid": {"fast": [3, 90]}}
    assert post(place, ORDER | {"sweep": sweep})["runs"] == 2


def test_what_was_taken_is_answered_again_while_the_brain_is_away(place: World) -> None:
    known = {"idempotency-key": "one"}
    first = place.ask("POST", PATH, "trader", json=ORDER, headers=known)
    assert first.status_code == 202
    place.brain.down = True
    again = place.ask("POST", PATH, "trader", json=ORDER, headers=known)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


def test_a_sweep_goes_to_the_brain_once_and_not_once_a_run(place: World) -> None:
    many = {f"p{at:05}": 1 for at in range(64)}
    asked = {**ORDER, "strategies": [{"name": "sma_cross", "params": many}]}
    asked["sweep"] = {"random": {"fast": {"min": 2, "max": 1000}}, "count": 200}
    problem(place.ask("POST", PATH, "trader", json=asked), 422, "invalid")
    assert 0 < place.brain.heard < 20_000
    more = {**asked, "strategies": [{"name": "sma_cross", "params": many | {"one_more": 1}}]}
    problem(place.ask("POST", PATH, "trader", json=more), 422, "invalid")


def test_a_range_without_end_is_refused(place: World) -> None:
    asked = {**ORDER, "sweep": {"random": {"fast": {"min": 0, "max": 10**400}}, "count": 3}}
    problem(place.ask("POST", PATH, "trader", json=asked), 422, "invalid")


def test_a_brain_that_is_away_is_no_leave_to_go_on(place: World) -> None:
    place.brain.down = True
    problem(place.ask("POST", PATH, "trader", json=ORDER), 503, "storage_unavailable")
    assert place.jobs.sent == []


def test_the_same_key_asks_once_and_another_body_is_a_conflict(place: World) -> None:
    first = post(place)
    assert post(place) == first
    assert [message["scope"] for message in place.jobs.sent] == [first["id"]] * 2
    place.db.do("UPDATE job_runs SET state = 'done'")
    assert post(place) == first
    assert len(place.jobs.sent) == 2
    assert len(place.db.do("SELECT id FROM backtests")) == len(place.db.do("SELECT number FROM backtest_runs")) == 1
    again = place.ask("POST", PATH, "trader", json=ORDER | {"rank_by": "cagr"}, headers={"idempotency-key": "one"})
    problem(again, 409, "idempotency_conflict")


def test_decisions_are_those_of_a_desk(place: World) -> None:
    stages = {"committee": {"enter_at": 0.2, "exit_at": 0, "quorum": 2}, "sizing": {"kind": "fixed", "risk_bps": "25"}}
    asked = one(place, post(place, ORDER | {"decisions": stages})["id"])["request"]["decisions"]
    assert DecisionConfig.parse(json.dumps(asked)) == DecisionConfig.parse(json.dumps(stages))
    for name, none in (("left-out", ORDER), ("null", ORDER | {"decisions": None})):
        assert one(place, post(place, none, name=name)["id"])["request"]["decisions"] is None


@pytest.mark.parametrize(
    "stages",
    [
        {"committee": {"enter_at": 2, "exit_at": 0}},
        {"committee": {"enter_at": 0.1, "exit_at": 0.5}},
        {"committee": {"enter_at": 0.1, "exit_at": 0, "learning": {"floor": 0.5, "cap": 0.1}}},
        {"comittee": {}},
        {"policy": [{"do": "veto", "reason": "ok"}, {"do": "shrink", "factor": "0.5", "reason": "ok"}]},
        {"policy": [{"action": "exit", "do": "veto", "reason": "ok"}]},
        {"sizing": {"kind": "volatility", "target": 0.1, "bars_per_year": 252, "most": 0.5}},
        {"sizing": {"kind": "martingale"}},
        {"score": {"after": 1}},
        [],
    ],
)
def test_what_a_desk_would_not_take_is_refused_in_the_same_words(place: World, stages: Any) -> None:
    said = problem(place.ask("POST", PATH, "trader", json=ORDER | {"decisions": stages}), 422, "invalid")
    [error] = said["errors"]
    with pytest.raises(Invalid) as refused:
        cron({"decisions": stages})
    where, rule = f"is wrong at stocks.{error['field']}: ", error["rule"]
    assert where in refused.value.detail
    assert rule in refused.value.detail
    assert not place.jobs.sent
    assert not place.db.do("SELECT id FROM backtests")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"venue": "mars"}, "venue: 'mars' has no instruments"),
        ({"symbols": ["AAPL", "TSLA"]}, "symbols.1: 'TSLA' is not listed; choose from AAPL, IBM"),
        ({"interval": "1h"}, "interval: '1h' is not archived; choose from 1d"),
        ({"interval": "2h"}, "interval"),
        ({"span": {"from_ms": 5, "to_ms": 5}}, "must be before"),
        ({"span": {"from_ms": -1, "to_ms": 5}}, "span.from_ms"),
        ({"span": {"from_ms": 0, "to_ms": 5, "warmup_bars": 10_001}}, "span.warmup_bars"),
        ({"strategies": []}, "strategies"),
        ({"strategies": [{"name": "x" * 40}]}, "strategies.0.name"),
        ({"account": ACCOUNT | {"cash": 5}}, "account.cash"),
        ({"account": ACCOUNT | {"cash": "-5"}}, "account.cash"),
        ({"account": ACCOUNT | {"leverage": 5}}, "account.leverage"),
        ({"account": ACCOUNT | {"carry": {"funding_bps": 1e9}}}, "account.carry.funding_bps"),
        ({"decisions": {"committee": {"exit_at": 0}}}, "decisions.committee.enter_at"),
        (
            {"decisions": {"committee": {"enter_at": 0.2, "exit_at": 0, "quorum": 3}}},
            "decisions.committee.quorum: 3 must not be above the number of strategies, 2, or the committee never enters; lower it",
        ),
        ({"rank_by": "luck"}, "rank_by"),
        ({"more": 1}, "more"),
        ({"sweep": {}}, "either grid or random"),
        ({"sweep": {"grid": {}}}, "at least one parameter"),
        ({"sweep": {"grid": {"fast": []}}}, "sweep.grid.fast"),
        ({"sweep": {"grid": {"fast": [1]}, "random": {"slow": {"min": 1, "max": 2}}, "count": 2}}, "either"),
        ({"sweep": {"grid": {"fast": [True]}}}, "sweep.grid.fast.0"),
        ({"sweep": {"grid": {"a b": [1]}}}, "sweep.grid"),
        ({"sweep": {"grid": {"fast": list(range(15)), "slow": list(range(15))}}}, "225 points"),
        ({"sweep": {"random": {"fast": {"min": 5, "max": 2}}, "count": 2}}, "must not be above max"),
        ({"sweep": {"random": {"fast": {"min": 1, "max": 2}}}}, "count goes with random"),
        ({"sweep": {"random": {"fast": {"min": 1, "max": 2}}, "count": 201}}, "sweep.count"),
        ({"sweep": {"strategy": 2, "grid": {"fast": [1]}}}, "sweep.strategy: 2 must be the place or"),
        ({"sweep": {"strategy": "other", "grid": {"fast": [1]}}}, "choose from 0 (sma_cross), 1 (rsi_reversion)"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_queued(place: World, changes: dict[str, Any], words: str) -> None:
    said = problem(place.ask("POST", PATH, "trader", json=ORDER | changes), 422, "invalid")
    assert words in json.dumps(said)
    assert not place.jobs.sent
    assert not place.db.do("SELECT id FROM backtests")


@pytest.mark.parametrize(
    ("names", "sweep", "field"),
    [
        (["sma_crss"], {"strategy": "sma_cross", "grid": {"fast": [3]}}, "strategies.0.name"),
        (["sma_cross", "rsi_reverson"], {"strategy": "rsi_reversion", "grid": {"period": [9]}}, "strategies.1.name"),
        (["sma_cross", "rsi_reverson"], {"strategy": "sma_cross", "grid": {"fst": [3]}}, "strategies.1.name"),
        (["sma_cross", "rsi_reverson"], {"grid": {"fast": [99]}}, "strategies.1.name"),
        (["rsi_reversion", "sma_cross"], {"strategy": "sma_crss", "grid": {"fast": [3]}}, "sweep.strategy"),
        (["rsi_reversion", "sma_cross"], {"strategy": 2, "grid": {"fast": [3]}}, "sweep.strategy"),
    ],
)
def test_a_misspelt_name_is_blamed_itself_whatever_the_sweep_is_about(
    place: World, names: list[str], sweep: dict[str, Any], field: str
) -> None:
    order = ORDER | {"strategies": [{"name": name} for name in names], "sweep": sweep}
    said = problem(place.ask("POST", PATH, "trader", json=order), 422, "invalid")
    assert [each["field"] for each in said["errors"]] == [field]
    assert said["detail"].startswith(f"{field}: ")
    assert not place.jobs.sent


@pytest.mark.parametrize(
    "changes",
    [
        {"venue": "mars"},
        {"symbols": ["TSLA"]},
        {"interval": "1h"},
        {"decisions": {"committee": {"enter_at": 0.2, "exit_at": 0, "quorum": 3}}},
    ],
)
def test_a_misspelt_name_is_blamed_before_what_else_is_wrong(place: World, changes: dict[str, Any]) -> None:
    order = ORDER | {"strategies": [{"name": "sma_crss"}]} | changes
    said = problem(place.ask("POST", PATH, "trader", json=order), 422, "invalid")
    assert [each["field"] for each in said["errors"]] == ["strategies.0.name"]
    assert not place.jobs.sent


def test_a_result_of_before_fits_its_description_too() -> None:
    described = ANSWERS["GET", f"{PATH}/{{backtest}}/runs/{{number}}"]
    assert {"doubts", "coverage"} <= set(described["properties"])
    assert not {"doubts", "coverage"} & set(described["required"])
    assert "fingerprint" in described["required"]


def test_a_name_that_two_strategies_share_is_not_guessed_at(place: World) -> None:
    twice = [{"name": "sma_cross"}, {"name": "sma_cross", "params": {"fast": 3}}]
    order = ORDER | {"strategies": twice, "sweep": {"strategy": "sma_cross", "grid": {"fast": [1]}}}
    problem(place.ask("POST", PATH, "trader", json=order), 422, "invalid")
    assert post(place, order | {"sweep": {"strategy": 1, "grid": {"fast": [1]}}})["runs"] == 1


def test_each_key_sees_its_own_and_one_for_every_desk_sees_all(place: World) -> None:
    mine, theirs = place.key("trader", ["main"]), place.key("trader", ["main"])
    ids = [post(place, key=key, name="n")["id"] for key in (mine, theirs)]
    assert {each["id"] for each in walk(place, PATH, 1, "viewer")[0]} == set(ids)
    for key, seen, hidden in ((mine, *ids), (theirs, *reversed(ids))):
        assert [each["id"] for each in walk(place, PATH, 5, key)[0]] == [seen]
        one(place, seen, key)
        problem(place.ask("GET", f"{PATH}/{hidden}", key), 404, "backtest_not_found")
        problem(place.ask("GET", f"{PATH}/{hidden}/runs/1", key), 404, "backtest_not_found")
        problem(place.ask("POST", f"{PATH}/{hidden}/cancel", key), 404, "backtest_not_found")


def test_the_list_is_paged_newest_first_and_filtered(place: World) -> None:
    ids = []
    for number in range(5):
        place.clock.advance(1)
        ids.append(post(place, name=str(number))["id"])
    items, pages = walk(place, PATH, 2)
    assert [each["id"] for each in items] == ids[::-1]
    assert pages == 3
    assert set(items[0]) == set(ANSWERS["GET", PATH]["properties"]["items"]["items"]["required"])
    place.db.do("UPDATE backtests SET state = 'done' WHERE id = ?", ids[1])
    assert [each["id"] for each in walk(place, f"{PATH}?state=done", 2)[0]] == [ids[1]]
    problem(place.ask("GET", f"{PATH}?state=over"), 422, "invalid")


def test_runs_stand_by_rank_and_then_by_number(place: World) -> None:
    id_ = post(place, ORDER | {"sweep": GRID})["id"]
    done(place, id_, 2, 1.5)
    done(place, id_, 4, 2.5)
    items = one(place, id_)["items"]
    assert [each["number"] for each in items] == [4, 2, 1, 3]
    assert items[0]["summary"] == {"fingerprint": "f"}
    assert items[2]["summary"] is None


def test_a_result_is_what_lies_in_r2(place: World) -> None:
    id_ = post(place)["id"]
    said = problem(place.ask("GET", f"{PATH}/{id_}/runs/1", "viewer"), 404, "result_not_found")
    assert "queued" in said["detail"]
    done(place, id_, 1, 1.0, b'{"fingerprint":"f"}')
    found = place.ask("GET", f"{PATH}/{id_}/runs/1", "viewer")
    assert found.json() == {"fingerprint": "f"}
    assert found.headers["content-type"] == "application/json"
    for path in (f"{id_}/runs/2", f"{'0' * 32}/runs/1", f"{'0' * 32}"):
        problem(place.ask("GET", f"{PATH}/{path}", "viewer"), 404, "backtest_not_found")
    for path in (f"{id_}/runs/0", f"{id_}/runs/201", f"{id_}/runs/x", "nonsense", "../../etc/runs/1"):
        assert place.ask("GET", f"{PATH}/{path}", "viewer").status_code in {404, 422}
    place.archive.held.clear()
    problem(place.ask("GET", f"{PATH}/{id_}/runs/1", "viewer"), 404, "result_not_found")


def test_a_page_may_show_its_own_style_and_nothing_else(place: World) -> None:
    id_ = post(place)["id"]
    done(place, id_, 1, 1.0)
    html = "<html><style>p { color: red }</style><p>ä</p></html>".encode()
    place.archive.held[keys.page_key(id_, 1)] = gzip.compress(html)
    found = place.ask("GET", f"{PATH}/{id_}/runs/1/plot", "viewer")
    assert found.content == html
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["x-content-type-options"] == "nosniff"
    wanted = base64.b64encode(hashlib.sha256(b"p { color: red }").digest()).decode()
    (policy,) = found.headers.get_list("content-security-policy")
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{wanted}'"]
    assert "sandbox" in policy
    assert "unsafe" not in policy


def test_cancelling_ends_what_is_not_over_and_twice_is_once(place: World) -> None:
    id_ = post(place, ORDER | {"sweep": GRID})["id"]
    done(place, id_, 1, 1.0)
    for _ in range(2):
        response = place.ask("POST", f"{PATH}/{id_}/cancel", "trader")
        assert response.json() == {"id": id_, "state": "cancelled"}
    found = one(place, id_)
    assert (found["state"], found["done"], found["ended_ms"]) == ("cancelled", 4, NOW_MS)
    assert sorted(each["state"] for each in found["items"]) == ["cancelled"] * 3 + ["done"]
    assert found["ended"] == {"done": 1, "refused": 0, "failed": 0, "cancelled": 3}


def test_what_is_over_stays_as_it_ended(place: World) -> None:
    id_ = post(place)["id"]
    place.db.do("UPDATE backtests SET state = 'done'")
    done(place, id_, 1, 1.0)
    assert place.ask("POST", f"{PATH}/{id_}/cancel", "trader").json()["state"] == "done"
    assert one(place, id_)["items"][0]["state"] == "done"
