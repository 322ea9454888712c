"""Backtests by the queue, with the real brain: bars gathered once, runs worked out once, the best one judged."""

from __future__ import annotations

import asyncio
import gzip
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cron import backtest_bars, backtest_rows, backtest_sweep, retention
from cron.backtest_bars import Held, stretches
from cron.consumer import ACK, MAX_ATTEMPTS, RETRY_DELAY_S, Verdict, consume
from shared.archive import keys
from shared.archive.candles import CandleArchive
from shared.archive.ndjson import Row
from shared.backtest import BacktestOrder
from shared.errors import DeskError, StorageUnavailable
from shared.model import Interval
from shared.model.decision import DecisionConfig
from tests.unit.brain.backtest.support import reported as natively
from tests.unit.cron.world import DAY_MS, LIMITS, PAPER, START_MS, World, settings, wave

ID = f"{7:032x}"
HOUR_MS = 3_600_000
ACCOUNT = {"currency": "USD", "cash": "100000", "limits": json.loads(LIMITS), "paper": json.loads(PAPER)}
ORDER: dict[str, Any] = {
    "venue": "us",
    "interval": "1d",
    "span": {"from_ms": 0, "to_ms": 2**53},
    "strategies": [{"name": "rsi_reversion"}, {"name": "sma_cross", "params": {"fast": 3, "slow": 8}}],
    "account": ACCOUNT,
}
SWEEP = ORDER | {"sweep": {"strategy": "sma_cross", "grid": {"fast": [3, 4, 9], "slow": [8]}}}
BARS = {"AAA": 250, "BBB": 180}
OF_THE_ARCHIVE = ("coverage", "doubts")
"""What only the queue can tell of a run."""


def instrument(symbol: str) -> str:
    fixed = {"quote": "USD", "settle": "USD", "tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "1"}
    body = {"venue": "us", "symbol": symbol, "base": symbol, **fixed, "multiplier": "1", "listed_ms": 0}
    return json.dumps(body)


def world() -> World:
    """Two symbols in the archive, as three objects that overlap in time."""
    place = World(config=settings("1d", "session"))
    archive = CandleArchive(place.db, place.store, "us", Interval.D1)
    for seed, (symbol, count) in enumerate(BARS.items()):
        place.db.change("INSERT INTO instruments VALUES (?, 'us', ?, ?, 0)", f"us:{symbol}", symbol, instrument(symbol))
        rows = [Row(symbol, *row) for row in wave(START_MS, DAY_MS, count, seed)]
        for part, some in enumerate((rows[:100], rows[90:])):
            stored = asyncio.run(archive.put(some, f"{symbol}{part}"))
            bars = {symbol: {row.open_time_ms: row for row in some}}
            asyncio.run(place.db.batch([archive.index(stored, 0), archive.watermarks(bars, 0)]))
    return place


def ask(place: World, order: dict[str, Any] = ORDER, id_: str = ID) -> BacktestOrder:
    """What the API writes for a request."""
    asked = BacktestOrder.parse(json.dumps(order))
    sets, now_ms = asked.sets(), place.clock.now_ms()
    place.db.change(
        "INSERT INTO backtests (id, owner, request, runs, created_ms) VALUES (?, 'k', ?, ?, ?)",
        id_,
        asked.json_text(),
        len(sets),
        now_ms,
    )
    place.db.change(
        "INSERT INTO backtest_runs (backtest, number, params) SELECT ?, key + 1, value FROM json_each(?)",
        id_,
        json.dumps(sets),
    )
    place.queue.sent.append(message(id_, f"opening-{id_}"))
    return asked


def message(scope: str, id_: str = "m1") -> dict[str, Any]:
    return {"v": 1, "id": id_, "job": "backtest", "scope": scope, "requested_by": "k", "queued_ms": 1}


def deliver(place: World, sent: dict[str, Any], attempts: int = 1) -> Verdict:
    return asyncio.run(consume(place.context(), json.dumps(sent), attempts))


def drain(place: World) -> None:
    while place.queue.sent:
        assert deliver(place, place.queue.sent.pop(0)) == ACK


def parent(place: World, id_: str = ID) -> dict[str, Any]:
    return place.db.all("SELECT * FROM backtests WHERE id = ?", id_)[0]


def runs(place: World, id_: str = ID) -> list[dict[str, Any]]:
    return place.db.all("SELECT * FROM backtest_runs WHERE backtest = ? ORDER BY number", id_)


def result(place: World, number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(place.store.objects[keys.backtest_key(ID, str(number))]))
    return found


def told(order: BacktestOrder, bars: dict[str, int] = BARS, **params: int) -> dict[str, Any]:
    """The same run, straight through the brain's own code, on the bars that were archived."""
    market = {}
    for seed, (symbol, count) in enumerate(BARS.items()):
        if symbol in bars:
            times, *columns = zip(*wave(START_MS, DAY_MS, count, seed), strict=True)
            market[symbol] = {"t": list(times)} | {
                name: [float(each) for each in column] for name, column in zip("ohlcv", columns, strict=True)
            }
    wire = order.wire()
    asked = {name: wire[name] for name in ("venue", "interval", "account", "decisions")}
    instruments = [json.loads(instrument(symbol)) for symbol in market]
    strategies = order.chosen(dict(params))
    return natively(asked | {"market": market, "instruments": instruments, "strategies": strategies, "warmup_bars": 0})


def test_a_backtest_is_what_the_brain_says_of_the_archived_bars() -> None:
    place = world()
    order = ask(place)
    drain(place)
    wanted = {name: value for name, value in json.loads(json.dumps(told(order))).items() if name not in OF_THE_ARCHIVE}
    found = result(place)
    assert {name: found[name] for name in wanted} == wanted
    assert found["metrics"]["bars"] == 250
    assert found["metrics"]["trades"] > 5
    assert found["symbols"] == ["AAA", "BBB"]
    (row,) = runs(place)
    summary = json.loads(row["summary"])
    assert row["state"] == "done"
    assert summary["fingerprint"] == wanted["fingerprint"]
    assert row["score"] == summary["metrics"]["sharpe"]
    ended = parent(place)
    assert (ended["state"], ended["done"], ended["best"], ended["error"]) == ("done", 1, 1, None)
    verdict = json.loads(ended["verdict"])
    assert verdict["tried"] == 1
    assert 0 < verdict["deflated_sharpe"] < 1
    assert {row["state"] for row in place.runs("backtest")} == {"done"}
    page = gzip.decompress(place.store.objects[keys.page_key(ID, 1)]).decode()
    assert wanted["fingerprint"] in page
    assert "<script" not in page


def test_the_decisions_reach_the_brain_and_are_told_with_the_result() -> None:
    stages = {
        "committee": {"quorum": 1, "enter_at": 0.1, "exit_at": 0, "learning": {}},
        "sizing": {"kind": "fixed", "risk_bps": "12.5"},
    }
    place = world()
    order = ask(place, ORDER | {"decisions": stages})
    drain(place)
    wanted, alone = json.loads(json.dumps(told(order))), told(BacktestOrder.parse(json.dumps(ORDER)))
    found = result(place)
    assert found["metrics"]["trades"] > 1
    assert found["fingerprint"] == wanted["fingerprint"] != alone["fingerprint"]
    assert found["decisions"] == order.wire()["decisions"]
    assert DecisionConfig.parse(json.dumps(found["decisions"])) == DecisionConfig.parse(json.dumps(stages))
    page = gzip.decompress(place.store.objects[keys.page_key(ID, 1)]).decode()
    assert "decisions: committee" in page
    assert "kind=fixed risk_bps=12.5" in page


def test_a_sweep_of_a_committee_s_member_keeps_its_decisions() -> None:
    place = world()
    order = ask(place, SWEEP | {"decisions": {"committee": {"enter_at": 0.1, "exit_at": 0}}})
    drain(place)
    for row, fast in zip(runs(place)[:2], (3, 4), strict=True):
        assert json.loads(row["summary"])["fingerprint"] == told(order, fast=fast, slow=8)["fingerprint"]


def test_a_request_of_before_there_were_decisions_runs_as_ever() -> None:
    place = world()
    order = ask(place)
    place.db.change("UPDATE backtests SET request = json_remove(request, '$.decisions')")
    drain(place)
    assert result(place)["fingerprint"] == told(order)["fingerprint"]
    assert result(place)["decisions"] is None


def test_only_the_span_and_the_symbols_asked_for_are_gathered() -> None:
    place = world()
    span = {"from_ms": START_MS + 10 * DAY_MS, "to_ms": START_MS + 99 * DAY_MS}
    ask(place, ORDER | {"symbols": ["BBB"], "span": span})
    drain(place)
    body = json.loads(gzip.decompress(place.store.objects[keys.backtest_key(ID, "bars")]))
    assert [each["symbol"] for each in body["instruments"]] == list(body["market"]) == ["BBB"]
    assert body["market"]["BBB"]["t"] == [START_MS + day * DAY_MS for day in range(10, 100)]
    assert result(place)["metrics"]["bars"] == 90


def test_the_warm_up_reaches_the_brain() -> None:
    place = world()
    ask(place, ORDER | {"span": ORDER["span"] | {"warmup_bars": 250}})
    drain(place)
    assert result(place)["trades"] == []


def test_a_sweep_is_ranked_judged_and_goes_on_past_what_a_strategy_refuses() -> None:
    place = world()
    order = ask(place, SWEEP)
    drain(place)
    first, second, third = runs(place)
    assert [json.loads(row["params"]) for row in runs(place)] == [{"fast": fast, "slow": 8} for fast in (3, 4, 9)]
    assert (first["state"], second["state"]) == ("done", "done")
    assert (third["state"], third["code"], third["summary"]) == ("refused", "invalid", None)
    assert "strategies.1.params" in third["error"]
    for row, fast in ((first, 3), (second, 4)):
        assert json.loads(row["summary"])["fingerprint"] == told(order, fast=fast, slow=8)["fingerprint"]
    best = max((first, second), key=lambda row: float(row["score"]))
    ended = parent(place)
    assert (ended["state"], ended["done"], ended["best"]) == ("done", 3, best["number"])
    assert json.loads(ended["verdict"])["tried"] == 2
    alone = world()
    ask(alone, ORDER | {"strategies": order.chosen({"fast": [3, 4][best["number"] - 1], "slow": 8})})
    drain(alone)
    lonely = json.loads(parent(alone)["verdict"])["deflated_sharpe"]
    assert json.loads(ended["verdict"])["deflated_sharpe"] < lonely


@pytest.mark.parametrize("rank_by", ["total_return", "max_drawdown"])
def test_the_best_is_the_best_by_what_was_asked_for(rank_by: str) -> None:
    place = world()
    ask(place, SWEEP | {"rank_by": rank_by})
    drain(place)
    values = {row["number"]: json.loads(row["summary"])["metrics"][rank_by] for row in runs(place) if row["summary"]}
    pick = min if rank_by == "max_drawdown" else max
    assert parent(place)["best"] == pick(values, key=values.__getitem__)


def test_a_span_without_bars_fails_with_its_own_code() -> None:
    for order in (
        ORDER | {"span": {"from_ms": 0, "to_ms": START_MS - 1}},
        ORDER | {"span": {"from_ms": START_MS + 1, "to_ms": START_MS + 2}},
        ORDER | {"interval": "1h"},
        ORDER | {"symbols": ["ZZZ"]},
    ):
        place = world()
        ask(place, order)
        drain(place)
        assert (parent(place)["state"], parent(place)["code"], parent(place)["done"]) == ("failed", "no_bars", 1)
        assert [(row["state"], row["code"]) for row in runs(place)] == [("failed", "no_bars")]
        assert place.runs("backtest")[0]["state"] == "done"


def test_too_many_bars_or_objects_are_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_GATHERED", "MAX_OBJECTS", "MAX_ROWS"):
        place = world()
        monkeypatch.setattr(backtest_bars, name, 3)
        ask(place)
        drain(place)
        assert parent(place)["code"] == "too_large"
        assert "ask for" in parent(place)["error"]
        monkeypatch.undo()


def test_a_symbol_that_is_not_listed_any_more_is_named() -> None:
    place = world()
    place.db.change("DELETE FROM instruments WHERE symbol = 'BBB'")
    ask(place)
    drain(place)
    assert parent(place)["code"] == "unknown_instrument"
    assert "BBB" in parent(place)["error"]


def test_a_refusal_of_the_whole_keeps_its_code_and_fails_the_backtest() -> None:
    place = world()
    ask(place, ORDER | {"account": ACCOUNT | {"protections": {"nothing": {}}}})
    drain(place)
    ended = parent(place)
    assert (ended["state"], ended["code"], ended["best"]) == ("failed", "invalid", None)
    assert "protections.nothing" in ended["error"]


def test_an_unknown_strategy_is_refused_by_name() -> None:
    place = world()
    ask(place, ORDER | {"strategies": [{"name": "crystal_ball"}]})
    drain(place)
    assert (runs(place)[0]["state"], parent(place)["state"]) == ("refused", "failed")
    assert "crystal_ball" in parent(place)["error"]


def test_a_run_that_never_trades_has_no_ratio_and_still_a_result() -> None:
    place = world()
    ask(place, ORDER | {"strategies": [{"name": "sma_cross", "params": {"fast": 200, "slow": 240}}]})
    drain(place)
    assert (parent(place)["state"], parent(place)["best"]) == ("done", None)
    assert json.loads(parent(place)["verdict"])["reason"] == "no_returns"
    assert result(place)["trades"] == []


def test_every_message_five_times_in_any_order_does_the_work_once() -> None:
    place = world()
    ask(place, SWEEP)
    opening = place.queue.sent.pop()
    for _ in range(3):
        deliver(place, opening)
    sent = list(place.queue.sent)
    assert len({each["id"] for each in sent}) == 3
    place.queue.sent.clear()

    async def all_at_once() -> None:
        await asyncio.gather(*(consume(place.context(), json.dumps(each)) for each in sent * 3))

    asyncio.run(all_at_once())
    before = runs(place), parent(place), dict(place.store.objects)
    calls = len(place.brain.scans)
    # three runs, and a verdict of each that came last: all the same
    assert 4 <= calls <= 6
    for each in [opening, *sent, message(f"{ID}/1", "other")]:
        assert deliver(place, each) == ACK
    assert (runs(place), parent(place), dict(place.store.objects)) == before
    assert len(place.brain.scans) == calls
    assert place.queue.sent == []


def test_runs_see_the_bars_that_were_there_when_it_began() -> None:
    place = world()
    order = ask(place, SWEEP)
    deliver(place, place.queue.sent.pop(0))
    archive = CandleArchive(place.db, place.store, "us", Interval.D1)
    late = [Row("AAA", *row) for row in wave(START_MS + 300 * DAY_MS, DAY_MS, 9)]
    stored = asyncio.run(archive.put(late, "late"))
    asyncio.run(place.db.batch([archive.index(stored, 0)]))
    drain(place)
    assert result(place)["fingerprint"] == told(order, fast=3, slow=8)["fingerprint"]


def test_a_run_costs_few_operations_however_long_the_span() -> None:
    place = world()
    ask(place, SWEEP)
    place.db.trips = 0
    deliver(place, place.queue.sent.pop(0))
    assert place.db.trips <= 10
    place.db.trips, place.store.gets = 0, 0
    objects = len(place.store.objects)
    deliver(place, place.queue.sent.pop(0))
    assert place.db.trips <= 6
    assert place.store.gets == 1
    assert len(place.store.objects) - objects == 2
    assert len(place.brain.scans) == 1


def test_what_was_cancelled_never_starts_and_what_runs_is_dropped() -> None:
    place = world()
    ask(place, SWEEP)
    deliver(place, place.queue.sent.pop(0))

    def cancel(_: Any) -> None:
        place.db.change("UPDATE backtests SET state = 'cancelled'")
        place.db.change("UPDATE backtest_runs SET state = 'cancelled' WHERE state IN ('queued', 'running')")

    place.brain.fail = cancel
    drain(place)
    assert len(place.brain.scans) == 1
    assert {row["state"] for row in runs(place)} == {"cancelled"}
    assert parent(place)["state"] == "cancelled"
    assert [key for key in place.store.objects if key.startswith("backtests/")] == [keys.backtest_key(ID, "bars")]


def test_a_backtest_cancelled_before_it_began_gathers_nothing() -> None:
    place = world()
    ask(place)
    place.db.change("UPDATE backtests SET state = 'cancelled'")
    drain(place)
    assert not [key for key in place.store.objects if key.startswith("backtests/")]
    assert place.brain.scans == []


def test_trouble_is_tried_again_and_in_the_end_recorded() -> None:
    place = world()
    ask(place)

    def down(_: Any) -> None:
        raise StorageUnavailable("the brain did not answer", code="peer_unavailable")

    place.brain.fail = down
    deliver(place, place.queue.sent.pop(0))
    (run,) = place.queue.sent
    for attempt in range(1, MAX_ATTEMPTS):
        assert deliver(place, run, attempt) == Verdict(RETRY_DELAY_S * attempt)
        assert runs(place)[0]["state"] == "running"
    assert deliver(place, run, MAX_ATTEMPTS) == ACK
    assert (runs(place)[0]["state"], runs(place)[0]["code"]) == ("failed", "peer_unavailable")
    assert (parent(place)["state"], parent(place)["code"]) == ("failed", "peer_unavailable")


def test_trouble_that_passes_leaves_no_trace() -> None:
    place = world()
    order = ask(place)
    opening = place.queue.sent.pop(0)

    def down(operation: str, key: str) -> None:
        raise StorageUnavailable("R2 did not answer")

    place.store.fail = down
    assert deliver(place, opening) == Verdict(RETRY_DELAY_S)
    place.store.fail = lambda operation, key: None
    assert deliver(place, opening, 2) == ACK
    place.store.fail = lambda operation, key: down(operation, key) if operation == "put" else None
    run = place.queue.sent[0]
    assert deliver(place, run) == Verdict(RETRY_DELAY_S)
    place.store.fail = lambda operation, key: None
    assert deliver(place, run, 2) == ACK
    assert result(place)["fingerprint"] == told(order)["fingerprint"]
    assert parent(place)["state"] == "done"


def test_the_archive_that_stays_away_fails_the_backtest_at_the_last_try() -> None:
    place = world()
    ask(place)
    place.store.objects.clear()
    assert deliver(place, place.queue.sent.pop(0), MAX_ATTEMPTS) == ACK
    assert (parent(place)["state"], parent(place)["code"]) == ("failed", "storage_unavailable")


def test_what_ends_the_worker_itself_is_given_up() -> None:
    place = world()
    ask(place)
    opening = place.queue.sent.pop(0)
    assert deliver(place, opening) == ACK
    run = place.queue.sent.pop(0)
    assert deliver(place, run, MAX_ATTEMPTS + 1) == ACK
    assert (runs(place)[0]["state"], parent(place)["code"]) == ("failed", "gave_up")
    other = f"{8:032x}"
    ask(place, id_=other)
    assert deliver(place, message(other, "m2"), MAX_ATTEMPTS + 1) == ACK
    assert parent(place, other)["code"] == "gave_up"


@pytest.mark.parametrize("error", [DeskError("broken", code="peer_failed"), StorageUnavailable("away")])
def test_a_verdict_that_cannot_be_had_does_not_keep_the_best_one_from_its_owner(error: DeskError) -> None:
    place = world()
    ask(place)
    deliver(place, place.queue.sent.pop(0))

    def fail(body: dict[str, Any]) -> None:
        if "sharpes" in body:
            raise error

    place.brain.fail = fail
    assert deliver(place, place.queue.sent.pop(0), MAX_ATTEMPTS) == ACK
    assert (parent(place)["state"], parent(place)["best"]) == ("done", 1)
    assert json.loads(parent(place)["verdict"])["reason"] in {"peer_failed", "not_judged"}


def test_a_verdict_is_asked_for_again_before_it_is_given_up() -> None:
    place = world()
    ask(place)
    deliver(place, place.queue.sent.pop(0))
    run = place.queue.sent.pop(0)

    def away(body: dict[str, Any]) -> None:
        if "sharpes" in body:
            raise StorageUnavailable("away")

    place.brain.fail = away
    assert deliver(place, run) == Verdict(RETRY_DELAY_S)
    assert parent(place)["state"] == "running"
    place.brain.fail = lambda body: None
    assert deliver(place, run, 2) == ACK
    assert json.loads(parent(place)["verdict"])["deflated_sharpe"] is not None


@pytest.mark.parametrize("scope", [f"{ID}/9", f"{9:032x}", f"{9:032x}/1"])
def test_a_message_for_what_is_gone_does_nothing(scope: str) -> None:
    place = world()
    ask(place)
    assert deliver(place, message(scope, "m2")) == ACK
    assert parent(place)["state"] == "queued"
    assert place.runs("backtest")[0]["state"] == "done"


@pytest.mark.parametrize("scope", ["us", ID + "/0", ID + "/x", ID + "/1/2", ID.replace("7", "G"), "/1"])
def test_a_scope_of_another_kind_is_refused(scope: str) -> None:
    place = world()
    assert deliver(place, message(scope)) == ACK
    assert place.runs("backtest")[0]["error"].startswith("malformed message: scope")


def test_what_stands_still_is_sent_on_and_in_the_end_given_up() -> None:
    place = world()
    ask(place, SWEEP)
    place.queue.sent.clear()
    assert asyncio.run(backtest_sweep.run(place.context(run="r1"))) == {"given_up": 0, "sent": 0}
    place.clock.advance(backtest_sweep.IDLE_MS + 1)
    assert asyncio.run(backtest_sweep.run(place.context(run="r2")))["sent"] == 1
    deliver(place, place.queue.sent.pop(0))
    assert len(place.queue.sent) == 3
    deliver(place, place.queue.sent[0])
    place.queue.sent.clear()
    place.db.change("UPDATE backtest_runs SET state = 'running', started_ms = 1 WHERE number = 2")
    place.clock.advance(backtest_sweep.STILL_MS - 1)
    place.db.change("INSERT INTO leases VALUES (?, 'h', ?)", f"backtest:{ID}/2", place.clock.now_ms() + 5)
    assert asyncio.run(backtest_sweep.run(place.context(run="r0")))["sent"] == 0, "it stands in line behind run 2"
    place.clock.advance(2)
    assert asyncio.run(backtest_sweep.run(place.context(run="r3")))["sent"] == 1
    assert [each["scope"] for each in place.queue.sent] == [f"{ID}/3"]
    drain(place)
    place.clock.advance(backtest_sweep.GIVEN_UP_MS)
    assert asyncio.run(backtest_sweep.run(place.context(run="r4"))) == {"given_up": 1, "sent": 0}
    assert (parent(place)["state"], parent(place)["code"], parent(place)["done"]) == ("failed", "gave_up", 3)
    assert [row["state"] for row in runs(place)] == ["done", "failed", "refused"]


def test_a_backtest_that_was_not_closed_is_closed() -> None:
    place = world()
    ask(place)
    deliver(place, place.queue.sent.pop(0))

    def away(sql: str) -> None:
        if sql.startswith("SELECT state, runs - done"):
            raise StorageUnavailable("D1 did not answer")

    place.db.fail = away
    deliver(place, place.queue.sent.pop(0), MAX_ATTEMPTS)
    assert parent(place)["state"] == "running"
    place.db.fail = lambda sql: None
    place.clock.advance(backtest_sweep.STILL_MS + 1)
    assert asyncio.run(backtest_sweep.run(place.context(run="r1")))["sent"] == 1
    drain(place)
    assert parent(place)["state"] == "done"


def test_the_hourly_tick_asks_for_the_sweep_once() -> None:
    place = world()
    place.clock.advance(-place.clock.now_ms() % HOUR_MS + 5 * 60_000)
    for _ in range(5):
        place.tick()
    asked = [each for each in place.queue.sent if each["job"] == "backtest"]
    assert [each["scope"] for each in asked] == [""]
    assert deliver(place, asked[0]) == ACK
    assert place.runs("backtest")[0]["state"] == "done"


def test_a_message_that_is_lost_is_sent_again_within_minutes() -> None:
    place = world()
    place.clock.advance(-place.clock.now_ms() % HOUR_MS + 10 * 60_000)
    ask(place)
    place.queue.sent.clear()
    for _ in range(4):
        place.tick()
    assert not [each for each in place.queue.sent if each["job"] == "backtest"], "it may still be on its way"
    for _ in range(3):
        place.tick()
    drain(place)
    assert parent(place)["state"] == "done"


def test_a_tick_that_cannot_ask_for_lost_backtests_goes_on() -> None:
    place = world()

    def away(sql: str) -> None:
        if sql.startswith("WITH line"):
            raise StorageUnavailable("D1 did not answer")

    place.db.fail = away
    assert asyncio.run(backtest_sweep.ask(place.context())) is False


def test_old_backtests_go_with_their_results() -> None:
    place = world()
    ask(place, SWEEP)
    drain(place)
    place.clock.advance(29 * DAY_MS)
    young = f"{8:032x}"
    ask(place, id_=young)
    drain(place)
    place.clock.advance(2 * DAY_MS)
    counts = asyncio.run(retention.run(place.context())).counts
    assert counts["backtests"] == 1
    assert [row["id"] for row in place.db.all("SELECT id FROM backtests")] == [young]
    assert {row["backtest"] for row in place.db.all("SELECT backtest FROM backtest_runs")} == {young}
    assert {key.split("/")[2] for key in place.store.objects if key.startswith("backtests/")} == {young}


@given(
    interval=st.sampled_from(list(Interval)),
    from_ms=st.integers(0, 10**12),
    bars=st.integers(0, 3000),
    listed=st.integers(1, 300),
)
def test_stretches_are_the_whole_range_once_in_order(interval: Interval, from_ms: int, bars: int, listed: int) -> None:
    to_ms = from_ms + bars * interval.ms
    found = list(stretches(interval, Held(from_ms, to_ms, None, listed)))
    assert (found[0][0], found[-1][1]) == (from_ms, to_ms)
    assert all(before[1] + 1 == after[0] for before, after in pairwise(found))
    units = [keys.unit_of(keys.day_of(part[1]), interval) for part in found]
    assert len(set(units)) == len(units)


def test_a_committee_that_could_never_enter_fails_the_backtest_by_its_quorum() -> None:
    place = world()
    ask(place, ORDER | {"decisions": {"committee": {"enter_at": 0.1, "exit_at": 0, "quorum": 9}}})
    drain(place)
    assert (parent(place)["state"], parent(place)["code"]) == ("failed", "invalid")
    assert "decisions.committee.quorum: 9 must not be above the number of strategies, 2, or" in parent(place)["error"]


def test_a_secret_is_not_kept_in_why_a_run_ended() -> None:
    words = f"{'x' * 480} edk_0123abcd_{'s3cret'}"
    place = world()
    ask(place)
    assert asyncio.run(backtest_rows.end(place.db, ID, 1, backtest_rows.Ending("failed", error=words), 0))
    assert runs(place)[0]["error"].endswith("edk_0123abcd_***")
    again = world()
    ask(again)
    asyncio.run(backtest_rows.fail(again.db, ID, "halt", words[100:], 0))
    for row in (parent(again), runs(again)[0]):
        assert row["error"].endswith("edk_0123abcd_***")
