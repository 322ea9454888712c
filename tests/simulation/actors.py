"""Who does what at a step: the brain, people, the Book, the cron, the platform and other users of the account."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from shared.model import Cause, Order, OrderKind, OrderStatus, Side, ids
from tests.simulation.opening import limits, opening
from tests.simulation.prices import BAR_MS, money
from tests.simulation.world import SYMBOLS, World

Act = Callable[[World, Random], None]


def _price(world: World, symbol: str, off: float = 0.0) -> str:
    return str(money(max(100, int(world.market.now[symbol] * (1 + off)))))


def _proposal(world: World, luck: Random, symbol: str, action: str) -> dict[str, Any]:
    age = luck.choice((0, 0, 0, 1, 3))
    closes = world.market.market_ms // BAR_MS * BAR_MS - age * BAR_MS
    distance = str(money(luck.randint(1, max(2, world.market.now[symbol] // 20))))
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
    world.call("propose", proposals=[_proposal(world, luck, luck.choice(SYMBOLS), "exit")])


def place(world: World, luck: Random) -> None:
    """A person orders, now and then twice under one key."""
    symbol, side = luck.choice(SYMBOLS), luck.choice(("buy", "buy", "sell"))
    cents = world.market.now[symbol]
    ticket: dict[str, Any] = {
        "instrument": f"us:{symbol}",
        "side": side,
        "kind": luck.choice(("market", "limit")),
        "qty": str(luck.randint(1, max(1, luck.choice((3_000, 1_500_000)) // cents))),
        "reduce_only": side == "sell" and luck.random() < 0.7,
    }
    if ticket["kind"] == "limit":
        ticket["limit_price"] = _price(world, symbol, luck.choice((0.002, 0.02)) * luck.uniform(-1, 1))
    _terms(world, luck, symbol, ticket)
    body: dict[str, Any] = {"order": ticket, "by": "me", "idempotency_key": f"key-{world.key()}"}
    for _ in range(luck.choice((1, 1, 1, 2))):
        world.call("place", **body)


def _terms(world: World, luck: Random, symbol: str, ticket: dict[str, Any]) -> None:
    """The finer terms, as far as they belong to the order."""
    buys = ticket["side"] == "buy"
    if buys and luck.random() < 0.5:
        ticket["stop_price"] = _price(world, symbol, -luck.uniform(0.001, 0.05))
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
        world.loop.after(luck.choice((10, 1_000, 310_000)), confirm_with, token)

    def confirm_with(token: str) -> None:
        world.call("resume_confirm", by="me", confirm=token)

    world.call("resume_request", confirm, by="me", reason="simulated")


def limits_change(world: World, luck: Random) -> None:
    """The cron opens the desk again, as it does every minute, with limits that somebody has changed."""
    body = opening(luck, world.mode)
    body["limits"] = limits(luck)
    world.call("open", **body)


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


# what goes wrong around the desk
def crash(world: World, luck: Random) -> None:
    if "crash" in world.faults.profile.rates:
        world.life.doom.left = luck.randint(1, 40)


def evict(world: World, luck: Random) -> None:
    if "evicted" in world.faults.profile.rates:
        world.faults.counts["evicted"] += 1
        world.note("evicted")
        world.reborn()


def d1(world: World, luck: Random) -> None:
    if "d1_down" in world.faults.profile.rates:
        world.faults.counts["d1_down"] += 1
        world.d1.down = not world.d1.down


def venue_away(world: World, luck: Random) -> None:
    if "venue_silent" in world.faults.profile.rates:
        world.faults.counts["venue_silent"] += 1
        world.venue_away = True
        world.loop.after(luck.choice((3_000, 20_000, 100_000)), setattr, world, "venue_away", False)


def cron_away(world: World, luck: Random) -> None:
    if "cron_silent" in world.faults.profile.rates:
        world.faults.counts["cron_silent"] += 1
        world.cron_away_ms = world.loop.now_ms + luck.choice((90_000, 240_000, 700_000))


def forget(world: World, luck: Random) -> None:
    held = [each for each in world.venue.by_client.values() if each.status.is_open and not each.fills]
    if held and world.faults.strike("forgotten"):
        lost = luck.choice(held)
        world.note(f"venue   forgets {lost.order.client_id[:6]}")
        world.venue.forget(lost)


def foreign(world: World, luck: Random) -> None:
    kind = luck.choice(("foreign_fill", "foreign_order"))
    if not world.faults.strike(kind):
        return
    symbol, side = luck.choice(SYMBOLS), luck.choice((Side.BUY, Side.SELL))
    rests = kind == "foreign_order"
    order = Order(
        client_id=ids.digest("foreign", world.key()),
        instrument=f"us:{symbol}",
        side=side,
        kind=OrderKind.LIMIT if rests else OrderKind.MARKET,
        qty=Decimal(luck.randint(1, 5)),
        limit_price=money(world.market.now[symbol] // (2 if side is Side.BUY else 1)) if rests else None,
        cause=Cause.MANUAL,
        by="somebody",
        reference_price=money(world.market.now[symbol]),
        market_ms=world.market.market_ms,
        intended_ms=world.now_ms(),
    )
    world.note(f"{kind} {side} {order.qty} {symbol}")
    world.judge.book.foreign = True
    world.venue.trade_elsewhere(order, rests)


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


def deposit(world: World, luck: Random) -> None:
    if not world.faults.strike("deposit"):
        return
    world.judge.book.foreign = True
    if luck.random() < 0.5:
        world.venue.balances["USD"] += Decimal(luck.randint(-500, 500))
    else:
        name = f"us:{luck.choice(SYMBOLS)}"
        world.venue.positions[name] = world.venue.positions.get(name, Decimal(0)) + luck.randint(1, 5)


def arm(world: World, luck: Random) -> None:
    """The two steps that let a live desk trade."""

    def confirm(answer: dict[str, Any]) -> None:
        world.call("arm_confirm", by="me", confirm=answer["confirm"] if luck.random() < 0.9 else "wrong")

    world.call("arm_request", confirm, by="me", reason="simulated", hours=1)


def disarm(world: World, luck: Random) -> None:
    world.call("disarm", by="me", reason="simulated")


ACTS: dict[Act, int] = {
    propose: 9,
    propose_exit: 4,
    place: 22,
    cancel: 9,
    replace: 5,
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


def act(world: World, luck: Random) -> None:
    """One thing happens."""
    acts = {**ACTS, **LIVE} if world.mode == "live" else ACTS
    chosen = luck.choices(list(acts), list(acts.values()))[0]
    world.note(f"STEP    {chosen.__name__}")
    chosen(world, luck)
