"""Rules about orders: what a proposal, a person or a crossed level may have the desk do."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from shared.desk import commands, exits, gates, levels, sizing, terms
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.orders import cancelled, dropped, out_of_reach
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.errors import Conflict, NotFound
from shared.model import (
    Action,
    Cause,
    Instrument,
    Order,
    OrderKind,
    OrderStatus,
    Proposal,
    Side,
    TimeInForce,
    exact,
    ids,
)


def client_id_for(desk: str, proposal: Proposal) -> str:
    """The client order id that this proposal has, whenever and however often it comes."""
    p = proposal
    return ids.client_order_id(desk, p.strategy, p.version, p.params, p.instrument, p.bar_close_ms, p.side, p.attempt)


def propose(state: DeskState, command: commands.Propose, context: Context) -> list[ev.Event]:
    """An intent, or a refusal with its code; nothing for a proposal whose order exists, or that was refused alike before.

    For an exit while orders rest: only what takes them away (`exits.is_undecided`).
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
            before = exits.clear_the_way(state, proposal.instrument, context)
            if exits.resting_sells(state, proposal.instrument, context):
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
    seen = mark.price if mark else proposal.price
    if proposal.side is not Side.BUY:
        return Refusal("short_not_allowed", "the desk does not sell short")
    if not state.position(instrument.id).is_flat or state.open_orders(instrument.id, Side.BUY):
        return Refusal("already_in_position", f"{instrument.id} is held or being bought")
    intent = _intended(instrument, proposal, seen)
    price = intent.price
    if not price:
        return Refusal("tick", f"a limit below one tick, {exact.text(instrument.tick)}, is no price")
    early = gates.check(state, intent, context, gates.BEFORE_SIZE) or gates.proposed_at(state, proposal.price, seen)
    if early is not None:
        return early
    asked = proposal.stop_distance or proposal.trail_distance
    if asked is None:
        return Refusal("no_stop", "an entry without a stop or trail distance cannot be sized")
    prices = levels.from_distances(instrument, price, asked, proposal.target_distance)
    if prices.stop is None:
        return Refusal("stop_absurd", f"a stop {exact.text(asked)} below {exact.text(price)} is no price")
    equity = totals(state, context).equity_to_size_on
    if equity is None:
        return Refusal("equity_unknown", "a price or a conversion is missing")
    # sized on the stop as it will stand on the tick, and never on less than the strategy asked for
    distance = max(asked, exact.subtract(price, prices.stop))
    size = sizing.entry_size(state, context, instrument, price, distance, equity, proposal.size)
    if size.qty < instrument.min_qty:
        code = "min_qty" if size.bound in ("risk", "size") else size.bound
        return Refusal(
            code, f"there is room for {exact.text(size.qty)}, the smallest is {exact.text(instrument.min_qty)}"
        )
    intent = replace(intent, qty=size.qty)
    order = _from_proposal(state, proposal, intent, prices, context)
    # a stop above an off-tick mark is impossible by construction, so levels need no gate here
    return (
        gates.check(state, intent, context, gates.WITH_SIZE)
        or terms.refusal(state, instrument, order, context)
        or order
    )


def _intended(instrument: Instrument, proposal: Proposal, seen: Decimal) -> Intent:
    """An entry on the tick, its quantity unknown yet: it is paid no more than was asked, and set off no sooner."""
    price, trigger = seen, None
    if proposal.trigger_price is not None:
        price = trigger = exact.ceil_to(proposal.trigger_price, instrument.tick)
    if proposal.limit_price is not None:
        price = exact.floor_to(proposal.limit_price, instrument.tick)
    return Intent(instrument, Side.BUY, proposal.kind, exact.ZERO, price, trigger_price=trigger)


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
    # the time of an entry may be over, that of a way out never is
    good_till_ms = proposal.good_till_ms if intent.is_entry else None
    return Order(
        client_id=client_id_for(state.desk, proposal),
        instrument=proposal.instrument,
        side=intent.side,
        kind=intent.kind,
        qty=intent.qty,
        limit_price=intent.price if intent.kind.has_limit else None,
        trigger_price=intent.trigger_price,
        time_in_force=TimeInForce.GTC if good_till_ms is None else TimeInForce.GTD,
        good_till_ms=good_till_ms,
        reduce_only=intent.reduce_only,
        stop_price=prices.stop,
        target_price=prices.target,
        trail_distance=proposal.trail_distance if intent.is_entry else None,
        cause=Cause.PROPOSAL,
        by=proposal.strategy,
        signal_id=proposal.signal_id,
        reference_price=intent.price,
        market_ms=max(proposal.bar_close_ms, exits.seen_ms(proposal.instrument, context)),
        intended_ms=context.now_ms,
    )


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
    if seen is None:
        return [_order_refused(command, Refusal("stale_data", f"no price of {command.instrument} yet"))]
    refusal = refusal_of(state, instrument, command, command.qty, seen, context)
    if refusal is not None:
        return [_order_refused(command, refusal)]
    return [ev.OrderIntended(order=_by_hand(command, seen, context))]


def refusal_of(
    state: DeskState, instrument: Instrument, terms_: terms.Terms, qty: Decimal, seen: Decimal, context: Context
) -> Refusal | None:
    """Why `qty` is not sent on these terms by hand; `seen` is the price that is known."""
    intent = Intent(
        instrument=instrument,
        side=terms_.side,
        kind=terms_.kind,
        qty=qty,
        price=terms_.limit_price or terms_.trigger_price or seen,
        reduce_only=terms_.reduce_only,
        stop_price=terms_.stop_price,
        target_price=terms_.target_price,
        trigger_price=terms_.trigger_price,
    )
    return gates.check(state, intent, context) or terms.refusal(state, instrument, terms_, context)


def _by_hand(command: commands.Place, seen: Decimal, context: Context) -> Order:
    return Order(
        client_id=command.client_id,
        instrument=command.instrument,
        side=command.side,
        kind=command.kind,
        qty=command.qty,
        limit_price=command.limit_price,
        trigger_price=command.trigger_price,
        time_in_force=command.time_in_force,
        good_till_ms=command.good_till_ms,
        post_only=command.post_only,
        reduce_only=command.reduce_only,
        stop_price=command.stop_price,
        target_price=command.target_price,
        trail_distance=command.trail_distance,
        cause=Cause.MANUAL,
        by=command.by,
        # a stop is counted at the price where it sets off
        reference_price=command.trigger_price or seen,
        market_ms=exits.seen_ms(command.instrument, context),
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
    """Nothing for an order that is closed or being cancelled; `NotFound` for one that never was.

    `Conflict` (`order_unresolved`) for one that the venue cannot be asked about: a person has to find out.
    """
    order = context.prior
    if order is None:
        raise NotFound(f"no order {command.client_id}", code="order_not_found")
    if order.status is OrderStatus.CREATED:
        return [dropped(order, "cancelled", command.reason)]
    if not order.status.is_open:
        return []
    if out_of_reach(order, context.offers):
        raise Conflict(f"the venue cannot be asked about {order.client_id}: resolve it", code="order_unresolved")
    return cancelled(order, command.by, command.reason)
