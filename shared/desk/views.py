"""What the desk answers when it is asked how things stand: decimals as text, `null` for what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from shared.desk import guards, ledger, live_gate
from shared.desk.bodies import NoBody, OrderBody, TradesBody
from shared.desk.booking import TRADES_KEPT
from shared.desk.context import Context, Mark
from shared.desk.engine import Engine
from shared.desk.protection import Breaker
from shared.desk.state import DeskState
from shared.errors import NotFound
from shared.model import Position, exact

Wire = dict[str, Any]


class Reader:
    """The methods that change nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def view(self, body: Mapping[str, Any]) -> Wire:
        NoBody.read(body)
        state, engine = self._engine.ready(), self._engine
        summary = account(state, engine.market.marks)
        newest = max((mark.received_ms for mark in engine.market.marks.values()), default=None)
        return {
            "desk": state.desk,
            "venue": state.venue,
            "mode": state.mode,
            "status": state.status.value,
            "halt_reason": state.halt_reason,
            "halt_code": state.halt_code,
            "hold_until_ms": state.hold_until_ms,
            "reductions": {code: reduction.wire() for code, reduction in state.reductions.items()},
            "since_ms": state.since_ms,
            "currency": state.currency,
            **summary,
            **lost(state, summary["equity"]),
            "limits": state.limits.wire(),
            "protections": _protections(state, engine),
            "unresolved": len(state.differences),
            "seq": state.seq,
            "as_of_ms": engine.now_ms,
            "market_ms": engine.market.market_ms,
            "marks_age_ms": None if newest is None else max(0, engine.now_ms - newest),
            "outbox_seq": engine.outbox.watermark,
        }

    async def orders(self, body: Mapping[str, Any]) -> Wire:
        NoBody.read(body)
        state = self._engine.ready()
        return {"items": [order.wire() for order in state.orders.values()], "seq": state.seq}

    async def order(self, body: Mapping[str, Any]) -> Wire:
        asked = OrderBody.read(body)
        state = self._engine.ready()
        found = state.orders.get(asked.client_id) or self._engine.session.store.order(asked.client_id)
        if found is None:
            raise NotFound(f"no order {asked.client_id}", code="order_not_found")
        return {"order": found.wire()}

    async def positions(self, body: Mapping[str, Any]) -> Wire:
        NoBody.read(body)
        state = self._engine.ready()
        marks = self._engine.market.marks
        return {"items": [_position(state, marks, position) for position in state.held()], "seq": state.seq}

    async def trades(self, body: Mapping[str, Any]) -> Wire:
        """The newest round trips, oldest first, whether or not somebody resumed the desk since; `seq` is up to where this tells."""
        asked = TradesBody.read(body)
        state = self._engine.ready()
        newest = (*state.earlier_trades, *state.trades)[-TRADES_KEPT:]
        return {"items": [trade.wire() for trade in newest if trade.seq > asked.after_seq], "seq": state.seq}

    async def reconciliation(self, body: Mapping[str, Any]) -> Wire:
        """How the newest look at the venue went, and what is open between it and the ledger."""
        NoBody.read(body)
        state, engine = self._engine.ready(), self._engine
        return {
            "looked_ms": engine.looking.looked_ms,
            "clean": engine.session.reconciled,
            "failing": engine.looking.failing,
            "differences": [{"id": name, **each.wire()} for name, each in sorted(state.differences.items())],
            "venue_silent_ms": state.venue_silent_ms or engine.venue.silent_ms,
        }

    async def live_gate(self, body: Mapping[str, Any]) -> Wire:
        """The checklist as it stands now; for a desk that is not live, what going live would still ask for."""
        NoBody.read(body)
        self._engine.ready()
        facts = await self._engine.gatekeeper.facts(anew=True)
        state = self._engine.ready()
        items = live_gate.checklist(state, facts, self._engine.now_ms)
        return {
            "mode": state.mode,
            "open": state.mode == "live" and all(item.ok for item in items),
            "items": [item._asdict() for item in items],
            "armed_until_ms": state.armed_until_ms,
        }

    async def verify(self, body: Mapping[str, Any]) -> Wire:
        """The whole chain, from the first event on; a desk whose log is broken answers `Halt` (`log_broken`) with the seq."""
        NoBody.read(body)
        self._engine.ready()
        head = self._engine.session.verify()
        return {"seq": head.seq, "hash": head.hash, "checked": head.seq}


def account(state: DeskState, marks: Mapping[str, Mark]) -> Wire:
    """The money of the desk in its currency."""
    held = state.held()
    quotes = {name: instrument.quote for name, instrument in state.instruments.items()}
    gains = [(ledger.unrealised(state, marks, position), quotes[position.instrument]) for position in held]
    realised = [(position.realised, quotes[position.instrument]) for position in state.positions.values()]
    return {
        "cash": exact.text(state.cash.get(state.currency, exact.ZERO)),
        "equity": _text(ledger.equity(state, marks)),
        "unrealised": _text(_converted(state, marks, gains)),
        "realised": _text(_converted(state, marks, realised)),
        "fees": _text(_converted(state, marks, [(amount, asset) for asset, amount in state.fees.items()])),
        "open_positions": len(held),
        "open_orders": len(state.orders),
        "exposure": exact.text(ledger.held_exposure(state, marks)),
    }


def lost(state: DeskState, equity: str | None) -> Wire:
    """Below the peak and below the begin of the market day, in whole basis points; `null` where it is not known."""
    known = state.equity
    if known is None:
        return {"equity_peak": None, "drawdown_bps": None, "day_loss_bps": None}
    return {
        "equity_peak": exact.text(known.peak),
        "drawdown_bps": _below(known.peak, equity),
        "day_loss_bps": _below(known.day_start, equity),
    }


def _below(start: Decimal, equity: str | None) -> int | None:
    if equity is None or start <= 0:
        return None
    share = exact.divide(exact.subtract(start, Decimal(equity)), start)
    return max(0, int(exact.multiply(share, Decimal(10_000))))


def _protections(state: DeskState, engine: Engine) -> list[Wire]:
    """Those that act, each with its settings and, where it can stop the desk, what it finds now."""
    context = Context(now_ms=engine.now_ms, marks=engine.market.marks, market_ms=engine.market.market_ms)
    found = []
    for each in guards.of(state).acting:
        finding = each.finds(state, context) if isinstance(each, Breaker) else None
        said = None if finding is None else finding._asdict()
        found.append(
            {"name": each.name, "configured": each.name in state.protections, "settings": each.wire(), "finds": said}
        )
    return found


def _converted(
    state: DeskState, marks: Mapping[str, Mark], amounts: Iterable[tuple[Decimal | None, str]]
) -> Decimal | None:
    total = exact.ZERO
    for amount, asset in amounts:
        rate = ledger.conversion(state, marks, asset) if amount else exact.ZERO
        if amount is None or rate is None:
            return None
        total = exact.add(total, exact.multiply(amount, rate))
    return total


def _position(state: DeskState, marks: Mapping[str, Mark], position: Position) -> Wire:
    mark = marks.get(position.instrument)
    return {
        **position.wire(),
        "average_price": _text(_average(state, position)),
        "mark": None if mark is None else exact.text(mark.price),
        "unrealised": _text(ledger.unrealised(state, marks, position)),
    }


def _average(state: DeskState, position: Position) -> Decimal | None:
    per_unit = position.average_price()
    return None if per_unit is None else exact.divide(per_unit, state.instruments[position.instrument].multiplier, 10)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else exact.text(value)
