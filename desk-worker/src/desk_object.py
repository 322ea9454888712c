"""The `Desk` Durable Object: the platform's side of `shared/desk`, one line a method. One JSON text in, one envelope out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workers import DurableObject

from shared import log
from shared.clock import SystemClock
from shared.config import DeskSettings
from shared.desk.shell import Desk as Shell
from shared.desk.state import DeskState
from shared.edge.alarm import ObjectAlarm
from shared.edge.count import count
from shared.edge.d1 import D1
from shared.edge.env import raw, text_vars
from shared.edge.queue import Queue
from shared.edge.rpc import answer
from shared.edge.sql import ObjectSql
from shared.venues.paper import PaperVenue
from shared.venues.venue import Trading


def _elsewhere(settings: DeskSettings) -> Callable[[DeskState], Trading | None]:
    """The venue of a desk that does not trade on paper, if its account is among the settings."""

    def venue(state: DeskState) -> Trading | None:
        if settings.lacks():
            return None
        # an HTTP client is memory that a desk on paper has better use for
        import httpx

        from shared.edge.fetch import FetchTransport
        from shared.venues.sandbox import SandboxVenue

        key, secret = settings.SANDBOX_KEY.get_secret_value(), settings.SANDBOX_SECRET.get_secret_value()
        client = httpx.AsyncClient(transport=FetchTransport())
        return SandboxVenue(client, settings.SANDBOX_URL, key, secret, SystemClock(), state.venue)

    return venue


class _Reading(DurableObject):  # type: ignore[misc, unused-ignore]
    """What the desk answers without changing; `Desk` adds what acts."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        log.setup("INFO")
        settings = DeskSettings.load(text_vars(env))
        log.setup(settings.LOG_LEVEL)
        sql = ObjectSql(ctx)
        # an object made by name knows it; one made by a bare id is told by its first `open`
        name = getattr(raw(ctx).id, "name", None)
        self.desk = Shell(
            sql,
            ObjectAlarm(ctx),
            D1(env.DB),
            SystemClock(),
            PaperVenue(sql),
            name=str(name) if name else None,
            elsewhere=_elsewhere(settings),
            lacks=settings.lacks(),
            ceiling=settings.TRADING_MODE,
            jobs=Queue(env.JOBS),
        )

    async def view(self, text: str) -> str:
        """The account at a glance."""
        return await answer("view", self.desk.read.view, text)

    async def orders(self, text: str) -> str:
        """The open orders."""
        return await answer("orders", self.desk.read.orders, text)

    async def order(self, text: str) -> str:
        """One order, open or closed."""
        return await answer("order", self.desk.read.order, text)

    async def positions(self, text: str) -> str:
        """What is held, marked."""
        return await answer("positions", self.desk.read.positions, text)

    async def trades(self, text: str) -> str:
        """Round trips that are over."""
        return await answer("trades", self.desk.read.trades, text)

    async def verify(self, text: str) -> str:
        """Checks the whole hash chain."""
        return await answer("verify", self.desk.read.verify, text)

    async def reconciliation(self, text: str) -> str:
        """How ledger and venue stand to one another."""
        return await answer("reconciliation", self.desk.read.reconciliation, text)

    async def live_gate(self, text: str) -> str:
        """What stands between the desk and real money."""
        return await answer("live_gate", self.desk.read.live_gate, text)


class _Deciding(_Reading):
    """What only a person can say."""

    async def resolve(self, text: str) -> str:
        """What became of an order that nobody can ask about."""
        return await answer("resolve", self.desk.resolve, text)

    async def accept(self, text: str) -> str:
        """The venue's side of a difference goes into the ledger."""
        return await answer("accept", self.desk.accept, text)

    async def arm_request(self, text: str) -> str:
        """The first step to real money."""
        return await answer("arm_request", self.desk.arm_request, text)

    async def arm_confirm(self, text: str) -> str:
        """The second one."""
        return await answer("arm_confirm", self.desk.arm_confirm, text)

    async def disarm(self, text: str) -> str:
        """Back from it, at once."""
        return await answer("disarm", self.desk.disarm, text)


class Desk(_Deciding):
    """One account, one object; `docs/contracts.md` has the methods."""

    async def open(self, text: str) -> str:
        """Opens the desk, or tells it new limits and instruments."""
        return await answer("open", self.desk.open, text)

    async def propose(self, text: str) -> str:
        """What the brain would do; the desk decides."""
        return await answer("propose", self.desk.propose, text)

    async def place(self, text: str) -> str:
        """An order by hand."""
        return await answer("place", self.desk.place, text)

    async def cancel(self, text: str) -> str:
        """Cancels an open order."""
        return await answer("cancel", self.desk.cancel, text)

    async def replace(self, text: str) -> str:
        """Another quantity or price for an open order."""
        return await answer("replace", self.desk.replace, text)

    async def set_levels(self, text: str) -> str:
        """Moves the levels of a position."""
        return await answer("set_levels", self.desk.set_levels, text)

    async def halt(self, text: str) -> str:
        """Stops trading, at once."""
        return await answer("halt", self.desk.halt, text)

    async def resume_request(self, text: str) -> str:
        """The first step back to trading."""
        return await answer("resume_request", self.desk.resume_request, text)

    async def resume_confirm(self, text: str) -> str:
        """The second one."""
        return await answer("resume_confirm", self.desk.resume_confirm, text)

    async def bars(self, text: str) -> str:
        """Closed bars: marks and paper fills."""
        return await answer("bars", self.desk.bars, text)

    async def heartbeat(self, text: str) -> str:
        """Quotes in, levels to watch out."""
        return await answer("heartbeat", self.desk.heartbeat, text)

    async def trigger(self, text: str) -> str:
        """A watched level was crossed."""
        return await answer("trigger", self.desk.trigger, text)

    async def tick(self, text: str) -> str:
        """The cron's minute."""
        return await answer("tick", self.desk.tick, text)

    async def alarm(self, *_: Any) -> None:
        """The one alarm of the object; never raises."""
        count("object_alarms")
        await self.desk.engine.fire()
