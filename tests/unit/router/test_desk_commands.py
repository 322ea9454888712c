"""The commands a person gives a desk: what reaches it, and what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.resources.history import ABOUT_THE_ACCOUNT, ACCOUNT
from shared.desk.events import KINDS
from tests.unit.router.native import World, problem
from tests.unit.router.test_pages import walk

CLIENT_ID = f"{7:032x}"
ORDER = f"/v1/desks/main/orders/{CLIENT_ID}"
LEVELS = "/v1/desks/main/positions/us:AAPL/levels"
ACCEPT = f"/v1/desks/main/reconciliation/{CLIENT_ID}/accept"
ARM = "/v1/desks/main/live-gate/arm"
DISARM = "/v1/desks/main/live-gate/disarm"


def asked(world: World, role: str, **body: Any) -> dict[str, Any]:
    """What a desk is told of a caller with this role, and beside it."""
    prefix = world.keys[role][4:12]
    return {"by": prefix, "idempotency_key": f"{prefix}:test-key", **body}


def test_the_new_terms_of_a_ticket_go_to_the_desk(world: World) -> None:
    world.desks.answers["main", "place"] = {"order": {}}
    ticket = {"instrument": "us:AAPL", "side": "buy", "kind": "stop_limit", "qty": "1", "limit_price": "21"}
    more = {"trigger_price": "20", "time_in_force": "gtd", "good_till_ms": 5, "trail_distance": "1.5"}
    assert world.ask("POST", "/v1/desks/main/orders", "trader", json=ticket | more).status_code == 201
    sent = world.desks.asked[0][2]["order"]
    assert {name: sent[name] for name in more} == more
    rested = {
        "instrument": "us:AAPL",
        "side": "buy",
        "kind": "limit",
        "qty": "1",
        "limit_price": "21",
        "post_only": True,
    }
    assert world.ask("POST", "/v1/desks/main/orders", "trader", json=rested).status_code == 201
    assert world.desks.asked[1][2]["order"]["post_only"] is True


@pytest.mark.parametrize(
    "terms",
    [
        {"kind": "stop"},
        {"kind": "market", "trigger_price": "3"},
        {"kind": "market", "time_in_force": "gtd"},
        {"kind": "market", "good_till_ms": 5},
        {"kind": "market", "post_only": True},
        {"kind": "stop", "trigger_price": "3", "time_in_force": "ioc"},
    ],
    ids=str,
)
def test_terms_that_do_not_belong_together_never_reach_the_desk(world: World, terms: dict[str, Any]) -> None:
    ticket = {"instrument": "us:AAPL", "side": "buy", "qty": "1"} | terms
    problem(world.ask("POST", "/v1/desks/main/orders", "trader", json=ticket), 422, "invalid")
    assert not world.desks.asked


@pytest.mark.parametrize("change", [{"qty": "2"}, {"limit_price": "9.5"}, {"qty": "2", "trigger_price": "7"}], ids=str)
def test_a_change_of_an_order_goes_to_the_desk(world: World, change: dict[str, str]) -> None:
    world.desks.answers["main", "replace"] = {"order": {}}
    assert world.ask("PATCH", ORDER, "trader", json=change).status_code == 200
    assert world.desks.asked == [("main", "replace", asked(world, "trader", client_id=CLIENT_ID, **change))]


@pytest.mark.parametrize("change", [{}, {"qty": None}, {"qty": "0"}, {"qty": 2}, {"side": "sell"}], ids=str)
def test_a_change_that_changes_nothing_or_too_much_is_refused(world: World, change: dict[str, Any]) -> None:
    problem(world.ask("PATCH", ORDER, "trader", json=change), 422, "invalid")
    problem(world.ask("PATCH", ORDER, "trader", json={"qty": "2"}, idempotent=False), 422, "idempotency_key_required")
    assert not world.desks.asked


@pytest.mark.parametrize(
    "verdict",
    [
        {"placed": False, "reason": "never there"},
        {"placed": True, "reason": "seen", "venue_order_id": "A1"},
        {"placed": True, "reason": "seen"},
    ],
    ids=str,
)
def test_a_verdict_on_an_unknown_order_goes_to_the_desk(world: World, verdict: dict[str, Any]) -> None:
    world.desks.answers["main", "resolve"] = {"order": {}}
    assert world.ask("POST", f"{ORDER}/resolve", "admin", json=verdict).status_code == 200
    assert world.desks.asked == [("main", "resolve", asked(world, "admin", client_id=CLIENT_ID, **verdict))]


@pytest.mark.parametrize(
    "verdict",
    [{"placed": False}, {"reason": "why"}, {"placed": False, "reason": "no", "venue_order_id": "A1"}, {"placed": 1}],
    ids=str,
)
def test_half_a_verdict_is_refused(world: World, verdict: dict[str, Any]) -> None:
    problem(world.ask("POST", f"{ORDER}/resolve", "admin", json=verdict), 422, "invalid")
    assert not world.desks.asked


def test_levels_go_to_the_desk_and_null_takes_one_away(world: World) -> None:
    world.desks.answers["main", "set_levels"] = {"instrument": "us:AAPL"}
    levels = {"stop_price": "9.50", "target_price": None, "trail_distance": "0.5"}
    assert world.ask("PUT", LEVELS, "trader", json=levels).status_code == 200
    wanted = asked(world, "trader", instrument="us:AAPL", stop_price="9.5", trail_distance="0.5")
    assert world.desks.asked == [("main", "set_levels", wanted)]


@pytest.mark.parametrize("missing", ["stop_price", "target_price", "trail_distance"])
def test_a_level_that_is_left_out_is_not_taken_away(world: World, missing: str) -> None:
    levels = {"stop_price": None, "target_price": None, "trail_distance": None}
    del levels[missing]
    said = problem(world.ask("PUT", LEVELS, "trader", json=levels), 422, "invalid")
    assert [error["field"] for error in said["errors"]] == [missing]
    problem(world.ask("PUT", "/v1/desks/main/positions/AAPL/levels", "trader", json=levels), 422, "invalid")
    assert not world.desks.asked


@pytest.mark.parametrize("path", ["/v1/desks/main/halt", "/v1/halt"])
@pytest.mark.parametrize("flatten", [True, False])
def test_a_halt_may_also_sell_what_is_held(world: World, path: str, flatten: bool) -> None:
    world.desk("main")
    world.desks.answers["main", "halt"] = {"status": "halted", "since_ms": 1}
    assert world.ask("POST", path, "trader", json={"flatten": flatten}, idempotent=False).status_code == 200
    assert world.desks.asked[0][2].get("flatten", False) is flatten
    problem(world.ask("POST", path, "trader", json={"flatten": "yes"}), 422, "invalid")


def test_the_protections_are_what_the_desk_says(world: World) -> None:
    told = {"desk": "main", "status": "reducing", "reductions": {"daily_loss": {}}, "drawdown_bps": 12, "cash": "5"}
    world.desks.answers["main", "view"] = told
    said = world.ask("GET", "/v1/desks/main/protections", "viewer").json()
    assert (said["status"], said["reductions"], said["drawdown_bps"]) == ("reducing", {"daily_loss": {}}, 12)
    assert "cash" not in said


def test_the_reconciliation_is_what_the_desk_says(world: World) -> None:
    told = {"looked_ms": 4, "clean": False, "failing": "time-out", "differences": [{"id": CLIENT_ID}]}
    world.desks.answers["main", "reconciliation"] = told
    assert world.ask("GET", "/v1/desks/main/reconciliation", "viewer").json() == told


def test_accepting_a_difference_takes_a_reason(world: World) -> None:
    world.desks.answers["main", "accept"] = {"seq": 9}
    problem(world.ask("POST", ACCEPT, "admin", json={}), 422, "invalid")
    assert world.ask("POST", ACCEPT, "admin", json={"reason": "a fee in kind"}).json() == {"seq": 9}
    assert world.desks.asked == [
        ("main", "accept", asked(world, "admin", difference=CLIENT_ID, reason="a fee in kind"))
    ]


def test_arming_takes_two_steps(world: World) -> None:
    world.desks.answers["main", "arm_request"] = {"confirm": "token", "expires_ms": 5}
    world.desks.answers["main", "arm_confirm"] = {"armed_until_ms": 9}
    first = world.ask("POST", ARM, "admin", json={"reason": "rehearsed", "hours": 168})
    assert first.json() == {"desk": "main", "confirm": "token", "expires_ms": 5}
    second = world.ask("POST", f"{ARM}/confirm", "admin", json={"confirm": "token"})
    assert second.json() == {"desk": "main", "armed_until_ms": 9}
    assert world.desks.asked == [
        ("main", "arm_request", asked(world, "admin", reason="rehearsed", hours=168)),
        ("main", "arm_confirm", asked(world, "admin", confirm="token")),
    ]


@pytest.mark.parametrize("hours", [0, 169, "8", 1.5, None])
def test_a_desk_is_armed_for_a_week_at_most(world: World, hours: Any) -> None:
    problem(world.ask("POST", ARM, "admin", json={"reason": "why", "hours": hours}), 422, "invalid")
    assert not world.desks.asked


def test_disarming_needs_no_header_and_reaches_the_desk_while_d1_is_down(world: World) -> None:
    world.desks.answers["main", "disarm"] = {"armed_until_ms": 0}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    ways: list[dict[str, Any]] = [
        {},
        {"json": {"reason": "smoke"}},
        {"content": b'{"reason": "now"}', "headers": headers},
    ]
    for way in ways:
        assert world.ask("POST", DISARM, "trader", idempotent=False, **way).status_code == 200
    world.db.down = True
    assert world.ask("POST", DISARM, "trader", idempotent=False).status_code == 200
    assert [body["reason"] for _, _, body in world.desks.asked] == ["by hand", "smoke", "now", "by hand"]
    assert {key.partition(":")[0] for key in world.limiter.keys} == {"halt"}


def event(world: World, seq: int, kind: str, desk: str = "main") -> None:
    body = json.dumps({"code": kind})
    world.db.do("INSERT INTO journal VALUES (?, ?, 1, ?, ?, ?, ?)", desk, seq, seq, kind, body, f"h{seq}")


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("protections", {"halted", "reduced", "reduction_lifted", "resumed", "venue_lost"}),
        ("reconciliation", {"difference_found", "difference_resolved", "fill_found", "ledger_adjusted"}),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_history_is_of_its_own_kinds_newest_first_page_by_page(
    world: World, path: str, kinds: set[str], limit: int
) -> None:
    world.desk("main", 50)
    for seq, kind in enumerate(sorted(KINDS)):
        event(world, seq, kind)
        event(world, seq, kind, "other")
    items, _ = walk(world, f"/v1/desks/main/{path}?history=1", limit)
    seqs = [item["seq"] for item in items]
    assert seqs == sorted(seqs, reverse=True)
    assert {item["kind"] for item in items} >= kinds
    assert len(items) == len({item["kind"] for item in items})
    assert world.ask("GET", f"/v1/desks/main/{path}?history=1").json()["as_of_seq"] == 50
    assert not world.desks.asked


def test_the_history_of_the_account_reads_an_index_and_not_the_whole_journal(world: World) -> None:
    sql = (
        f"EXPLAIN QUERY PLAN {ACCOUNT} WHERE desk = ? AND {ABOUT_THE_ACCOUNT} AND kind IN ('halted') ORDER BY seq DESC"
    )
    (step,) = [row["detail"] for row in world.db.do(sql, "main")]
    assert "journal_account" in step
