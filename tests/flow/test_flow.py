"""A recorded stretch, from venue bytes to report: five workers in workerd, both built-in markets, everything recomputed."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import pytest

from brain.scan import scan
from cron import memory
from tests.flow.recompute import archived, check_archive, check_chain, check_ledger, index_rows, recorded
from tests.system import System, running, until
from tools.dev.player import CRON
from tools.paths import WORKERS
from tools.replay import Market, builtin_markets

BARS = 80
CASH = "100000"
DESKS = {"stocks": "us", "fx": "fx"}
INTERVALS = {"us": "1d", "fx": "1h"}
SLIPPAGE_BPS = {"stocks": Decimal(2), "fx": Decimal("0.1")}
TICK = {"stocks": Decimal("0.01"), "fx": Decimal("0.00001")}
DAY_MS = 86_400_000
STRATEGIES = [{"name": "sma_cross", "params": {}}, {"name": "rsi_reversion", "params": {}}]
VOTING = "voting"
"""A desk beside the configured ones, on which a committee of the same strategies learns from what it makes."""
DECISIONS = {"committee": {"enter_at": 0, "exit_at": 0, "learning": {}}}


@dataclass
class Played:
    """A system that has played its stretch, and what its desks did."""

    system: System
    markets: dict[str, Market]

    def trades(self, desk: str) -> list[tuple[str, ...]]:
        """Everything about a desk's orders and fills that is not wall time, sorted.

        A stop may be seen first by the Book or by the bar: the order is the same, the price that it looked at is not.
        """
        orders = list(reversed(self.system.items(f"/v1/desks/{desk}/orders")))
        fills = self.system.items(f"/v1/desks/{desk}/fills")
        names = ("client_id", "instrument", "side", "qty", "cause", "stop_price", "status", "filled_value")
        told = [("order", *(str(order[name]) for name in names)) for order in orders]
        told += [("price", o["client_id"], o["reference_price"], str(o["market_ms"])) for o in orders if o["signal_id"]]
        names = ("fill_id", "client_id", "instrument", "side", "qty", "price", "fee", "ts_ms")
        # two stops of one bar may be seen in either order
        return sorted(told + [("fill", *(str(fill[name]) for name in names)) for fill in fills])


def settings() -> dict[str, dict[str, str]]:
    config = tomllib.loads((WORKERS["cron"] / "wrangler.toml").read_text())
    desks = json.loads(config["vars"]["DESKS"])
    desks[VOTING] = desks["stocks"] | {"decisions": DECISIONS, "protections": {}}
    return {"cron": {"DESKS": json.dumps(desks)}}


def play(system: System, markets: list[Market]) -> Played:
    system.tick(BARS)
    for desk in (*DESKS, VOTING):
        system.drained(desk)
    return Played(system, {market.venue: market for market in markets})


@pytest.fixture(scope="module")
def markets() -> list[Market]:
    return builtin_markets()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, markets: list[Market]) -> Iterator[Played]:
    with running(tmp_path_factory.mktemp("flow"), markets, vars=settings()) as system:
        yield play(system, markets)


@pytest.mark.parametrize("venue", INTERVALS)
def test_the_archive_in_r2_is_the_recording(played: Played, venue: str) -> None:
    found = check_archive(played.system, played.markets[venue], INTERVALS[venue])
    for symbol, rows in found.items():
        assert sum(row[0] >= played.markets[venue].play_from_ms - DAY_MS for row in rows) >= BARS, symbol


@pytest.mark.parametrize("venue", INTERVALS)
def test_r2_holds_no_object_that_the_index_does_not_name(played: Played, venue: str) -> None:
    until(lambda: not played.system.stack.d1("SELECT id FROM job_runs WHERE state IN ('queued', 'running')"))
    stored = set(played.system.stack.r2_keys(f"candles/v1/{venue}/"))
    assert stored == {row["key"] for row in index_rows(played.system, venue, INTERVALS[venue])}


@pytest.mark.parametrize("venue", INTERVALS)
def test_kv_holds_the_newest_bars_of_the_archive(played: Played, venue: str) -> None:
    body = played.system.stack.kv_get(f"hot/v1/{venue}/{INTERVALS[venue]}")
    assert body is not None
    hot = json.loads(gzip.decompress(body))
    step_ms = {"1d": DAY_MS, "1h": DAY_MS // 24}[hot["interval"]]
    found = archived(played.system, venue, INTERVALS[venue])
    assert hot["symbols"].keys() == found.keys()
    for symbol, columns in hot["symbols"].items():
        times = [columns["t"][0]]
        for steps in columns["t"][1:]:
            times.append(times[-1] + steps * step_ms)
        rows = [(at, *map(Decimal, row)) for at, *row in zip(times, *(columns[name] for name in "ohlcv"), strict=True)]
        assert rows == found[symbol][-len(rows) :]
        assert len(rows) >= BARS
    clock = played.system.stack.kv_get(f"clock/v1/{venue}")
    assert clock is not None
    assert json.loads(clock)["market_ms"] == played.system.replay.clock(venue).market_ms


@pytest.mark.parametrize("desk", DESKS)
def test_a_scan_fires_once_for_each_closed_bar(played: Played, desk: str) -> None:
    runs = played.system.stack.d1(
        "SELECT counts FROM job_runs WHERE job = 'scan' AND scope = ? AND state = 'done'", [desk]
    )
    steps = [json.loads(run["counts"])["steps"] for run in runs]
    # the first one also warms up on the history, in a step of its own
    assert sorted(steps) == [1] * (BARS - 1) + [2]
    failed = played.system.stack.d1(
        "SELECT job, state, error FROM job_runs WHERE state NOT IN ('done', 'queued', 'running')"
    )
    assert failed == []


def scanned(played: Played, venue: str, **more: Any) -> dict[str, Any]:
    """What the same brain makes of all archived bars at once, natively."""
    found = archived(played.system, venue, INTERVALS[venue])
    market = {}
    for symbol, rows in found.items():
        times, *columns = zip(*rows, strict=True)
        market[symbol] = {"t": list(times)} | {
            name: [float(value) for value in column] for name, column in zip("ohlcv", columns, strict=True)
        }
    asked = {"venue": venue, "interval": INTERVALS[venue], "strategies": STRATEGIES, "market": market}
    return scan({**asked, "evidence": {}, "state": None, **more})


@pytest.mark.parametrize("desk", DESKS)
def test_the_signals_are_those_that_the_same_brain_gives_natively(played: Played, desk: str) -> None:
    wanted = {each["id"]: each for each in scanned(played, DESKS[desk])["signals"]}
    stored = played.system.items("/v1/signals", desk=desk)
    assert len(stored) == len({each["id"] for each in stored}) > 0
    assert {each["id"] for each in stored} == wanted.keys()
    for each in stored:
        told = wanted[each["id"]]
        assert (each["instrument"], each["action"], each["bar_close_ms"]) == (
            told["instrument"],
            told["action"],
            told["bar_close_ms"],
        )
        # equal across interpreters and maths libraries to 1e-12
        assert (each["stop_distance"] or 0.0) == pytest.approx(told["stop_distance"] or 0.0, rel=1e-12)


@pytest.mark.parametrize("desk", DESKS)
def test_every_signal_of_a_played_bar_was_answered_by_the_desk(played: Played, desk: str) -> None:
    signals = played.system.items("/v1/signals", desk=desk)
    live = [each for each in signals if each["bar_close_ms"] > played.markets[DESKS[desk]].play_from_ms]
    assert {each["outcome"] for each in live} <= {"intended", "refused"}
    orders = {order["client_id"] for order in played.system.items(f"/v1/desks/{desk}/orders") if order["signal_id"]}
    assert {each["client_id"] for each in live if each["outcome"] == "intended"} == orders
    assert all(each["code"] for each in live if each["outcome"] == "refused")


def made(system: System) -> list[dict[str, Any]]:
    """Outcomes of the voting desk's round trips, counted from its orders and fills."""
    orders = {order["client_id"]: order for order in system.items(f"/v1/desks/{VOTING}/orders")}
    under_way: dict[str, list[dict[str, Any]]] = {}
    found = []
    for fill in reversed(system.items(f"/v1/desks/{VOTING}/fills")):
        trip = under_way.setdefault(fill["instrument"], [])
        trip.append(fill)
        signed = [Decimal(each["qty"]) * (1 if each["side"] == "buy" else -1) for each in trip]
        if sum(signed):
            continue
        entry = orders[trip[0]["client_id"]]
        bought = sum(qty for qty in signed if qty > 0)
        net = -sum(qty * Decimal(each["price"]) for qty, each in zip(signed, trip, strict=True))
        net -= sum(Decimal(each["fee"]["amount"]) for each in trip)
        risk = (Decimal(entry["reference_price"]) - Decimal(entry["stop_price"])) * bought
        about = {"strategy": entry["by"], "symbol": fill["instrument"].partition(":")[2], "id": entry["client_id"]}
        times = {"opened_ms": trip[0]["ts_ms"], "closed_ms": fill["ts_ms"]}
        found.append({**about, **times, "r": float(net / risk)})
        del under_way[fill["instrument"]]
    return found


def test_a_committee_learns_from_its_own_trades_with_the_next_scan(played: Played) -> None:
    outcomes = made(played.system)
    assert {each["strategy"] for each in outcomes} == {"committee"}
    [row] = played.system.stack.d1("SELECT body FROM brain_state WHERE scope = ?", [VOTING])
    learnt = memory.unpack(row["body"])["state"]["decisions"]
    assert sorted(each["id"] for each in outcomes) == sorted(key for _, key in learnt["outcomes"]["heard"])
    again = scanned(played, "us", decisions=DECISIONS, evidence={"outcomes": outcomes})["state"]["decisions"]
    weights, wanted = (each["committee"][1]["weights"]["of"] for each in (learnt, again))
    assert weights == pytest.approx(wanted, rel=1e-12)
    assert len(set(weights.values())) == len(STRATEGIES)
    # what it weighed them by stands in the reasons: equal until the first trade was over, and never after it
    first_ms = min(each["closed_ms"] for each in outcomes)
    found = played.system.stack.d1(
        "SELECT bar_close_ms, proposal FROM signals WHERE desk = ? AND proposal IS NOT NULL", [VOTING]
    )
    weighed = [(row["bar_close_ms"], json.loads(row["proposal"])["why"]["weights"].values()) for row in found]
    assert {weight for close_ms, of in weighed if close_ms < first_ms for weight in of} == {0.5}
    after = [weight for close_ms, of in weighed if close_ms > first_ms for weight in of]
    assert after
    assert 0.5 not in after


@pytest.mark.parametrize("desk", DESKS)
def test_the_ledger_balances_to_the_last_decimal(played: Played, desk: str) -> None:
    check_ledger(played.system, desk, CASH)
    assert len(played.system.items(f"/v1/desks/{desk}/fills")) >= 2


@pytest.mark.parametrize("desk", DESKS)
def test_the_journal_over_the_api_is_the_verified_chain(played: Played, desk: str) -> None:
    rows = check_chain(played.system, desk)
    told = played.system.items(f"/v1/desks/{desk}/journal")
    assert [(each["seq"], each["hash"]) for each in reversed(told)] == [(row["seq"], row["hash"]) for row in rows]
    assert [each["body"] for each in reversed(told)] == [json.loads(row["body"]) for row in rows]


@pytest.mark.parametrize("desk", DESKS)
def test_no_order_fills_on_the_bar_that_caused_it(played: Played, desk: str) -> None:
    venue = DESKS[desk]
    bars = recorded(played.markets[venue], INTERVALS[venue], played.system.replay.clock(venue).market_ms)
    opens = {symbol: {row[0]: row[1] for row in rows} for symbol, rows in bars.items()}
    orders = {order["client_id"]: order for order in played.system.items(f"/v1/desks/{desk}/orders")}
    signals = {each["id"]: each for each in played.system.items("/v1/signals", desk=desk)}
    first: dict[str, int] = {}
    for fill in reversed(played.system.items(f"/v1/desks/{desk}/fills")):
        order, symbol = orders[fill["client_id"]], fill["instrument"].partition(":")[2]
        assert fill["ts_ms"] >= order["market_ms"]
        if order["signal_id"]:
            assert order["market_ms"] >= signals[order["signal_id"]]["bar_close_ms"]
        # the very next bar there is, at its open, worsened by the slippage and rounded against the order
        before = first.setdefault(fill["client_id"], order["market_ms"] - 1)
        assert fill["ts_ms"] == min(at for at in opens[symbol] if at > before)
        first[fill["client_id"]] = fill["ts_ms"]
        worse = 1 if fill["side"] == "buy" else -1
        price = opens[symbol][fill["ts_ms"]] * (1 + worse * SLIPPAGE_BPS[desk] / 10_000)
        rounding = ROUND_CEILING if fill["side"] == "buy" else ROUND_FLOOR
        assert Decimal(fill["price"]) == (price / TICK[desk]).quantize(Decimal(1), rounding) * TICK[desk]


def test_both_entries_and_exits_were_filled(played: Played) -> None:
    fills = played.system.items("/v1/desks/stocks/fills")
    assert {fill["side"] for fill in fills} == {"buy", "sell"}
    assert len({fill["instrument"] for fill in fills}) >= 3
    causes = {order["cause"] for order in played.system.items("/v1/desks/stocks/orders")}
    assert {"proposal", "stop"} <= causes


@pytest.mark.parametrize("desk", DESKS)
def test_the_reports_in_r2_agree_with_the_ledger(played: Played, desk: str) -> None:
    system = played.system
    day = datetime.fromtimestamp((system.replay.clock(DESKS[desk]).market_ms - 1) / 1000, UTC).strftime("%Y-%m-%d")
    message = {"v": 1, "id": f"report-{desk}", "job": "report", "scope": f"{desk}/{day}", "requested_by": "cron"}
    system.stack.enqueue({**message, "queued_ms": 1})
    until(lambda: system.stack.d1("SELECT id FROM job_runs WHERE id = ? AND state = 'done'", [message["id"]]))
    until(lambda: not system.stack.d1("SELECT id FROM job_runs WHERE state IN ('queued', 'running')"))
    fills = system.items(f"/v1/desks/{desk}/fills")
    reports = {key: _report(system, key) for key in system.stack.r2_keys(f"reports/v1/{desk}/")}
    for key, report in reports.items():
        start_ms = int(datetime.strptime(report["day"], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1000
        wanted = [fill["fill_id"] for fill in reversed(fills) if start_ms <= fill["ts_ms"] < start_ms + DAY_MS]
        assert [fill["fill_id"] for fill in report["fills"]] == wanted, key
    newest = reports[f"reports/v1/{desk}/{day}.json"]
    view = system.get(f"/v1/desks/{desk}")
    for name in ("cash", "equity", "realised", "unrealised", "fees", "seq", "market_ms"):
        assert newest["view"][name] == view[name]
    assert newest["positions"] == system.items(f"/v1/desks/{desk}/positions")
    points = system.stack.d1(
        "SELECT equity, cash FROM equity WHERE desk = ? AND market_ms = ?", [desk, view["market_ms"]]
    )
    assert points == [{"equity": view["equity"], "cash": view["cash"]}]


def _report(system: System, key: str) -> dict[str, Any]:
    body = system.stack.r2_get(key)
    assert body is not None
    report: dict[str, Any] = json.loads(body)
    return report


def test_the_same_minute_again_changes_nothing(played: Played) -> None:
    before = {desk: played.trades(desk) for desk in DESKS}
    last = played.system.stack.d1("SELECT max(queued_ms) AS at_ms FROM job_runs WHERE job = 'scan'")[0]["at_ms"]
    assert played.system.stack.scheduled("cron", CRON, last) == "ok"
    assert {desk: played.trades(desk) for desk in DESKS} == before


def test_the_same_stretch_in_a_fresh_system_gives_the_same_trades(
    played: Played, markets: list[Market], tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = {desk: played.trades(desk) for desk in DESKS}
    played.system.stack.stop()
    with running(tmp_path_factory.mktemp("again"), markets, vars=settings()) as system:
        again = play(system, markets)
        for desk in DESKS:
            assert again.trades(desk) == wanted[desk]
