"""The end of a run: no faults any more, time passes, and desk, venue and D1 have to come to tell the same story."""

from __future__ import annotations

from collections.abc import Iterator

from shared.desk.state import DeskState, DeskStatus
from shared.model import OrderStatus
from tests.simulation.actors import cancel_there, tell_of
from tests.simulation.world import World

MINUTES = 20


def make_peace(world: World) -> None:
    """Lets everything heal and settle; what does not is wrong."""
    luck = world.step("peace", calm=True)
    world.life.doom.left = 0
    world.d1.down = world.venue_away = False
    world.cron_away_ms = 0
    resumes = luck.random() < 0.5
    for minute in range(MINUTES):
        world.run(60_000)
        world.judge.between_steps()
        if world.judge.wrongs:
            return
        if resumes:
            _resume(world)
        _help(world)
        if minute and not list(unsettled(world)):
            break
    for what in unsettled(world):
        world.judge.wrong(f"after {MINUTES} minutes of peace {what}")
    if not world.judge.wrongs:
        same_story(world)


def _resume(world: World) -> None:
    state = world.judge.state
    if state is not None and state.status is DeskStatus.HALTED and state.resume is None:
        world.call(
            "resume_request",
            lambda told: world.call("resume_confirm", by="me", confirm=told["confirm"]),
            by="me",
            reason="peace",
        )


def _help(world: World) -> None:
    """What only a person can do: tell of orders that the venue cannot be asked about, and see to differences."""
    state = world.judge.state
    if state is None:
        return
    for name, difference in state.differences.items():
        if difference.kind in ("foreign_order", "closed_order"):
            cancel_there(world, difference.subject)
        else:
            world.call("accept", difference=name, by="me", reason="peace", idempotency_key=f"key-{world.key()}")
    for order in state.orders.values():
        if order.status is OrderStatus.UNKNOWN and not world.offers.client_ids and order.venue_order_id is None:
            tell_of(world, order.client_id)


def unsettled(world: World) -> Iterator[str]:
    """What is still open between desk, venue and D1."""
    engine, state = world.life.desk.engine, world.judge.state
    assert state is not None
    if lost := world.judge.book.unbooked():
        yield f"fills are not booked: {lost[:5]}"
    theirs = {name for name, held in world.venue.by_client.items() if held.status.is_open}
    if theirs != set(state.orders):
        yield f"open at the venue only: {sorted(theirs - set(state.orders))}, here only: {_open(state, theirs)}"
    if engine.effects.waiting():
        yield f"effects wait: {engine.effects.waiting()[:5]}"
    if state.status is DeskStatus.HALTED and (rests := [n for n, o in state.orders.items() if not o.reduce_only]):
        yield f"the desk is halted and an entry still rests: {rests[:3]}"
    if engine.outbox.lag:
        yield f"the outbox holds {engine.outbox.lag} events"
    held = {position.instrument: position.qty for position in state.held()}
    if held != (there := {name: qty for name, qty in world.venue.positions.items() if qty}):
        yield f"positions: {held} here, {there} at the venue"
    cash = {asset: amount for asset, amount in state.cash.items() if amount}
    if cash != (theirs_too := {asset: amount for asset, amount in world.venue.balances.items() if amount}):
        yield f"balances: {cash} here, {theirs_too} at the venue"
    if state.differences:
        yield f"differences stand: {list(state.differences.values())[:3]}"


def _open(state: DeskState, theirs: set[str]) -> list[str]:
    return [f"{name} {order.status}" for name, order in state.orders.items() if name not in theirs]


def same_story(world: World) -> None:
    """The journal and the orders in D1 and a replay of the whole log agree with the desk."""
    judge, state = world.judge, world.judge.state
    assert state is not None
    mine = world.life.sql.rows("SELECT seq, v, at_ms, kind, body, hash FROM events ORDER BY seq")
    journal = world.d1.all("SELECT seq, v, at_ms, kind, body, hash FROM journal WHERE desk = 'alpha' ORDER BY seq")
    if [tuple(row.values()) for row in journal] != mine:
        judge.wrong("the journal in D1 is not the log")
    orders = dict(world.life.sql.rows("SELECT client_id, body FROM orders"))
    if {row["client_id"]: row["body"] for row in world.d1.all("SELECT client_id, body FROM orders")} != orders:
        judge.wrong("the orders in D1 are not the desk's")
    world.call("verify")
    world.run(10)
    if DeskState.parse(state.json_text()) != state:
        judge.wrong("the state does not survive JSON")
