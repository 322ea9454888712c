"""Before an order leaves: what is stored, what may still stop it, and what a venue without client ids leads to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.desk import commands, trading
from shared.desk import events as ev
from shared.desk.effects import Do, Effect, pending
from shared.desk.state import DeskStatus
from shared.errors import Refused
from shared.model import Proposal
from shared.venues.venue import AccountView, Offers, OrderReport
from tests.unit.desk.bench import NOW, Bench, candle, proposal, run
from tests.unit.desk.faulty import FaultyVenue
from tests.unit.desk.test_effects import _candle, bench, entry, fire_until_settled, status

__all__ = ["bench"]


def intended(bench: Bench, *symbols: str) -> list[str]:
    """Stored, and nothing more: as if the process had ended there."""
    engine = bench.desk.engine
    run(engine.looking.first())
    draft = engine.session.draft(engine.now_ms)
    names = []
    for symbol in symbols:
        made = Proposal.parse(json.dumps(proposal(symbol, 0, "100")))
        names.append(trading.client_id_for("alpha", made))
        draft.decide(commands.Propose(made), names[-1])
    engine.commit(draft)
    return names


def test_an_intent_found_at_waking_never_left_and_is_placed(bench: Bench) -> None:
    (name,) = intended(bench, "AAA")
    bench.reborn()
    assert status(bench, name) == "intended"
    assert pending(bench.state) == [Effect(Do.PLACE, name)]
    bench.fire()
    assert status(bench, name) == "acknowledged"
    assert bench.venue.places == [name]
    assert "order_unknown" not in bench.kinds()


def test_an_intent_found_at_waking_too_late_is_not_placed(bench: Bench) -> None:
    (name,) = intended(bench, "AAA")
    bench.reborn()
    bench.desk.engine.ready()
    bench.desk.engine.market.on_bars([_candle(1), _candle(2)], bench.clock.now_ms())
    bench.fire()
    order = bench.order(name)
    assert (order["status"], order["reason"], bench.venue.places) == ("expired", "stale_intent", [])


def test_what_was_sent_at_waking_is_unknown_until_the_venue_was_asked(bench: Bench) -> None:
    (name,) = intended(bench, "AAA")
    engine = bench.desk.engine
    draft = engine.session.draft(engine.now_ms)
    draft.decide(commands.Sending(name), name)
    engine.commit(draft)
    bench.reborn()
    assert status(bench, name) == "unknown"
    assert pending(bench.state) == [Effect(Do.ASK, name)]
    bench.fire()
    assert status(bench, name) == "acknowledged"
    assert bench.kinds().count("order_not_found") == 1


def test_all_that_leave_together_are_stored_as_sent_before_the_first_has_left(bench: Bench) -> None:
    seen: list[list[str]] = []

    class Watching(FaultyVenue):
        async def place(self, order: Any) -> OrderReport:
            rows = watching.sql.rows("SELECT status FROM orders ORDER BY rowid")
            seen.append([state for (state,) in rows])
            return await super().place(order)

    watching = Bench(venue=Watching)
    watching.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    watching.propose(proposal("AAA", 0, "100"), proposal("BBB", 0, "100"))
    assert seen == [["sent", "sent"], ["acknowledged", "sent"]]


@pytest.mark.parametrize("to", [DeskStatus.HALTED, DeskStatus.REDUCING])
def test_an_entry_that_has_not_left_when_the_desk_is_stopped_never_leaves(to: DeskStatus) -> None:
    class Stopping(FaultyVenue):
        async def place(self, order: Any) -> OrderReport:
            found = await super().place(order)
            event: ev.Event = ev.Halted(by="me", reason="x", code="asked")
            if to is DeskStatus.REDUCING:
                event = ev.Reduced(code="by_hand", by="me", reason="x", until_ms=2 * NOW)
            engine = stopping.desk.engine
            draft = engine.session.draft(engine.now_ms)
            draft.add(event)
            engine.commit(draft)
            return found

    stopping = Bench(venue=Stopping)
    stopping.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    first, second = stopping.propose(proposal("AAA", 0, "100"), proposal("BBB", 0, "100"))
    assert stopping.venue.places == [first["client_id"]]
    order = stopping.order(second["client_id"])
    assert (order["status"], order["reason"]) == ("cancelled", "halted")


class Nameless(FaultyVenue):
    """Keeps no client ids: it can be asked only by its own."""

    @property
    def offers(self) -> Offers:
        return Offers(client_ids=False)

    async def account(self, since_ms: int) -> AccountView:
        # its list would name none of them
        return (await super().account(since_ms))._replace(orders=())

    async def order(self, client_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        assert venue_order_id is not None, "asked by an id that it does not keep"
        return await super().order(client_id, venue_order_id)

    async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
        assert venue_order_id is not None, "cancelled by an id that it does not keep"
        return await super().cancel(client_id, venue_order_id)


@pytest.fixture
def nameless() -> Bench:
    made = Bench(venue=Nameless)
    made.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    return made


@pytest.mark.parametrize("fault", ["before", "after"])
def test_without_client_ids_an_order_that_had_no_answer_stays_unknown_and_blocks_its_symbol(
    nameless: Bench, fault: str
) -> None:
    name = entry(nameless, fault)
    for _ in range(3):
        nameless.clock.advance(9_000)
        nameless.fire()
        nameless.call("tick")
    nameless.reborn()
    nameless.fire()
    assert status(nameless, name) == "unknown"
    assert nameless.venue.places == []
    assert nameless.desk.engine.effects.waiting() == []
    with pytest.raises(Refused) as caught:
        nameless.place("AAA", "buy", "1")
    assert caught.value.error_code == "symbol_unresolved"
    assert nameless.place("BBB", "buy", "1")["status"] == "intended"
    with pytest.raises(Refused) as caught:
        nameless.call("cancel", client_id=name, by="me", idempotency_key="c")
    assert caught.value.error_code == "order_unresolved"


def test_without_client_ids_a_halt_cannot_cancel_what_nobody_can_name(nameless: Bench) -> None:
    name = entry(nameless, "after")
    nameless.call("halt", by="me", reason="x")
    assert status(nameless, name) == "unknown"
    nameless.reborn().fire()
    assert status(nameless, name) == "unknown"


def test_without_client_ids_an_order_that_was_answered_is_asked_about_by_the_venues_own(nameless: Bench) -> None:
    name = entry(nameless)
    nameless.reborn().fire()
    assert status(nameless, name) == "acknowledged"
    nameless.call("cancel", client_id=name, by="me", idempotency_key="c")
    assert status(nameless, name) == "cancelled"


def test_what_is_cancelled_just_before_it_leaves_never_leaves_and_nobody_is_asked() -> None:
    class Hurried(FaultyVenue):
        """While the first order is under way, somebody cancels the second."""

        async def place(self, order: Any) -> OrderReport:
            found = await super().place(order)
            (other,) = [name for name in hurried.state.orders if name != order.client_id]
            await hurried.desk.cancel({"client_id": other, "by": "me", "idempotency_key": "c"})
            return found

        async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
            raise AssertionError("it never left")

    hurried = Bench(venue=Hurried)
    hurried.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    first, second = hurried.propose(proposal("AAA", 0, "100"), proposal("BBB", 0, "100"))
    assert hurried.venue.places == [first["client_id"]]
    order = hurried.order(second["client_id"])
    assert (order["status"], order["reason"]) == ("cancelled", "never_sent")


def test_without_client_ids_what_never_left_is_cancelled_at_once(nameless: Bench) -> None:
    (name,) = intended(nameless, "AAA")
    nameless.call("halt", by="me", reason="x")
    order = nameless.order(name)
    assert (order["status"], order["reason"]) == ("cancelled", "never_sent")


def test_entries_of_a_symbol_wait_until_the_venue_has_said_what_became_of_the_last_one(bench: Bench) -> None:
    name = entry(bench, "after", "before")
    assert status(bench, name) == "unknown"
    with pytest.raises(Refused) as caught:
        bench.place("AAA", "buy", "1")
    assert caught.value.error_code == "symbol_unresolved"
    fire_until_settled(bench)
    assert bench.place("AAA", "buy", "1")["status"] == "intended"
