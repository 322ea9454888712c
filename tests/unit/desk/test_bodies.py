"""What the desk's methods take: the bounds of every field, and what one that is left out means."""

from __future__ import annotations

from typing import Any

import pytest

from shared.desk import bodies
from shared.errors import Invalid
from tests.unit.desk.bench import DAY, T0, candle, opening, proposal, quote

ID = "a" * 32
MANY = 5000
TICKET = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}
ASKED = {"by": "edk_1", "idempotency_key": "k"}
SAID = {"by": "edk_1", "reason": "seen"}

BODIES: dict[type[bodies.Body], tuple[dict[str, Any], dict[str, Any]]] = {
    bodies.OpenBody: (
        opening("AAA"),
        {"trading": {"kind": "paper"}, "protections": {}, "rehearsed_as": None, "rehearsal_days": 30},
    ),
    bodies.ProposeBody: ({"proposals": []}, {}),
    bodies.PlaceBody: ({"order": TICKET, **ASKED}, {}),
    bodies.CancelBody: ({"client_id": ID, **ASKED}, {}),
    bodies.ReplaceBody: ({"client_id": ID, "qty": "2", **ASKED}, {"limit_price": None, "trigger_price": None}),
    bodies.SetLevelsBody: (
        {"instrument": "us:AAA", **ASKED},
        {"stop_price": None, "target_price": None, "trail_distance": None},
    ),
    bodies.ResolveBody: ({"client_id": ID, "placed": False, "reason": "seen", **ASKED}, {"venue_order_id": None}),
    bodies.AcceptBody: ({"difference": ID, "reason": "seen", **ASKED}, {}),
    bodies.ReasonBody: (SAID, {"idempotency_key": None}),
    bodies.HaltBody: (SAID, {"idempotency_key": None, "flatten": False}),
    bodies.ResumeRequestBody: (SAID, {"idempotency_key": None}),
    bodies.DisarmBody: (SAID, {"idempotency_key": None}),
    bodies.ArmRequestBody: ({**SAID, "hours": 24}, {"idempotency_key": None}),
    bodies.ResumeConfirmBody: ({"by": "edk_1", "confirm": "c"}, {"idempotency_key": None}),
    bodies.ArmConfirmBody: ({"by": "edk_1", "confirm": "c"}, {"idempotency_key": None}),
    bodies.BarsBody: ({"candles": []}, {}),
    bodies.HeartbeatBody: ({"quotes": []}, {}),
    bodies.TriggerBody: (
        {
            "level": {"instrument": "us:AAA", "kind": "stop", "side": "sell", "price": "95"},
            "quote": quote("AAA", "94", "95", T0),
        },
        {},
    ),
    bodies.OrderBody: ({"client_id": ID}, {}),
    bodies.TradesBody: ({}, {"after_seq": 0}),
    bodies.NoBody: ({}, {}),
    bodies.TickBody: ({}, {"quiet": None}),
}
"""body -> what it must hold, and what the rest is where it is left out"""
KINDS = pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)


@KINDS
def test_what_is_left_out_is_what_it_is_documented_to_be(kind: type[bodies.Body]) -> None:
    must, rest = BODIES[kind]
    found = kind.read(must).wire()
    assert set(found) == {*must, *rest}
    assert {name: found[name] for name in rest} == rest


@KINDS
def test_what_must_be_there_cannot_be_left_out_and_nothing_else_be_there(kind: type[bodies.Body]) -> None:
    must, _ = BODIES[kind]
    for name in must:
        with pytest.raises(Invalid) as caught:
            kind.read({key: value for key, value in must.items() if key != name})
        assert caught.value.context["field"] in (name, kind.__name__)
    with pytest.raises(Invalid, match="surprise"):
        kind.read({**must, "surprise": 1})


BOUNDS: list[tuple[type[bodies.Body], str, list[Any], list[Any]]] = [
    (bodies.CancelBody, "by", ["x", "x" * 64], ["", "x" * 65, 1, None]),
    (bodies.CancelBody, "idempotency_key", ["x", "x" * 128], ["", "x" * 129, None]),
    (bodies.AcceptBody, "reason", ["x", "x" * 500], ["", "x" * 501]),
    (bodies.ReasonBody, "reason", ["x", "x" * 500], ["", "x" * 501]),
    (bodies.ReasonBody, "idempotency_key", ["x", "x" * 128], ["", "x" * 129]),
    (bodies.ResolveBody, "reason", ["x", "x" * 500], ["", "x" * 501]),
    (bodies.TradesBody, "after_seq", [0, 7], [-1, 1.5, "1", None]),
    (bodies.ArmRequestBody, "hours", [1, 168], [0, 169, 1.5, "1", None]),
    (bodies.ResumeConfirmBody, "confirm", ["x", "x" * 200], ["", "x" * 201]),
    (bodies.ArmConfirmBody, "confirm", ["x", "x" * 200], ["", "x" * 201]),
    (bodies.HaltBody, "flatten", [True, False], [None, 1, "yes"]),
    (bodies.TickBody, "quiet", [True, False, None], [1, "yes"]),
    (bodies.OpenBody, "rehearsal_days", [1, 3650], [0, 3651]),
    (bodies.OpenBody, "interval_ms", [60_000, DAY], [0, 1, 61_000, DAY + 1]),
    (bodies.OpenBody, "cash", ["0.01"], ["0", "-1", 1]),
    (bodies.ReplaceBody, "qty", ["0.1"], ["0", 1]),
    (bodies.SetLevelsBody, "trail_distance", ["0.1", None], ["0", 1]),
    (bodies.ProposeBody, "proposals", [[proposal("AAA", 0, "1")] * 1000], [[proposal("AAA", 0, "1")] * 1001]),
    (bodies.HeartbeatBody, "quotes", [[quote("AAA", "1", "2", T0)] * 1000], [[quote("AAA", "1", "2", T0)] * 1001]),
    (bodies.BarsBody, "candles", [[candle("AAA", 0, "1")] * MANY], [[candle("AAA", 0, "1")] * (MANY + 1)]),
]


@pytest.mark.parametrize(("kind", "name", "good", "bad"), BOUNDS, ids=[f"{k.__name__}-{n}" for k, n, *_ in BOUNDS])
def test_a_field_may_be_at_its_bound_and_not_beyond(
    kind: type[bodies.Body], name: str, good: list[Any], bad: list[Any]
) -> None:
    must, _ = BODIES[kind]
    for value in good:
        kind.read({**must, name: value})
    for value in bad:
        with pytest.raises(Invalid) as caught:
            kind.read({**must, name: value})
        assert caught.value.context["field"] == name


def test_an_interval_that_is_none_is_told_which_there_are() -> None:
    with pytest.raises(Invalid, match=r"interval_ms: 61000 must be the length of an interval: \[60000, "):
        bodies.OpenBody.read(opening("AAA", interval_ms=61_000))


def test_a_replacement_changes_one_thing_at_least() -> None:
    must = {"client_id": ID, **ASKED}
    for name in ("qty", "limit_price", "trigger_price"):
        assert bodies.ReplaceBody.read({**must, name: "2"})
    with pytest.raises(Invalid, match="one of qty, limit_price and trigger_price must be given"):
        bodies.ReplaceBody.read(must)


def test_the_venues_name_belongs_to_an_order_that_was_placed() -> None:
    must, _ = BODIES[bodies.ResolveBody]
    assert bodies.ResolveBody.read({**must, "placed": True})
    for name in ("v", "v" * 64):
        assert bodies.ResolveBody.read({**must, "placed": True, "venue_order_id": name})
        with pytest.raises(Invalid, match="belongs to an order that was placed"):
            bodies.ResolveBody.read({**must, "venue_order_id": name})
    for name in ("", "v" * 65):
        with pytest.raises(Invalid) as caught:
            bodies.ResolveBody.read({**must, "placed": True, "venue_order_id": name})
        assert caught.value.context["field"] == "venue_order_id"
