"""How a desk's decisions reach the brain, and what becomes of a state that another release of the brain wrote."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from cron import memory
from shared.model.alert import Alert, Severity
from shared.ports import Statement
from tests.unit.cron.test_flow import at, signals, world
from tests.unit.cron.world import STRATEGIES, World, desk_json

VETO = '{"policy":[{"do":"veto","reason":"not_today"}],"score":{"after":5}}'


def kept(place: World, desk: str = "alpha") -> dict[str, Any]:
    (row,) = place.db.all("SELECT body FROM brain_state WHERE scope = ?", desk)
    return memory.unpack(row["body"])


def deciding(decisions: str) -> World:
    return world(desks=desk_json("alpha").replace('"symbols"', f'"decisions":{decisions},"symbols"'))


def test_a_desk_without_decisions_sends_none_and_keeps_none() -> None:
    place = world()
    place.tick(at(100))
    assert kept(place)["state"]["decisions"] is None


def test_what_the_policy_vetoes_is_recorded_with_its_reason_and_never_offered() -> None:
    plain, vetoed = world(), deciding(VETO)
    for n in range(100, 140):
        plain.tick(at(n))
        vetoed.tick(at(n))
    live = [row for row in signals(vetoed) if row["bar_close_ms"] > at(100)]
    assert [row["id"] for row in live] == [row["id"] for row in signals(plain) if row["bar_close_ms"] > at(100)]
    entries = [row for row in live if row["action"] == "enter"]
    assert entries
    assert {(row["outcome"], row["code"]) for row in entries} == {("refused", "veto:not_today")}
    exits = [row for row in live if row["action"] == "exit"]
    assert exits
    assert {row["outcome"] for row in exits} == {"intended"}
    assert kept(vetoed)["state"]["decisions"]["scores"][1]


def test_what_the_policy_asks_about_is_told_to_a_person_once_and_not_ordered() -> None:
    place = deciding('{"policy":[{"do":"ask","reason":"by_hand_only"}]}')
    for n in range(100, 140):
        place.tick(at(n))
    asked = [row for row in signals(place) if row["code"] == "ask:by_hand_only"]
    assert asked
    told = [Alert.parse(row["body"]) for row in place.db.all("SELECT body FROM alerts WHERE code = 'brain_asks'")]
    about = {(each.context["symbol"], each.context["bar_close_ms"]) for each in told}
    assert about == {(row["symbol"], row["bar_close_ms"]) for row in asked if row["bar_close_ms"] > at(100)}
    assert len(told) == len(about)
    assert {each.severity for each in told} == {Severity.WARNING}


def test_a_committee_speaks_in_its_own_name_and_its_members_only_vote() -> None:
    place = deciding('{"committee":{"enter_at":0,"exit_at":0}}')
    for n in range(100, 140):
        place.tick(at(n))
    live = [row for row in signals(place) if row["bar_close_ms"] > at(100)]
    own = [row for row in live if row["strategy"] == "committee"]
    assert {row["outcome"] for row in own} == {"intended"}
    assert {row["action"] for row in own} == {"enter", "exit"}
    assert {row["code"] for row in live if row["strategy"] != "committee"} == {"voted"}
    assert json.loads(own[0]["proposal"])["why"]["votes"]


def test_a_state_of_another_release_is_learnt_again_and_the_desk_has_every_bar() -> None:
    same, changed = world(), world()
    for n in range(100, 110):
        same.tick(at(n))
        changed.tick(at(n))
    body = kept(changed)
    body["state"] = {"v": 1, "venue": "us", "interval": "1m", "strategies": {}}
    asyncio.run(changed.db.batch([Statement("UPDATE brain_state SET body = ?", (memory.pack(body),))]))
    for n in range(110, 130):
        same.tick(at(n))
        changed.tick(at(n))
    heard = [bar for bars in changed.desk().heard("bars") for bar in bars]
    # the bars of the step on which it was found are told again, as after a crash
    assert {bar: heard.count(bar) for bar in heard if heard.count(bar) > 1} == dict.fromkeys(
        [(f"us:S00{n}", at(109)) for n in range(3)], 2
    )
    assert sorted(set(heard)) == sorted(bar for bars in same.desk().heard("bars") for bar in bars)
    assert [json.loads(row["counts"] or "{}").get("relearnt") for row in changed.runs("scan")].count(1) == 1
    state = kept(changed)["state"]
    assert state["v"] == kept(same)["state"]["v"]
    assert kept(changed)["seen"] == kept(same)["seen"]
    # an average of a window is the same after any history; one that remembers all is not quite
    assert crosses(changed) == crosses(same) != []


def crosses(place: World) -> list[tuple[str, str]]:
    """Ids and outcomes of the newer signals of sma_cross."""
    rows = [row for row in signals(place) if row["strategy"] == "sma_cross" and row["bar_close_ms"] > at(110)]
    return [(row["id"], row["outcome"]) for row in rows]


def test_a_strategy_that_the_brain_does_not_have_is_told_with_the_run_and_the_others_go_on() -> None:
    whole, lacking = (
        world(),
        world(desks=desk_json("alpha").replace(STRATEGIES, '[{"name":"crystal_ball"},' + STRATEGIES[1:])),
    )
    for n in range(100, 130):
        whole.tick(at(n))
        lacking.tick(at(n))
    assert signals(lacking)
    assert signals(lacking) == signals(whole)
    runs = lacking.runs("scan")
    assert {run["state"] for run in runs} == {"done"}
    assert all(run["error"].startswith("strategies.0.name: 'crystal_ball' is not a known strategy; ") for run in runs)
    assert all(run["error"].count("crystal_ball") == 1 for run in runs)
    assert {run["error"] for run in whole.runs("scan")} == {None}


def test_where_the_brain_has_not_one_of_them_the_scan_fails() -> None:
    place = world(desks=desk_json("alpha").replace(STRATEGIES, '[{"name":"crystal_ball"}]'))
    place.tick(at(100))
    (run,) = place.runs("scan")
    assert run["state"] == "failed"
    assert run["error"].startswith("invalid: strategies.0.name: 'crystal_ball' is not a known strategy; ")
    assert signals(place) == []
