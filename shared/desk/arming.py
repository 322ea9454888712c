"""A person lets a live desk risk money, for a time: in two steps, and back in one."""

from __future__ import annotations

from collections.abc import Sequence

from shared.desk import bodies, commands
from shared.desk import events as ev
from shared.desk.answering import hash_of, state_of
from shared.desk.people import People
from shared.desk.session import Draft
from shared.desk.watch import Body, Wire

HOUR_MS = 3_600_000


class Arming(People):
    async def arm_request(self, body: Body) -> Wire:
        """`{confirm, expires_ms}`: the token of the second step, good for five minutes."""
        asked = bodies.ArmRequestBody.read(body)
        confirm = self.token()
        until_ms = self.engine.now_ms + asked.hours * HOUR_MS
        command = commands.RequestArm(asked.by, asked.reason, hash_of(confirm), until_ms)

        def told(draft: Draft, _: Sequence[ev.Event]) -> Wire:
            request = state_of(draft).arm
            return {"confirm": confirm, "expires_ms": request.expires_ms if request else 0}

        return await self.once("arm_request", body, command, told)

    async def arm_confirm(self, body: Body) -> Wire:
        """`{armed_until_ms}`; the gate opens if every other item of its checklist holds as well."""
        asked = bodies.ArmConfirmBody.read(body)
        command = commands.ConfirmArm(asked.by, hash_of(asked.confirm))
        told = await self.once(
            "arm_confirm", body, command, lambda draft, _: {"armed_until_ms": state_of(draft).armed_until_ms}
        )
        await self.engine.gatekeeper.check(anew=True)
        return told

    async def disarm(self, body: Body) -> Wire:
        """`{armed_until_ms}`, 0 from now on: effective on the very next command."""
        asked = bodies.DisarmBody.read(body)
        command = commands.Disarm(asked.by, asked.reason)
        return await self.once(
            "disarm", body, command, lambda draft, _: {"armed_until_ms": state_of(draft).armed_until_ms}
        )
