"""Reading the log: which kinds there are, older versions, and what cannot be understood."""

from __future__ import annotations

import json

import pytest

from shared.desk import events as ev
from shared.desk.upcast import Upcasters
from shared.errors import Halt
from tests.unit.desk import test_account_events, test_order_events


def test_every_kind_is_known_by_its_name() -> None:
    kinds = {*test_account_events.EVENTS, *test_order_events.EVENTS}
    assert {kind: event.kind for kind, event in ev.KINDS.items()} == {kind: kind for kind in kinds}


@pytest.mark.parametrize(("kind", "v"), [("halted", 2), ("unheard_of", 1)])
def test_what_a_later_release_wrote_stops_this_one(kind: str, v: int) -> None:
    with pytest.raises(Halt, match=f"the log holds {kind} v{v}") as caught:
        ev.read(kind, v, "{}")
    assert (caught.value.error_code, caught.value.context) == ("log_unknown_event", {"kind": kind, "v": v})


class Later(ev.Halted):
    v = 3


def test_an_older_body_is_lifted_step_by_step_and_told_as_what_was_stored() -> None:
    upcasters = Upcasters()
    upcasters.register("halted", 1)(lambda body: {**body, "by": body["by"] + "1"})
    upcasters.register("halted", 2)(lambda body: {**body, "by": body["by"] + "2"})
    kinds: dict[str, type[ev.Event]] = {"halted": Later}
    found = ev.read("halted", 1, json.dumps({"by": "me", "reason": "x"}), upcasters, kinds)
    assert isinstance(found, Later)
    assert found.by == "me12"
    with pytest.raises(Halt) as caught:
        ev.read("halted", 2, json.dumps({"by": "me"}), upcasters, kinds)
    assert caught.value.context == {"kind": "halted", "v": 2}
