"""What people ask of the desk: orders by hand, levels, halting and resuming, and their word where the desk cannot know."""

from __future__ import annotations

from collections.abc import Sequence

from shared.desk import bodies, commands
from shared.desk import events as ev
from shared.desk.answering import Answering, Told, hash_of, order_of, state_of
from shared.desk.session import Draft
from shared.desk.watch import Body, Wire
from shared.errors import Refused, VenueUnavailable
from shared.model import exact, ids


class People(Answering):
    """Each of these acts is journalled with the key that asked."""

    async def place(self, body: Body) -> Wire:
        """`{order}` as it was intended; a gate's refusal is journalled and raised as `Refused` with the gate's code."""
        asked = bodies.PlaceBody.read(body)
        client_id = ids.manual_order_id(self.engine.ready().desk, asked.idempotency_key)
        ticket = {name: getattr(asked.order, name) for name in type(asked.order).model_fields}
        command = commands.Place(client_id=client_id, by=asked.by, **ticket)
        return await self.once("place", body, command, _ordered(client_id), client_id, self.engine.before_entries)

    async def replace(self, body: Body) -> Wire:
        """`{order}`, the new one, which waits for the old one to end; refused like one that is placed."""
        asked = bodies.ReplaceBody.read(body)
        new_id = ids.manual_order_id(self.engine.ready().desk, asked.idempotency_key)
        command = commands.Replace(
            client_id=asked.client_id,
            new_id=new_id,
            by=asked.by,
            qty=asked.qty,
            limit_price=asked.limit_price,
            trigger_price=asked.trigger_price,
        )
        return await self.once("replace", body, command, _ordered(new_id), asked.client_id, self.engine.before_entries)

    async def set_levels(self, body: Body) -> Wire:
        """`{instrument, stop_price, target_price, trail_distance}` as they are now; one that is left out is taken away."""
        asked = bodies.SetLevelsBody.read(body)
        command = commands.SetLevels(
            instrument=asked.instrument,
            by=asked.by,
            stop_price=asked.stop_price,
            target_price=asked.target_price,
            trail_distance=asked.trail_distance,
        )

        def told(draft: Draft, _: Sequence[ev.Event]) -> Wire:
            position = state_of(draft).position(asked.instrument)
            levels = {name: getattr(position, name) for name in ("stop_price", "target_price", "trail_distance")}
            texts = {name: None if price is None else exact.text(price) for name, price in levels.items()}
            return {"instrument": asked.instrument, **texts}

        return await self.once("set_levels", body, command, told)

    async def cancel(self, body: Body) -> Wire:
        """`{order}`, being cancelled; a closed one is answered as it is."""
        asked = bodies.CancelBody.read(body)
        command = commands.Cancel(asked.client_id, asked.by)
        return await self.once("cancel", body, command, lambda d, _: order_of(d, asked.client_id), asked.client_id)

    async def resolve(self, body: Body) -> Wire:
        """`{order}` as a person's word leaves it; `Conflict` (`order_not_unknown`) for one of which the desk knows."""
        asked = bodies.ResolveBody.read(body)
        command = commands.Resolve(
            client_id=asked.client_id,
            by=asked.by,
            placed=asked.placed,
            reason=asked.reason,
            venue_order_id=asked.venue_order_id,
        )
        return await self.once("resolve", body, command, lambda d, _: order_of(d, asked.client_id), asked.client_id)

    async def accept(self, body: Body) -> Wire:
        """`{seq}`. The venue is looked at before, so that nothing is taken over that is not so any more, and afterwards."""
        asked = bodies.AcceptBody.read(body)
        looking = self.engine.looking

        async def look() -> None:
            await looking.look()
            if looking.failing is not None:
                raise VenueUnavailable(f"the venue cannot be compared with now: {looking.failing}")

        command = commands.Accept(asked.difference, asked.by, asked.reason)
        told = await self.once("accept", body, command, lambda draft, _: {"seq": draft.head.seq}, first=look)
        await looking.look()
        return told

    async def halt(self, body: Body) -> Wire:
        """Effective on the very next decision: the event is stored before this answers."""
        asked = bodies.HaltBody.read(body)
        command = commands.HaltDesk(asked.by, asked.reason, asked.flatten)
        return await self.once("halt", body, command, _status_since)

    async def resume_request(self, body: Body) -> Wire:
        """`{confirm, expires_ms}`; the token is told here and never stored with the desk's state."""
        asked = bodies.ResumeRequestBody.read(body)
        confirm = self.token()
        command = commands.RequestResume(asked.by, asked.reason, hash_of(confirm))

        def told(draft: Draft, _: Sequence[ev.Event]) -> Wire:
            request = state_of(draft).resume
            return {"confirm": confirm, "expires_ms": request.expires_ms if request else 0}

        return await self.once("resume_request", body, command, told)

    async def resume_confirm(self, body: Body) -> Wire:
        asked = bodies.ResumeConfirmBody.read(body)
        command = commands.ConfirmResume(asked.by, hash_of(asked.confirm))
        return await self.once("resume_confirm", body, command, lambda d, _: {"status": state_of(d).status.value})


def _ordered(client_id: str) -> Told:
    def told(draft: Draft, found: Sequence[ev.Event]) -> Wire:
        for event in found:
            if isinstance(event, ev.OrderRefused):
                raise Refused(event.detail, code=event.code, client_id=client_id)
        return order_of(draft, client_id)

    return told


def _status_since(draft: Draft, _: Sequence[ev.Event]) -> Wire:
    state = state_of(draft)
    return {"status": state.status.value, "since_ms": state.since_ms}
