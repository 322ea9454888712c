"""Rules about orders: what a proposal, a person or a crossed level may have the desk do."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from shared.desk import commands, gates, ledger, levels, sizing
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.gates import Intent, Refusal
from shared.desk.state import DeskState
from shared.desk.timers import backoff_ms
from shared.errors import Conflict, NotFound
from shared.model import (
    Action,
    Cause,
    Instrument,
    Level,
    LevelKind,
    Order,
    OrderKind,
    OrderStatus,
    Proposal,
    Side,
    exact,
    ids,
)


def client_id_for(desk: str, proposal: Proposal) -> str:
    """The client order id that this proposal has, whenever and however often it comes."""
    p = proposal
    return ids.client_order_id(desk, p.strategy, p.version, p.params, p.instrument, p.bar_close_ms, p.side, p.attempt)


def propose(state: DeskState, command: commands.Propose, context: Context) -> list[ev.Event]:
    """An intent, or a refusal with its code; nothing for a proposal whose order exists, or that was refused alike before.

    For an exit while orders rest: only what takes them away (`is_undecided`).
    """
    proposal = command.proposal
    client_id = client_id_for(state.desk, proposal)
    if context.prior is not None:
        return []
    instrument = state.instruments.get(proposal.instrument)
    refusal: Refusal | None = None
    before: list[ev.Event] = []
    if instrument is None:
        refusal = Refusal("unknown_instrument", f"{proposal.instrument} is not listed on this desk")
    else:
        refusal = _stale(state, proposal, context)
    if refusal is None and instrument is not None:
        if proposal.action is Action.EXIT:
            before = _clear_the_way(state, proposal.instrument)
            if _resting_sells(state, proposal.instrument):
                return before
        found = (_enter if proposal.action is Action.ENTER else _exit)(state, instrument, proposal, context)
        if isinstance(found, Order):
            return [*before, ev.OrderIntended(order=found)]
        refusal = found
    if refusal is None or state.refused.get(client_id) == refusal.code:
        return before
    return [*before, _refused(client_id, proposal, refusal)]


def _refused(client_id: str, proposal: Proposal, refusal: Refusal) -> ev.ProposalRefused:
    return ev.ProposalRefused(
        client_id=client_id,
        signal_id=proposal.signal_id,
        strategy=proposal.strategy,
        instrument=proposal.instrument,
        side=proposal.side,
        action=proposal.action,
        bar_close_ms=proposal.bar_close_ms,
        code=refusal.code,
        detail=refusal.detail,
    )


def _stale(state: DeskState, proposal: Proposal, context: Context) -> Refusal | None:
    """The signal's bar against the newest bar that the desk has seen of the instrument, in market time."""
    mark = context.marks.get(proposal.instrument)
    newest_ms = mark.bar_close_ms if mark else 0
    most_ms = state.limits.max_signal_age_bars * state.interval_ms
    if newest_ms - proposal.bar_close_ms > most_ms:
        return Refusal("stale_signal", f"the bar closed {newest_ms - proposal.bar_close_ms} ms before the newest one")
    return None


def _enter(state: DeskState, instrument: Instrument, proposal: Proposal, context: Context) -> Order | Refusal:
    mark = context.marks.get(instrument.id)
    price = mark.price if mark else proposal.price
    if proposal.side is not Side.BUY:
        return Refusal("short_not_allowed", "the desk does not sell short")
    if not state.position(instrument.id).is_flat or state.open_orders(instrument.id, Side.BUY):
        return Refusal("already_in_position", f"{instrument.id} is held or being bought")
    intent = Intent(instrument, Side.BUY, OrderKind.MARKET, exact.ZERO, price)
    early = gates.check(state, intent, context, gates.BEFORE_SIZE) or _agrees(proposal, price)
    if early is not None:
        return early
    if proposal.stop_distance is None:
        return Refusal("no_stop", "an entry without a stop distance cannot be sized")
    prices = levels.from_distances(instrument, price, proposal.stop_distance, proposal.target_distance)
    if prices.stop is None:
        return Refusal(
            "stop_absurd", f"a stop {exact.text(proposal.stop_distance)} below {exact.text(price)} is no price"
        )
    equity = ledger.equity(state, context.marks, context.now_ms - state.limits.max_data_age_ms)
    if equity is None:
        return Refusal("equity_unknown", "a price or a conversion is missing")
    # sized on the stop as it will stand on the tick, and never on less than the strategy asked for
    distance = max(proposal.stop_distance, exact.subtract(price, prices.stop))
    size = sizing.entry_size(state, context, instrument, price, distance, equity)
    if size.qty < instrument.min_qty:
        code = "min_qty" if size.bound == "risk" else size.bound
        return Refusal(
            code, f"there is room for {exact.text(size.qty)}, the smallest is {exact.text(instrument.min_qty)}"
        )
    intent = Intent(instrument, Side.BUY, OrderKind.MARKET, size.qty, price)
    late = gates.check(state, intent, context)
    # a stop above an off-tick mark is impossible by construction, so levels need no gate here
    return late or _from_proposal(state, proposal, intent, prices, context)


def _agrees(proposal: Proposal, mark: Decimal) -> Refusal | None:
    """A proposal made on a price far from the desk's own was made on something else."""
    off = abs(exact.subtract(proposal.price, mark))
    if off > exact.multiply(mark, gates.PRICE_BAND):
        return Refusal("price_absurd", f"proposed at {exact.text(proposal.price)}, the desk sees {exact.text(mark)}")
    return None


def _exit(state: DeskState, instrument: Instrument, proposal: Proposal, context: Context) -> Order | Refusal:
    position = state.position(instrument.id)
    if position.qty <= 0 or proposal.side is not Side.SELL:
        return Refusal("no_position", f"nothing of {instrument.id} is held that a {proposal.side} would close")
    qty = state.free_qty(instrument.id)
    if not qty:
        return Refusal("exit_pending", f"all of {instrument.id} is being sold already")
    mark = context.marks.get(instrument.id)
    price = mark.price if mark else proposal.price
    intent = Intent(instrument, Side.SELL, OrderKind.MARKET, qty, price, reduce_only=True)
    refusal = gates.check(state, intent, context)
    return refusal or _from_proposal(state, proposal, intent, levels.Prices(None, None), context)


def _from_proposal(
    state: DeskState, proposal: Proposal, intent: Intent, prices: levels.Prices, context: Context
) -> Order:
    return Order(
        client_id=client_id_for(state.desk, proposal),
        instrument=proposal.instrument,
        side=intent.side,
        kind=intent.kind,
        qty=intent.qty,
        reduce_only=intent.reduce_only,
        stop_price=prices.stop,
        target_price=prices.target,
        cause=Cause.PROPOSAL,
        by=proposal.strategy,
        signal_id=proposal.signal_id,
        reference_price=intent.price,
        market_ms=max(proposal.bar_close_ms, _seen_ms(proposal.instrument, context)),
        intended_ms=context.now_ms,
    )


def _seen_ms(instrument: str, context: Context) -> int:
    """The market time of the newest that is known of the instrument: what is decided on it must not fill before."""
    mark = context.marks.get(instrument)
    return max(mark.market_ms, mark.bar_close_ms) if mark else context.market_ms


def _clear_the_way(state: DeskState, instrument: str) -> list[ev.Event]:
    """Whoever leaves does not want the rest of the entry any more, nor what rests in the way of selling all."""
    unwanted = [*state.open_orders(instrument, Side.BUY), *_resting_sells(state, instrument)]
    return [
        ev.OrderCancelRequested(client_id=order.client_id, by="desk", reason="exit")
        for order in unwanted
        if order.status is not OrderStatus.CANCELLING
    ]


def _resting_sells(state: DeskState, instrument: str) -> list[Order]:
    """Limit sells that nobody has asked to cancel yet."""
    return [
        order
        for order in state.open_orders(instrument, Side.SELL)
        if order.kind is OrderKind.LIMIT and order.status is not OrderStatus.CANCELLING
    ]


def is_undecided(found: Sequence[ev.Event]) -> bool:
    """Whether the decision has only cleared the way for itself: it is to be asked for again once the cancels are answered."""
    return bool(found) and all(isinstance(event, ev.OrderCancelRequested) for event in found)


def place(state: DeskState, command: commands.Place, context: Context) -> list[ev.Event]:
    """An order by hand: intended, or refused with the gate's code; `Conflict` where its id exists already."""
    if context.prior is not None:
        raise Conflict(f"the order {command.client_id} exists already", code="order_exists")
    instrument = state.instruments.get(command.instrument)
    if instrument is None:
        unknown = Refusal("unknown_instrument", f"{command.instrument} is not listed on this desk")
        return [_order_refused(command, unknown)]
    mark = context.marks.get(command.instrument)
    position = state.position(command.instrument)
    seen = mark.price if mark else position.average_price() or command.limit_price
    price = command.limit_price or seen
    if price is None or seen is None:
        return [_order_refused(command, Refusal("stale_data", f"no price of {command.instrument} yet"))]
    intent = Intent(
        instrument,
        command.side,
        command.kind,
        command.qty,
        price,
        command.reduce_only,
        command.stop_price,
        command.target_price,
    )
    refusal = gates.check(state, intent, context)
    if refusal is not None:
        return [_order_refused(command, refusal)]
    return [ev.OrderIntended(order=_by_hand(command, seen, context))]


def _by_hand(command: commands.Place, seen: Decimal, context: Context) -> Order:
    return Order(
        client_id=command.client_id,
        instrument=command.instrument,
        side=command.side,
        kind=command.kind,
        qty=command.qty,
        limit_price=command.limit_price,
        reduce_only=command.reduce_only,
        stop_price=command.stop_price,
        target_price=command.target_price,
        cause=Cause.MANUAL,
        by=command.by,
        reference_price=seen,
        market_ms=_seen_ms(command.instrument, context),
        intended_ms=context.now_ms,
    )


def _order_refused(command: commands.Place, refusal: Refusal) -> ev.OrderRefused:
    return ev.OrderRefused(
        client_id=command.client_id,
        instrument=command.instrument,
        side=command.side,
        by=command.by,
        code=refusal.code,
        detail=refusal.detail,
    )


def cancel(_state: DeskState, command: commands.Cancel, context: Context) -> list[ev.Event]:
    """Nothing for an order that is closed or being cancelled; `NotFound` for one that never was."""
    if context.prior is None:
        raise NotFound(f"no order {command.client_id}", code="order_not_found")
    if not context.prior.status.is_open or context.prior.status is OrderStatus.CANCELLING:
        return []
    return [ev.OrderCancelRequested(client_id=command.client_id, by=command.by, reason=command.reason)]


def trigger_refusal(state: DeskState, command: commands.Trigger, context: Context) -> Refusal | None:
    """Why a trigger is not followed: `stale_level`, `stale_data`, `not_crossed` or `exit_rejected`; None when it is."""
    if command.level not in levels.levels(state):
        return Refusal("stale_level", "the desk does not watch this level now")
    age_ms = context.now_ms - command.received_ms
    if age_ms > state.limits.max_data_age_ms:
        return Refusal("stale_data", f"the price is {age_ms} ms old, more than {state.limits.max_data_age_ms}")
    if not levels.crossed(command.level, command.price):
        return Refusal("not_crossed", f"{exact.text(command.price)} has not reached {exact.text(command.level.price)}")
    rejected = state.rejected_exits.get(command.level.instrument)
    if rejected is not None and context.now_ms < rejected.at_ms + backoff_ms(rejected.count - 1):
        return Refusal("exit_rejected", f"the venue has rejected {rejected.count} exits in a row, the last just now")
    return None


def trigger(state: DeskState, command: commands.Trigger, context: Context) -> list[ev.Event]:
    """A reduce-only market exit of all that is free to sell, also on a halted desk; nothing where it is not to be followed.

    While orders rest: only what takes them away (`is_undecided`).
    """
    if trigger_refusal(state, command, context) is not None:
        return []
    level = command.level
    way = _clear_the_way(state, level.instrument)
    if _resting_sells(state, level.instrument) or not state.free_qty(level.instrument):
        return way
    order = _exit_at(state, level, command, context)
    triggered = ev.LevelTriggered(
        level=level, price=command.price, market_ms=command.market_ms, client_id=order.client_id
    )
    return [triggered, *way, ev.OrderIntended(order=order)]


def _exit_at(state: DeskState, level: Level, command: commands.Trigger, context: Context) -> Order:
    mark = context.marks.get(level.instrument)
    position = state.position(level.instrument)
    attempt = state.exits.get(level.instrument, 0) + 1
    return Order(
        client_id=ids.exit_order_id(state.desk, level.instrument, position.opened_ms or 0, level.kind, attempt),
        instrument=level.instrument,
        side=level.side,
        kind=OrderKind.MARKET,
        qty=state.free_qty(level.instrument),
        reduce_only=True,
        cause=Cause.STOP if level.kind is LevelKind.STOP else Cause.TARGET,
        by="desk",
        reference_price=command.price,
        market_ms=max(command.market_ms, mark.bar_close_ms if mark else 0),
        intended_ms=context.now_ms,
    )
