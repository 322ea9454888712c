"""What goes wrong around the desk: the process, the platform, the venue, and other users of the account."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from shared.model import Cause, Order, OrderKind, Side, ids
from tests.simulation.prices import money
from tests.simulation.world import SYMBOLS, World


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


def deposit(world: World, luck: Random) -> None:
    if not world.faults.strike("deposit"):
        return
    world.judge.book.foreign = True
    if luck.random() < 0.5:
        world.venue.balances["USD"] += Decimal(luck.randint(-500, 500))
    else:
        name = f"us:{luck.choice(SYMBOLS)}"
        world.venue.positions[name] = world.venue.positions.get(name, Decimal(0)) + luck.randint(1, 5)
