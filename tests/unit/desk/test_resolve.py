"""A person's word on an order that nobody can ask about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.desk import commands
from shared.errors import Conflict, Invalid, NotFound
from shared.model import OrderStatus, ids
from shared.venues.venue import Offers
from tests.unit.desk.bench import Bench, run
from tests.unit.desk.protections.core import Core
from tests.unit.desk.remote import Remote, bodies, down, far


class Nameless(Remote):
    """Keeps no client ids: what it lists has names of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.offers = Offers(client_ids=False)
        self.lost_after = False

    async def place(self, order: Any) -> Any:
        report = await super().place(order)
        if not self.lost_after:
            return report
        self.lost_after = False
        # it has the order, under a name that says nothing to the desk
        stranger = ids.digest(report.venue_order_id)
        self.bodies[stranger] = self.bodies.pop(order.client_id)
        self.orders[stranger] = self.orders.pop(order.client_id)._replace(client_id=stranger)
        raise down()[0]


@pytest.fixture
def bench() -> Bench:
    return far(Nameless())


def lost(bench: Bench, after: bool) -> str:
    """An order without an answer: the venue has it (`after`), or not."""
    if after:
        bench.remote.lost_after = True
    else:
        bench.remote.trouble.extend(down())
    name = str(bench.place("AAA", "buy", "10", kind="limit", limit_price="90")["client_id"])
    assert bench.order(name)["status"] == "unknown"
    return name


def resolve(bench: Bench, name: str, placed: bool, key: str = "r1", **more: Any) -> dict[str, Any]:
    body = {"client_id": name, "placed": placed, "reason": "looked there", "by": "edk_me", "idempotency_key": key}
    found: dict[str, Any] = bench.call("resolve", **body, **more)["order"]
    return found


def look(bench: Bench) -> bool:
    clean: bool = run(bench.desk.engine.looking.look())
    return clean


def newest(bench: Bench, kind: str) -> dict[str, Any]:
    rows = bench.sql.rows("SELECT body FROM events WHERE kind = ? ORDER BY seq DESC LIMIT 1", kind)
    found: dict[str, Any] = json.loads(rows[0][0])
    return found


def test_an_order_that_never_left_is_cancelled_on_a_persons_word(bench: Bench) -> None:
    name = lost(bench, after=False)
    order = resolve(bench, name, placed=False)
    assert (order["status"], order["reason"]) == ("cancelled", "resolved_never_placed")
    said = newest(bench, "order_cancelled")
    assert (said["by"], said["note"]) == ("edk_me", "looked there")
    assert look(bench)
    assert bench.place("AAA", "buy", "1")["status"] == "intended"


def test_an_order_that_is_there_is_taken_over_by_the_venues_id_and_then_asked_about(bench: Bench) -> None:
    name = lost(bench, after=True)
    look(bench)
    look(bench)
    (difference,) = bench.state.differences.values()
    assert difference.kind == "foreign_order"
    order = resolve(bench, name, placed=True, venue_order_id=difference.subject)
    assert (order["status"], order["venue_order_id"]) == ("acknowledged", difference.subject)
    assert (newest(bench, "order_acknowledged")["by"], bench.remote.calls[-1]) == ("edk_me", "order")
    # from now on it is known by that id
    assert look(bench)
    assert bench.call("view")["status"] == "active"


def test_its_fills_are_booked_when_the_venue_is_asked(bench: Bench) -> None:
    name = lost(bench, after=True)
    (stranger,) = bench.remote.orders
    bench.remote.fill(stranger, "90", "4")
    venue_id = bench.remote.orders[stranger].venue_order_id
    report = bench.remote.orders[stranger]
    own = tuple(fill.model_copy(update={"client_id": name}) for fill in report.fills)
    bench.remote.orders[stranger] = report._replace(fills=own)
    # while nobody knows whose it is, the fill is not booked as a stranger's either
    look(bench)
    assert bench.state.position("us:AAA").is_flat
    resolve(bench, name, placed=True, venue_order_id=venue_id)
    assert bench.state.position("us:AAA").qty == 4
    assert look(bench)


def test_a_word_that_was_wrong_shows_at_the_next_look(bench: Bench) -> None:
    name = lost(bench, after=True)
    (stranger,) = bench.remote.orders
    resolve(bench, name, placed=False)
    bench.remote.fill(stranger, "90", "4")
    look(bench)
    assert bench.state.position("us:AAA").qty == 4
    assert newest(bench, "fill_found")["instrument"] == "us:AAA"
    assert [each.kind for each in bench.state.differences.values()] == ["foreign_order"]


def test_only_what_is_unknown_is_resolved_and_the_venues_id_is_needed(bench: Bench) -> None:
    name = lost(bench, after=False)
    with pytest.raises(Invalid) as caught:
        resolve(bench, name, placed=True)
    assert caught.value.context["field"] == "venue_order_id"
    with pytest.raises(Invalid):
        resolve(bench, name, placed=False, venue_order_id="far-0")
    with pytest.raises(NotFound):
        resolve(bench, "0" * 32, placed=False)
    resolve(bench, name, placed=False)
    with pytest.raises(Conflict) as refused:
        resolve(bench, name, placed=False, key="r2")
    assert refused.value.error_code == "order_not_unknown"


def test_the_same_word_again_answers_the_same(bench: Bench) -> None:
    name = lost(bench, after=False)
    first, before = resolve(bench, name, placed=False), bench.kinds()
    assert resolve(bench, name, placed=False) == first
    assert bench.kinds() == before


def test_a_venue_that_can_be_asked_needs_no_id() -> None:
    bench = far()
    bench.remote.trouble.extend(down(20))
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    assert bench.order(name)["status"] == "unknown"
    assert resolve(bench, name, placed=True)["status"] == OrderStatus.ACKNOWLEDGED


def test_fills_under_a_stand_in_are_the_orders_own_and_not_a_strangers() -> None:
    """A venue without client ids names an order, and each of its fills, by an id of its own."""
    remote = Remote()
    remote.offers = Offers(client_ids=False)
    bench = far(remote)
    name = str(bench.place("AAA", "buy", "10")["client_id"])
    remote.fill(name, "100", "4")
    stand_in = ids.stand_in(str(remote.orders[name].venue_order_id))
    renamed = [fill.model_copy(update={"client_id": stand_in}) for fill in remote.fills]
    remote.fills[:] = renamed
    remote.orders[name] = remote.orders[name]._replace(fills=tuple(renamed))
    look(bench)
    assert bench.state.position("us:AAA").qty == 4
    assert bench.state.orders[name].filled_qty == 4
    assert not bodies(bench, "fill_found")


@pytest.mark.parametrize(("code", "context"), [("order_not_found", {}), ("order_not_unknown", {})])
def test_what_is_not_there_or_is_known_needs_no_word(bench: Bench, code: str, context: dict[str, Any]) -> None:
    known = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    with pytest.raises((NotFound, Conflict)) as caught:
        resolve(bench, known if code == "order_not_unknown" else "0" * 32, placed=False)
    assert (caught.value.error_code, caught.value.context) == (code, context)


def test_the_missing_id_is_named_with_its_remedy(bench: Bench) -> None:
    name = lost(bench, after=False)
    with pytest.raises(Invalid) as caught:
        resolve(bench, name, placed=True)
    assert caught.value.context["field"] == "venue_order_id"
    assert caught.value.detail.startswith("venue_order_id: None must be given")


def test_an_entry_that_a_halt_could_not_take_away_is_cancelled_when_it_is_found(bench: Bench) -> None:
    name = lost(bench, after=False)
    bench.call("halt", by="me", reason="x")
    assert bench.order(name)["status"] == "unknown"
    bench.remote.trouble.extend(down(2))
    resolve(bench, name, placed=True, venue_order_id="far-1")
    asked = newest(bench, "order_cancel_requested")
    assert (asked["client_id"], asked["by"], asked["reason"]) == (name, "desk", "halted")


@pytest.mark.parametrize(
    ("terms", "kinds"),
    [
        ({"kind": "limit", "limit_price": "90"}, ["order_acknowledged", "order_cancel_requested"]),
        ({"side": "sell", "reduce_only": True}, ["order_acknowledged"]),
    ],
)
def test_a_halt_takes_away_an_entry_that_is_found_and_not_an_exit(terms: dict[str, Any], kinds: list[str]) -> None:
    core = Core()
    core.hold("AAA")
    core.offers = Offers(client_ids=False)
    name = core.place("AAA", **terms)
    core.run(commands.Sending(name), name)
    core.run(commands.Unanswered(name, "no answer"), name)
    core.run(commands.HaltDesk("me", "x"))
    # what the halt asked for is not answered either
    core.run(commands.Unanswered(name, "no answer"), name)
    assert core.order(name).status is OrderStatus.UNKNOWN
    assert [event.kind for event in core.run(commands.Resolve(name, "me", True, "looked there", "v1"), name)] == kinds
