"""What became of a desk's trades on its way to the brain: with the next scan, once, and never lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from cron import memory, outcomes, scan
from shared.errors import StorageUnavailable
from shared.ports import Statement
from tests.unit.cron.test_decisions import deciding, kept
from tests.unit.cron.test_flow import at, signals, world
from tests.unit.cron.world import World

LEARNING = '{"committee":{"enter_at":0,"exit_at":0,"learning":{}}}'


def trade(seq: int, closed_ms: int, net: str = "-5", by: str = "sma_cross", **entry: Any) -> dict[str, Any]:
    """As a desk tells it."""
    opened = {"client_id": f"{seq:032}", "by": by, "proposed": True, "risk": "10", **entry}
    about = {"instrument": "us:S000", "opened_ms": 1, "closed_ms": closed_ms, "net": net, "cost": "9", "cause": "stop"}
    return {**about, "seq": seq, "entry": opened}


def told(place: World) -> list[list[float]]:
    """r of what each scan was told of."""
    return [[each["r"] for each in asked["evidence"].get("outcomes", [])] for asked in place.brain.scans]


def weights(place: World) -> dict[str, float]:
    found: dict[str, float] = kept(place)["state"]["decisions"]["committee"][1]["weights"]["of"]
    return {key.partition("@")[0]: weight for key, weight in found.items()}


def test_a_desk_without_decisions_is_not_asked() -> None:
    place = world()
    place.desk().trades = [trade(7, at(99))]
    place.tick(at(100))
    place.tick(at(101))
    assert place.desk().heard("trades") == []
    assert told(place) == [[]] * len(place.brain.scans)
    assert kept(place)["told"] == 0


def test_a_trade_is_told_with_the_next_scan_and_once() -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    before = weights(place)
    assert before["sma_cross"] == before["rsi_reversion"] == 0.5
    place.desk().trades = [trade(7, at(101))]
    begun = len(place.brain.scans)
    place.tick(at(101))
    assert weights(place)["sma_cross"] < before["sma_cross"]
    once = weights(place)
    place.tick(at(102))
    place.desk().trades.append(trade(9, at(103), net="20"))
    place.tick(at(103))
    assert told(place)[begun:] == [[-0.5], [], [2.0]]
    assert place.desk().heard("trades")[-3:] == [1, 7, 7]
    assert kept(place)["told"] == 9
    assert weights(place)["sma_cross"] > once["sma_cross"]


def test_a_persons_trade_and_one_without_a_risk_teach_nothing() -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    before = weights(place)
    place.desk().trades = [
        trade(7, at(101), proposed=False),
        trade(8, at(101), risk=None),
        {**trade(9, at(101)), "entry": None},
    ]
    place.tick(at(101))
    assert told(place)[-1] == []
    assert (weights(place), kept(place)["told"]) == (before, 9)


def test_a_desk_that_does_not_say_is_asked_again_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    place.desk().trades = [trade(7, at(101))]

    def fail(called: str) -> None:
        if called == "trades":
            raise StorageUnavailable("the object did not answer")

    place.desk().fail = fail
    with caplog.at_level(logging.WARNING):
        assert place.tick(at(101)) == {"done": 3}
    assert "outcomes_unknown" in [record.message for record in caplog.records]
    assert '"outcomes_unknown": 1' in place.runs("scan")[-1]["counts"]
    assert (told(place)[-1], kept(place)["told"]) == ([], 1)
    assert len(signals(place)) > 0
    place.desk().fail = lambda called: None
    place.tick(at(102))
    assert (told(place)[-1], kept(place)["told"]) == ([-0.5], 7)
    assert '"outcomes": 1' in place.runs("scan")[-1]["counts"]


def test_a_trade_that_this_release_cannot_read_does_not_stop_the_scan() -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    place.desk().trades = [{**trade(7, at(101)), "surprise": 1}]
    assert place.tick(at(101)) == {"done": 3}
    assert (told(place)[-1], kept(place)["told"]) == ([], 1)


def test_what_ended_after_the_close_waits_for_the_next_scan() -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    place.desk().trades = [trade(5, at(101)), trade(6, at(101) + 1), trade(7, at(101), net="10")]
    place.tick(at(101))
    assert (told(place)[-1], kept(place)["told"]) == ([-0.5, 1.0], 5)
    once = kept(place)["state"]["decisions"]["outcomes"]["heard"]
    place.tick(at(102))
    # the third comes again, and counts once: by its id
    assert (told(place)[-1], kept(place)["told"]) == ([-0.5, 1.0], 7)
    assert len(kept(place)["state"]["decisions"]["outcomes"]["heard"]) == len(once) + 1 == 3


def test_history_is_told_no_outcome_from_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "BRAIN_BARS", 30)
    place = deciding(LEARNING)
    place.tick(at(100))
    place.desk().trades = [trade(5, at(112)), trade(6, at(140))]
    begun = len(place.brain.scans)
    place.tick(at(141))
    found = told(place)[begun:]
    ends = [max(each["t"][-1] for each in asked["market"].values()) + 60_000 for asked in place.brain.scans[begun:]]
    assert len(found) > 3
    assert [len(each) for each in found[:-1]] == [(end >= at(112)) + (end >= at(140)) for end in ends[:-1]]
    assert found[-1] == []
    assert len(kept(place)["state"]["decisions"]["outcomes"]["heard"]) == 2


def test_a_brain_that_begins_anew_is_told_all_that_is_kept() -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    place.desk().trades = [trade(7, at(101))]
    place.tick(at(101))
    body = kept(place)
    body["state"] = {"v": 1, "venue": "us", "interval": "1m", "strategies": {}}
    asyncio.run(place.db.batch([Statement("UPDATE brain_state SET body = ?", (memory.pack(body),))]))
    place.tick(at(102))
    assert place.desk().heard("trades")[-3:] == [7, 0, 7]
    assert (told(place)[-2:], kept(place)["told"]) == ([[-0.5], []], 7)
    assert len(kept(place)["state"]["decisions"]["outcomes"]["heard"]) == 1


def test_a_memory_from_before_outcomes_were_told_begins_with_the_oldest() -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    body = kept(place)
    del body["told"]
    asyncio.run(place.db.batch([Statement("UPDATE brain_state SET body = ?", (memory.pack(body),))]))
    place.tick(at(101))
    assert place.desk().heard("trades")[-1] == 0


def test_a_part_knows_what_ended_up_to_its_close() -> None:
    ended = [{"closed_ms": each} for each in (3, 1, 2)]
    assert outcomes.until(ended, 2) == [{"closed_ms": 1}, {"closed_ms": 2}]


def test_a_desk_that_was_set_up_anew_is_listened_to_from_its_beginning() -> None:
    place = deciding(LEARNING)
    place.tick(at(100))
    place.desk().trades = [trade(9, at(101))]
    place.tick(at(101))
    assert kept(place)["told"] == 9
    place.desk().trades = [trade(3, at(102), net="20")]
    place.tick(at(102))
    assert told(place)[-1] == [2.0]
    assert kept(place)["told"] == 3
