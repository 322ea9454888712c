"""Each act of a person: what is decided, under which name, what is answered, and that the same key answers the same."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from shared.desk import idempotency
from shared.desk.answering import TOKEN_KEPT_MS
from shared.errors import Conflict, NotFound, Refused, VenueUnavailable
from shared.model import ids
from shared.venues.venue import Offers
from tests.unit.desk.bench import NOW, Bench, candle
from tests.unit.desk.remote import bodies, down, far, held, look
from tests.unit.desk.test_live_gate import live


def ready() -> Bench:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"), candle("BBB", 0, "100"))
    return bench


def ticket(**changes: Any) -> dict[str, Any]:
    return {"instrument": "us:AAA", "side": "buy", "kind": "limit", "qty": "10", "limit_price": "90", **changes}


def kept(bench: Bench) -> dict[str, int]:
    """How long each answer is kept, from now."""
    rows = bench.sql.rows("SELECT key, expires_ms FROM idempotency")
    return {key: expires_ms - bench.clock.now_ms() for key, expires_ms in rows}


def test_an_order_by_hand_is_named_by_its_key_and_told_in_full() -> None:
    bench = ready()
    terms = ticket(
        time_in_force="gtd", good_till_ms=2**50, post_only=True, stop_price="80", target_price="120", trail_distance="5"
    )
    told = bench.call("place", order=terms, by="edk_me", idempotency_key="k")["order"]
    assert told["client_id"] == ids.manual_order_id("alpha", "k")
    assert {name: told[name] for name in terms} == terms
    expected = {"cause": "manual", "by": "edk_me", "status": "intended", "reference_price": "100", "reduce_only": False}
    assert {name: told[name] for name in expected} == expected
    assert (told["market_ms"], told["intended_ms"]) == (bench.desk.engine.market.market_ms, NOW)


def test_a_replacement_is_named_by_its_key_and_keeps_what_was_not_changed() -> None:
    bench = ready()
    old = bench.call("place", order=ticket(stop_price="80"), by="you", idempotency_key="k")["order"]
    bench.clock.advance(5)
    body = {"client_id": old["client_id"], "qty": "12", "by": "edk_me", "idempotency_key": "r"}
    new = bench.call("replace", **body)["order"]
    changed = {"client_id", "qty", "replaces", "by", "intended_ms", "status"}
    assert new["client_id"] == ids.manual_order_id("alpha", "r")
    assert (new["qty"], new["replaces"], new["by"]) == ("12", old["client_id"], "edk_me")
    assert (new["intended_ms"], new["status"]) == (NOW + 5, "created")
    assert {name: new[name] for name in new if name not in changed} == {
        name: old[name] for name in old if name not in changed
    }
    (asked,) = bodies(bench, "order_cancel_requested")
    assert (asked["client_id"], asked["by"], asked["reason"]) == (old["client_id"], "edk_me", "replaced")


ACTS: list[tuple[str, dict[str, Any]]] = [
    ("place", {"order": ticket()}),
    ("replace", {"client_id": ids.manual_order_id("alpha", "first"), "limit_price": "91"}),
    ("set_levels", {"instrument": "us:BBB", "stop_price": "80", "target_price": "130", "trail_distance": "7"}),
    ("cancel", {"client_id": ids.manual_order_id("alpha", "first")}),
    ("halt", {"reason": "x"}),
    ("resume_request", {"reason": "y"}),
]


@pytest.mark.parametrize(("method", "body"), ACTS, ids=[method for method, _ in ACTS])
def test_the_same_key_answers_the_same_and_does_nothing(method: str, body: dict[str, Any]) -> None:
    bench = ready()
    bench.held("BBB", 1)
    bench.call("place", order=ticket(), by="edk_me", idempotency_key="first")
    if method == "resume_request":
        bench.call("halt", by="me", reason="x")
    asked = {**body, "by": "edk_me", "idempotency_key": "k"}
    first, kinds = bench.call(method, **asked), bench.kinds()
    assert bench.call(method, **asked) == first
    assert bench.kinds() == kinds
    keep_ms = TOKEN_KEPT_MS if method == "resume_request" else idempotency.KEEP_MS
    assert kept(bench)["k"] == keep_ms
    # kept over a release: the same request has to look the same after it
    stored = bench.sql.rows("SELECT fingerprint FROM idempotency WHERE key = 'k'")
    assert stored == [(idempotency.fingerprint(method, asked),)]
    with pytest.raises(Conflict) as caught:
        bench.call(method, **{**asked, "by": "somebody"})
    assert caught.value.error_code == "idempotency_conflict"
    other = "disarm" if method in ("halt", "resume_request") else "cancel" if method != "cancel" else "halt"
    told = {"client_id": "0" * 32} if other == "cancel" else {"reason": "x"}
    with pytest.raises(Conflict) as caught:
        bench.call(other, **told, by="edk_me", idempotency_key="k")
    assert caught.value.error_code == "idempotency_conflict"


@pytest.mark.parametrize(("method", "other"), [("halt", "resume_request"), ("halt", "disarm"), ("disarm", "halt")])
def test_the_key_of_one_act_is_not_that_of_another_with_the_same_words(method: str, other: str) -> None:
    bench = ready()
    body = {"by": "me", "reason": "x", "idempotency_key": "k"}
    bench.call(method, **body)
    with pytest.raises(Conflict) as caught:
        bench.call(other, **body)
    assert caught.value.error_code == "idempotency_conflict"


def test_a_key_that_ran_out_is_a_new_one() -> None:
    bench = ready()
    bench.call("halt", by="me", reason="x", idempotency_key="h")
    body = {"by": "me", "reason": "y", "idempotency_key": "k"}
    first = bench.call("resume_request", **body)
    bench.clock.advance(TOKEN_KEPT_MS - 1)
    assert bench.call("resume_request", **body) == first
    bench.clock.advance(1)
    second = bench.call("resume_request", **body)
    assert second["confirm"] != first["confirm"]
    assert second["expires_ms"] == bench.clock.now_ms() + TOKEN_KEPT_MS


def test_without_a_key_each_is_an_act_of_its_own() -> None:
    bench = ready()
    bench.call("halt", by="me", reason="x")
    told = [bench.call("resume_request", by="me", reason="y")["confirm"] for _ in range(2)]
    assert len(set(told)) == 2
    assert kept(bench) == {}


def test_a_token_is_stored_as_its_hash_alone() -> None:
    bench = ready()
    bench.call("halt", by="me", reason="x")
    confirm = bench.call("resume_request", by="me", reason="y")["confirm"]
    (asked,) = bodies(bench, "resume_requested")
    assert asked["confirm_hash"] == hashlib.sha256(confirm.encode()).hexdigest()
    assert (asked["by"], asked["reason"], asked["expires_ms"]) == ("me", "y", NOW + 300_000)
    bench.clock.advance(3)
    assert bench.call("resume_confirm", by="you", confirm=confirm, idempotency_key="c") == {"status": "active"}
    assert bench.call("resume_confirm", by="you", confirm=confirm, idempotency_key="c") == {"status": "active"}
    (resumed,) = bodies(bench, "resumed")
    assert resumed["by"] == "you"


def test_a_halt_tells_its_status_and_since_when() -> None:
    bench = ready()
    bench.clock.advance(5)
    assert bench.call("halt", by="me", reason="x") == {"status": "halted", "since_ms": NOW + 5}
    (halted,) = bodies(bench, "halted")
    assert (halted["by"], halted["reason"]) == ("me", "x")


def test_a_refusal_is_told_again_by_its_key_and_journalled_once() -> None:
    bench = ready()
    body = {"order": ticket(qty="100000"), "by": "me", "idempotency_key": "k"}
    told = []
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            bench.call("place", **body)
        told.append(caught.value.wire())
    assert told[0] == told[1]
    assert caught.value.context == {"client_id": ids.manual_order_id("alpha", "k")}
    (refused,) = bodies(bench, "order_refused")
    assert {name: refused[name] for name in ("client_id", "instrument", "side", "by", "code", "detail")} == {
        "client_id": ids.manual_order_id("alpha", "k"),
        "instrument": "us:AAA",
        "side": "buy",
        "by": "me",
        "code": caught.value.error_code,
        "detail": caught.value.detail,
    }


def test_levels_are_told_as_they_are_and_journalled_with_who_set_them() -> None:
    bench = ready()
    bench.held("BBB", 1)
    levels = {"stop_price": "80", "target_price": "130", "trail_distance": "30"}
    told = bench.call("set_levels", instrument="us:BBB", **levels, by="edk_me", idempotency_key="l")
    assert told == {"instrument": "us:BBB", **levels}
    (first,) = bodies(bench, "levels_moved")
    assert {name: first[name] for name in ("instrument", "by", *levels)} == {
        "instrument": "us:BBB",
        "by": "edk_me",
        **levels,
    }


def test_a_word_on_an_order_tells_the_order() -> None:
    bench = far()
    bench.remote.offers = Offers(client_ids=False)
    bench.desk.engine._configure()
    for key, placed in (("n", False), ("y", True)):
        bench.remote.trouble.extend(down())
        name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90", key=f"p{key}")["client_id"]
        said = {"client_id": name, "placed": placed, "reason": "I looked", "by": "me", "idempotency_key": key}
        more = {"venue_order_id": "far-7"} if placed else {}
        told = bench.call("resolve", **said, **more)["order"]
        assert told["status"] == ("acknowledged" if placed else "cancelled")
        assert told["venue_order_id"] == (more.get("venue_order_id"))
        event = bodies(bench, "order_acknowledged" if placed else "order_cancelled")[-1]
        assert (event["by"], event["note"]) == ("me", "I looked")


def test_nothing_is_accepted_while_the_venue_cannot_be_compared_with() -> None:
    bench = far()
    held(bench)
    bench.remote.positions["us:AAA"] += 1
    look(bench)
    (name,) = bench.state.differences
    body = {"difference": name, "reason": "r", "by": "me", "idempotency_key": "a"}
    bench.remote.trouble.extend(down())
    with pytest.raises(VenueUnavailable, match="no answer"):
        bench.call("accept", **body)
    assert bench.state.position("us:AAA").qty == 10
    told = bench.call("accept", **body)
    assert bench.state.position("us:AAA").qty == 11
    assert told["seq"] < bench.state.seq
    calls = len(bench.remote.calls)
    assert bench.call("accept", **body) == told
    assert bench.remote.calls[calls:] == ["account"]


def test_nothing_is_asked_of_a_desk_that_was_never_opened() -> None:
    bench = Bench(opened=False)
    for method, body in [*ACTS, ("accept", {"difference": "0" * 32, "reason": "x"})]:
        with pytest.raises(NotFound) as caught:
            bench.call(method, **body, by="me", idempotency_key="k")
        assert caught.value.error_code == "desk_not_open"


# --- arming ---


def test_arming_is_asked_for_in_hours_and_journalled_with_who_and_why() -> None:
    bench = live()
    body = {"by": "edk_me", "reason": "we go", "hours": 3, "idempotency_key": "q"}
    told = bench.call("arm_request", **body)
    assert told["expires_ms"] == NOW + 300_000
    assert bench.call("arm_request", **body) == told
    assert kept(bench)["q"] == TOKEN_KEPT_MS
    (asked,) = bodies(bench, "arm_requested")
    assert (asked["by"], asked["reason"], asked["until_ms"]) == ("edk_me", "we go", NOW + 3 * 3_600_000)
    assert asked["confirm_hash"] == hashlib.sha256(told["confirm"].encode()).hexdigest()
    confirm = {"by": "edk_you", "confirm": told["confirm"], "idempotency_key": "c"}
    assert bench.call("arm_confirm", **confirm) == {"armed_until_ms": NOW + 3 * 3_600_000}
    assert kept(bench)["c"] == idempotency.KEEP_MS
    (armed,) = bodies(bench, "armed")
    assert (armed["by"], armed["reason"], armed["until_ms"]) == ("edk_you", "we go", NOW + 3 * 3_600_000)
    disarm = {"by": "edk_me", "reason": "done", "idempotency_key": "d"}
    assert bench.call("disarm", **disarm) == {"armed_until_ms": 0}
    assert bench.call("disarm", **disarm) == {"armed_until_ms": 0}
    (disarmed,) = bodies(bench, "disarmed")
    assert (disarmed["by"], disarmed["reason"]) == ("edk_me", "done")


def test_arming_once_more_moves_the_end_and_the_gate_stays_open() -> None:
    bench = live()
    for hours, key in ((1, "a"), (5, "b")):
        asked = bench.call("arm_request", by="me", reason="x", hours=hours, idempotency_key=f"{key}1")
        bench.call("arm_confirm", by="me", confirm=asked["confirm"], idempotency_key=f"{key}2")
    assert bench.state.armed_until_ms == NOW + 5 * 3_600_000
    assert bench.call("live_gate")["open"]
