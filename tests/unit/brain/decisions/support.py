"""Signals, bars and deciders for the tests of the decisions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from brain.bar import Bar
from brain.decisions import Decider, Decision
from brain.decisions.evidence import NONE, Evidence
from shared.model import Action, Interval, Side, Signal
from shared.model.decision import DecisionConfig
from shared.model.ids import params_id, signal_id

HOUR_MS = 3_600_000
PARAMS = params_id({})


def key(strategy: str) -> str:
    return f"{strategy}@1:{PARAMS}"


def close(n: int) -> int:
    """Of bar number `n`."""
    return (n + 1) * HOUR_MS


def bar(n: int, price: float = 100.0) -> Bar:
    return Bar(n * HOUR_MS, price, price, price, price, 1000.0)


def said(
    n: int,
    strategy: str = "one",
    action: str = "enter",
    score: float = 0.5,
    symbol: str = "AAA",
    side: str = "",
    stop: float | None = 5.0,
    **fields: Any,
) -> Signal:
    """A signal on bar number `n`; an entry buys and an exit sells unless a side is given."""
    way = side or ("buy" if action == "enter" else "sell")
    instrument = f"us:{symbol}"
    return Signal.of(
        **{
            "id": signal_id(strategy, 1, PARAMS, instrument, close(n), action, way),
            "strategy": strategy,
            "version": 1,
            "params": PARAMS,
            "instrument": instrument,
            "interval": Interval.H1,
            "bar_close_ms": close(n),
            "action": Action(action),
            "side": Side(way),
            "score": score,
            "reason": "said",
            "evidence": {"number": 1.0},
            "price": 100.0,
            "stop_distance": stop if action == "enter" else None,
            **fields,
        }
    )


def configured(**stages: Any) -> DecisionConfig:
    return DecisionConfig.parse(json.dumps(stages))


def decider(*members: str, **stages: Any) -> Decider:
    return Decider(configured(**stages), "us", HOUR_MS, [key(member) for member in members])


class Session:
    """A decider that is asked close after close; with `cut` it goes through JSON in between."""

    def __init__(self, *members: str, cut: bool = False, **stages: Any) -> None:
        self._make = lambda: decider(*members, **stages)
        self._cut = cut
        self.decider = self._make()

    def at(self, n: int, *signals: Signal, price: float = 100.0, evidence: Evidence = NONE) -> list[Decision]:
        if self._cut:
            kept = json.loads(json.dumps(self.decider.state()))
            self.decider = self._make()
            self.decider.restore(kept)
        symbols = {each.instrument.partition(":")[2] for each in signals} | {"AAA"}
        bars = {symbol: bar(n, price) for symbol in symbols}
        return self.decider.decide(close(n), signals, bars, evidence)


def own(decisions: Sequence[Decision]) -> list[str]:
    """What the committee decided: enter or exit, or why not."""
    return [each.code or each.signal.action.value for each in decisions if each.own]
