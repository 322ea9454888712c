"""A backtest trades as the desk itself does on the same bars: the living shell is shown them, one close after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from brain.backtest.engine import run
from brain.backtest.plan import Plan
from brain.backtest.timeline import Timeline
from brain.bar import Bar
from brain.decisions.decider import Decider
from brain.mind import Mind
from shared.model.decision import DecisionConfig
from tests.unit.brain.backtest.support import HOUR, LIMITS, PAPER, instrument, plan, walk
from tests.unit.desk import bench
from tests.unit.desk.bench import Bench

CROSS = {"name": "sma_cross", "params": {"fast": 3, "slow": 9, "atr_period": 5, "stop_atr": 1.5, "target_atr": 2.5}}
RSI = {"name": "rsi_reversion", "params": {"period": 4, "atr_period": 4}}
SERIES = {"AAA": walk(21, 200), "BBB": walk(22, 200)[40:], "CCC": walk(23, 150)}
COSTS = {**PAPER, "fee_bps": "7", "slippage_bps": "3", "spread_bps": "2"}
TEAM = {
    "committee": {"quorum": 1, "enter_at": 0.05, "exit_at": 0.0},
    "policy": [{"symbols": "BBB", "do": "shrink", "factor": "0.5", "reason": "half"}],
    "sizing": {"kind": "fixed", "risk_bps": "40"},
}
Closed = tuple[str, float, int, int, float, float, float]


def candle(symbol: str, bar: Bar) -> dict[str, Any]:
    prices = {name: f"{value:.2f}" for name, value in zip(("open", "high", "low", "close"), bar[1:], strict=False)}
    told = {"instrument": f"made:{symbol}", "interval": "1h", "open_time_ms": bar.open_time_ms}
    return {**told, **prices, "volume": f"{bar.volume:.0f}"}


def live(made: Plan, paper: Mapping[str, Any]) -> list[Closed]:
    """What the shell, with its storage, alarms and its own way to the venue, has traded once it has had every bar."""
    desk = Bench(opened=False)
    listed = [instrument(symbol).wire() for symbol in sorted(made.series)]
    asked = {"venue": "made", "interval_ms": HOUR.ms, "limits": LIMITS, "paper": paper, "instruments": listed}
    bench.run(desk.desk.open(bench.opening(**asked)))
    bench.run(desk.desk.engine.looking.look())
    mind = Mind("made", HOUR, made.choices)
    decider = Decider(made.decisions, "made", HOUR.ms, [each.key for each in made.choices])
    for open_ms, rows in Timeline(made.series).closes():
        desk.clock.advance(HOUR.ms)
        desk.bars(*(candle(symbol, bar) for symbol, bar in rows))
        close_ms = open_ms + HOUR.ms
        found = decider.decide(close_ms, mind.close(close_ms, rows), dict(rows))
        if proposals := [each.proposal.wire() for each in found if each.proposal is not None]:
            desk.propose(*json.loads(json.dumps(proposals)))
    return closed(desk)


def closed(desk: Bench) -> list[Closed]:
    """Round trips, put together from the fills in the journal."""
    found: list[Closed] = []
    held: dict[str, list[dict[str, Any]]] = {}
    for (text,) in desk.sql.rows("SELECT body FROM events WHERE kind = 'order_filled' ORDER BY seq"):
        fill = json.loads(text)["fill"]
        fills = held.setdefault(fill["instrument"], [])
        fills.append(fill)
        sums = {side: sum(Decimal(each["qty"]) for each in fills if each["side"] == side) for side in ("buy", "sell")}
        if sums["buy"] == sums["sell"]:
            money = {
                side: sum(Decimal(each["qty"]) * Decimal(each["price"]) for each in fills if each["side"] == side)
                for side in sums
            }
            fees = sum(Decimal(each["fee"]["amount"]) for each in fills)
            enter, leave = (float(money[side] / sums[side]) for side in ("buy", "sell"))
            net = float(money["sell"] - money["buy"] - fees)
            symbol = fill["instrument"].partition(":")[2]
            found.append((symbol, float(sums["buy"]), fills[0]["ts_ms"], fill["ts_ms"], enter, leave, net))
            held[fill["instrument"]] = []
    return found


@pytest.mark.parametrize(
    ("strategies", "decisions"),
    [
        pytest.param([CROSS], None, id="one"),
        pytest.param([RSI], None, id="another"),
        pytest.param([CROSS, RSI], None, id="two that disagree"),
        pytest.param([CROSS, RSI], TEAM, id="committee"),
    ],
)
@pytest.mark.parametrize("resting", [True, False], ids=["resting", "watched"])
def test_the_desk_itself_makes_the_same_trades(resting: bool, strategies: Any, decisions: Any) -> None:
    paper = {**COSTS, "resting_stops": resting}
    config = None if decisions is None else DecisionConfig.parse(json.dumps(decisions))
    made = plan(SERIES, strategies, paper=paper, decisions=config)
    found = [
        (each.symbol, each.qty, each.entry_ms, each.exit_ms, each.entry_price, each.exit_price, each.pnl)
        for each in run(made).trades
    ]
    wanted = live(made, paper)
    assert len(wanted) > 10
    assert {each[0] for each in wanted} == set(SERIES)
    assert [each[:4] for each in sorted(found)] == [each[:4] for each in sorted(wanted)]
    for one, other in zip(sorted(found), sorted(wanted), strict=True):
        assert one[4:] == pytest.approx(other[4:], rel=1e-12, abs=1e-6)
