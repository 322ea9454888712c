"""Who does what at a step: the brain, people, the Book and the cron; beside them, things go wrong."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from shared.desk.state import DeskStatus
from shared.model import OrderStatus, Side, ids
from tests.simulation.mishaps import crash, cron_away, d1, deposit, evict, foreign, forget, venue_away
from tests.simulation.opening import opening
from tests.simulation.prices import BAR_MS, money
from tests.simulation.world import SYMBOLS, World

Act = Callable[[World, Random], None]


def _price(world: World, symbol: str, off: float = 0.0) -> str:
    """On the tick, but for every tenth cent."""
    cents = max(100, int(world.market.now[symbol] * (1 + off)))
    tick = world.terms[symbol].tick
    return str(money(cents if cents % 10 == 9 else cents - cents % tick))


def _qty(world: World, luck: Random, symbol: str, most: int) -> str:
    """In whole lots, but for a few."""
    qty = luck.randint(1, max(1, most))
    lot = world.terms[symbol].lot
    return str(qty if luck.random() < 0.1 else max(lot, qty - qty % lot))


def _proposal(world: World, luck: Random, symbol: str, action: str) -> dict[str, Any]:
    age = luck.choice((0, 0, 0, 1, 3))
    closes = world.market.market_ms // BAR_MS * BAR_MS - age * BAR_MS
    distance = str(money(luck.randint(1, max(2, world.market.now[symbol] // luck.choice((20, 300))))))
    return {
        "signal_id": ids.digest(symbol, closes, action),
        "strategy": "sma_cross",
        "version": 1,
        "params": "c" * 32,
        "instrument": f"us:{symbol}",
        "bar_close_ms": closes,
        "action": action,
        "side": "buy" if action == "enter" else "sell",
        "price": _price(world, symbol),
        "stop_distance": distance if action == "enter" else None,
        "target_distance": distance if action == "enter" and luck.random() < 0.6 else None,
        "attempt": luck.choice((1, 1, 2, 3)),
        "reason": "simulated",
    }


def propose(world: World, luck: Random) -> None:
    """The brain wants in; a doubled cron says it twice."""
    made = [_proposal(world, luck, luck.choice(SYMBOLS), "enter") for _ in range(luck.randint(1, 3))]
    for _ in range(luck.choice((1, 1, 2))):
        world.call("propose", proposals=made)


def propose_exit(world: World, luck: Random) -> None:
    symbol = luck.choice(_held(world) or SYMBOLS)
    world.call("propose", proposals=[_proposal(world, luck, symbol, "exit")])


def place(world: World, luck: Random) -> None:
    """A person orders, now and then twice under one key."""
    symbol, side = luck.choice(SYMBOLS), luck.choice(("buy", "buy", "sell"))
    if side == "sell" and luck.random() < 0.8:
        symbol = luck.choice(_held(world) or [symbol])
    cents = world.market.now[symbol]
    ticket: dict[str, Any] = {
        "instrument": f"us:{symbol}",
        "side": side,
        "kind": luck.choice(("market", "limit")),
        "qty": _qty(world, luck, symbol, luck.choice((3_000, 60_000, 1_500_000)) // cents),
        "reduce_only": side == "sell" and luck.random() < 0.7,
    }
    if ticket["kind"] == "limit":
        ticket["limit_price"] = _price(world, symbol, luck.choice((0.002, 0.02, 0.02, 0.3)) * luck.uniform(-1, 1))
        if luck.random() < 0.03:
            ticket["limit_price"] = _price(world, symbol, luck.choice((-0.95, 12.0)))
    _terms(world, luck, symbol, ticket)
    body: dict[str, Any] = {"order": ticket, "by": "me", "idempotency_key": f"key-{world.key()}"}
    for _ in range(luck.choice((1, 1, 1, 2))):
        world.call("place", **body)


def _terms(world: World, luck: Random, symbol: str, ticket: dict[str, Any]) -> None:
    """The finer terms, as far as they belong to the order."""
    buys = ticket["side"] == "buy"
    if buys and luck.random() < 0.5:
        ticket["stop_price"] = _price(world, symbol, -luck.uniform(0.001, luck.choice((0.003, 0.05))))
    if buys and luck.random() < 0.4:
        ticket["target_price"] = _price(world, symbol, luck.uniform(0.012, 0.05))
    if buys and luck.random() < 0.2:
        ticket["trail_distance"] = str(money(luck.randint(5, 500)))
    if luck.random() < 0.15:
        ticket["kind"] = luck.choice(("stop", "stop_limit"))
        off = luck.uniform(0.0005, 0.01) * (1 if buys else -1)
        ticket["trigger_price"] = _price(world, symbol, off)
        ticket.pop("limit_price", None)
        if ticket["kind"] == "stop_limit":
            ticket["limit_price"] = _price(world, symbol, off * 1.2)
    if luck.random() < 0.2 and ticket["kind"] in ("market", "limit"):
        ticket["time_in_force"] = luck.choice(("ioc", "fok"))
    elif luck.random() < 0.15:
        ticket["time_in_force"] = "gtd"
        ticket["good_till_ms"] = world.market.market_ms + luck.randint(1, 300_000)
    elif ticket["kind"] == "limit" and luck.random() < 0.25:
        ticket["post_only"] = True


def _held(world: World) -> list[str]:
    """The symbols of what is held."""
    state = world.judge.state
    return [each.instrument[3:] for each in state.held() if each.qty > 0] if state is not None else []


def leave(world: World, luck: Random) -> None:
    """A person sells what is held of one instrument, and now and then wants it back at once."""
    held, state = _held(world), world.judge.state
    if not held or state is None:
        return
    position = state.position(f"us:{luck.choice(held)}")
    ticket: dict[str, Any] = {"instrument": position.instrument, "side": "sell", "kind": "market"}
    ticket |= {"qty": str(position.qty), "reduce_only": True}
    again = {"instrument": position.instrument, "side": "buy", "kind": "market", "qty": str(position.qty)}
    world.call("place", order=ticket, by="me", idempotency_key=f"key-{world.key()}")
    if luck.random() < 0.5:
        key = f"key-{world.key()}"
        wait = luck.choice((3_000, 20_000, 60_000))
        world.loop.after(wait, lambda: world.call("place", order=again, by="me", idempotency_key=key))


def meet(world: World, luck: Random) -> None:
    """Somebody wants the other side of what rests."""
    state = world.judge.state
    resting = [each for each in state.orders.values() if each.limit_price is not None] if state is not None else []
    if not resting:
        return
    order = luck.choice(resting)
    ticket = {
        "instrument": order.instrument,
        "side": "sell" if order.side is Side.BUY else "buy",
        "kind": "limit",
        "qty": str(world.terms[order.instrument[3:]].min_qty * 5),
        "limit_price": str(order.limit_price),
    }
    world.call("place", order=ticket, by="me", idempotency_key=f"key-{world.key()}")


def _known(world: World, luck: Random) -> str | None:
    """An order of the desk, likely one of the newest."""
    state = world.judge.state
    names = list(state.orders) if state is not None and luck.random() < 0.8 else list(world.venue.by_client)
    return luck.choice(names[-5:]) if names else None


def cancel(world: World, luck: Random) -> None:
    name = _known(world, luck)
    if name is not None:
        world.call("cancel", client_id=name, by="me", idempotency_key=f"key-{world.key()}")


def replace(world: World, luck: Random) -> None:
    name = _known(world, luck)
    order = world.judge.state.orders.get(name) if name and world.judge.state else None
    if order is None:
        return
    body: dict[str, Any] = {"client_id": order.client_id, "by": "me", "idempotency_key": f"key-{world.key()}"}
    if luck.random() < 0.6:
        body["qty"] = str(max(1, int(order.qty) + luck.randint(-20, 20)))
    if order.kind.has_limit:
        body["limit_price"] = _price(world, order.instrument[3:], luck.uniform(-0.01, 0.01))
    world.call("replace", **body)


def set_levels(world: World, luck: Random) -> None:
    symbol = luck.choice(SYMBOLS)
    body: dict[str, Any] = {"instrument": f"us:{symbol}", "by": "me", "idempotency_key": f"key-{world.key()}"}
    body["stop_price"] = _price(world, symbol, -luck.uniform(0.001, 0.03)) if luck.random() < 0.7 else None
    body["target_price"] = _price(world, symbol, luck.uniform(0.001, 0.03)) if luck.random() < 0.7 else None
    body["trail_distance"] = str(money(luck.randint(5, 500))) if luck.random() < 0.3 else None
    world.call("set_levels", **body)


def halt(world: World, luck: Random) -> None:
    body: dict[str, Any] = {"by": "me", "reason": "simulated"}
    if luck.random() < 0.3:
        body["flatten"] = True
    world.call("halt", **body)


def resume(world: World, luck: Random) -> None:
    """The two steps, sometimes with the wrong token or too late."""

    def confirm(answer: dict[str, Any]) -> None:
        token = answer["confirm"] if luck.random() < 0.9 else "wrong"
        world.loop.after(luck.choice((10, 10, 1_000, 310_000)), confirm_with, token)

    def confirm_with(token: str) -> None:
        world.call("resume_confirm", by="me", confirm=token)

    world.call("resume_request", confirm, by="me", reason="simulated")


def limits_change(world: World, luck: Random) -> None:
    """The cron opens the desk again, as it does every minute, with limits and protections that somebody has changed."""
    world.call("open", **opening(luck, world))


def heartbeat(world: World, luck: Random) -> None:
    world.heartbeat()


def trigger(world: World, luck: Random) -> None:
    """The Book says that a level was crossed: it may be wrong, late, or about a level that is gone."""
    if not world.levels:
        return
    level = luck.choice(world.levels)
    symbol = level["instrument"][3:]
    cents = int(Decimal(level["price"]) * 100) + luck.choice((-3, 0, 3))
    quote = world.market.quote(symbol, world.now_ms() - luck.choice((0, 0, 120_000)), cents - world.market.now[symbol])
    world.call("trigger", level=level, quote=quote)


def bars_again(world: World, luck: Random) -> None:
    world.bars(again=luck.randint(1, 8))


def ask(world: World, luck: Random) -> None:
    world.call(luck.choice(("view", "positions", "orders", "verify", "reconciliation")))


def pause(world: World, luck: Random) -> None:
    world.run(luck.choice((1_000, 5_000, 30_000, 90_000)))


def accept(world: World, luck: Random) -> None:
    state = world.judge.state
    if state is not None and state.differences:
        name = luck.choice(list(state.differences))
        if state.differences[name].kind in ("foreign_order", "closed_order"):
            cancel_there(world, state.differences[name].subject)
            return
        world.call("accept", difference=name, by="me", reason="seen", idempotency_key=f"key-{world.key()}")


def cancel_there(world: World, venue_id: str) -> None:
    """A person cancels an order at the venue itself."""
    held = world.venue.orders.get(venue_id)
    if held is not None and held.status.is_open:
        world.note(f"person  cancels {venue_id} at the venue")
        world.venue.cancel(held.order.client_id, venue_id)


def tell_of(world: World, client_id: str) -> None:
    """A person looks at the venue's own pages and tells the desk what became of an order."""
    held = world.venue.by_client.get(client_id)
    body: dict[str, Any] = {"client_id": client_id, "placed": held is not None, "by": "me", "reason": "looked"}
    if held is not None:
        body["venue_order_id"] = held.venue_id
    world.call("resolve", **body, idempotency_key=f"key-{world.key()}")


def resolve(world: World, luck: Random) -> None:
    state = world.judge.state
    unknown = [each for each in state.orders.values() if each.status is OrderStatus.UNKNOWN] if state else []
    if unknown:
        tell_of(world, luck.choice(unknown).client_id)


def arm(world: World, luck: Random) -> None:
    """The two steps that let a live desk trade."""

    def confirm(answer: dict[str, Any]) -> None:
        world.call("arm_confirm", by="me", confirm=answer["confirm"] if luck.random() < 0.9 else "wrong")

    world.call("arm_request", confirm, by="me", reason="simulated", hours=1)


def disarm(world: World, luck: Random) -> None:
    world.call("disarm", by="me", reason="simulated")


ACTS: dict[Act, int] = {
    propose: 14,
    propose_exit: 4,
    place: 30,
    leave: 10,
    meet: 8,
    cancel: 9,
    replace: 9,
    set_levels: 4,
    halt: 2,
    resume: 5,
    limits_change: 2,
    heartbeat: 3,
    trigger: 5,
    bars_again: 2,
    ask: 2,
    pause: 5,
    crash: 6,
    evict: 3,
    d1: 2,
    venue_away: 2,
    cron_away: 1,
    forget: 2,
    foreign: 3,
    deposit: 2,
    accept: 2,
    resolve: 2,
}
LIVE: dict[Act, int] = {arm: 12, disarm: 1}


def _pressing(world: World) -> Act | None:
    """What somebody would see to first."""
    state = world.judge.state
    if state is None:
        return None
    if state.status is DeskStatus.HALTED:
        return resume if state.resume is None else None
    if state.differences:
        return accept
    return arm if world.mode == "live" and not state.armed_until_ms else None


def act(world: World, luck: Random) -> None:
    """One thing happens."""
    acts = {**ACTS, **LIVE} if world.mode == "live" else ACTS
    chosen = luck.choices(list(acts), list(acts.values()))[0]
    if luck.random() < 0.15:
        # a desk that stands still shows little
        chosen = _pressing(world) or chosen
    world.note(f"STEP    {chosen.__name__}")
    chosen(world, luck)
