"""What is known to be refused is counted as if the desk had been asked, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from brain.backtest.plan import Outcome
from brain.bar import Idea
from shared.model import Action, Side
from tests.unit.brain.backtest.support import both, plan, walk
from tests.unit.brain.backtest.test_engine import scripted

ENTER = Idea(Action.ENTER, Side.BUY, 0.5, "in", {}, 5.0)
LEAVE = Idea(Action.EXIT, Side.SELL, 0.5, "out", {})
AGAIN = dict.fromkeys(range(3, 40, 2), ENTER) | dict.fromkeys(range(40, 60), LEAVE)
STRANGE: dict[str, Idea] = {
    "too near": ENTER._replace(stop_distance=1e-12),
    "below zero": ENTER._replace(stop_distance=1e6),
    "short": ENTER._replace(side=Side.SELL),
    "a target too near": ENTER._replace(target_distance=1e-12),
    "an exit that buys": LEAVE._replace(side=Side.BUY),
}


def asked(ideas: dict[Any, Idea], **changes: Any) -> tuple[Outcome, Outcome]:
    """Passing over what is in vain, and asking the desk each time."""
    return both(plan({"AAA": walk(4, 70)}, [{"name": "scripted", "params": {}}], known=scripted(ideas), **changes))


@pytest.mark.parametrize("strange", [None, *STRANGE])
def test_it_is_counted_as_if_the_desk_had_been_asked(strange: str | None) -> None:
    ideas = AGAIN | (dict.fromkeys(range(6, 66, 5), STRANGE[strange]) if strange else {})
    quick, whole = asked(ideas, limits={"max_order_notional": "5000"})
    assert quick == whole
    codes = {each.code: each.times for each in whole.refused}
    assert codes["already_in_position"] > 5
    assert codes["no_position"] > 5


def test_the_warmup_counts_nothing() -> None:
    quick, whole = asked(AGAIN, warmup_ms=45 * 3_600_000)
    assert quick == whole
    assert quick.proposals == whole.proposals
    assert {each.bar_close_ms > 45 * 3_600_000 for each in quick.refused} == {True}
