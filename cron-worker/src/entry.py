"""The clock edge: the minute trigger and the queue `jobs`. Everything else is in `cron`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from workers import WorkerEntrypoint

from cron.consumer import consume
from cron.context import Context, Ports
from cron.minute import minute
from shared import clock, log
from shared.alerts.build import channels
from shared.config import CronSettings, require
from shared.edge.count import counting
from shared.edge.d1 import D1
from shared.edge.env import text_vars
from shared.edge.fetch import FetchTransport
from shared.edge.heap import vitals
from shared.edge.kv import KV
from shared.edge.queue import Queue
from shared.edge.r2 import R2
from shared.edge.rpc import Objects, Worker
from shared.venues.replay import ReplayVenue
from shared.venues.trouble import Trouble

_log = log.get("cron.entry")


class _Waits:
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Worker:
    """Settings and ports, made once per isolate: what is wrong with them refuses every run, and says why."""

    def __init__(self, env: Any) -> None:
        self.settings = CronSettings.load(text_vars(env))
        log.setup(self.settings.LOG_LEVEL)
        remedy = "set it to the base URL of the replay venue"
        require(self.settings.REPLAY_URL, "REPLAY_URL", remedy)
        self._client = httpx.AsyncClient(transport=FetchTransport())
        hint = self.settings.LOCATION_HINT
        self.ports = Ports(
            db=D1(env.DB),
            store=R2(env.ARCHIVE),
            hot=KV(env.HOT),
            queue=Queue(env.JOBS),
            brain=Worker(env.BRAIN, "brain"),
            desks=Objects(env.DESK, hint, "desk"),
            books=Objects(env.BOOK, hint, "book"),
            markets=self._market,
            clock=clock.SystemClock(),
            waits=_Waits(),
            jitter=clock.jitter,
            token=clock.random_hex,
            counting=counting,
            channels=channels(self.settings.ALERTS, self.settings.ALERT_SECRETS, self._client, clock.SystemClock()),
        )

    def _market(self, venue: str, trouble: Trouble) -> ReplayVenue:
        interval = self.settings.VENUES[venue].interval
        return ReplayVenue(self._client, self.settings.REPLAY_URL, venue, interval, trouble)

    def context(self, now_ms: int) -> Context:
        return Context(self.ports, self.settings, now_ms)


class Default(WorkerEntrypoint):  # type: ignore[misc, unused-ignore]
    """Handlers of the platform's two events; neither raises: a failed tick comes back through the watermarks."""

    async def scheduled(self, controller: Any, _env: Any, _ctx: Any) -> None:
        """One tick of the minute trigger."""
        try:
            outcomes = await minute(_Worker(self.env).context(int(controller.scheduledTime)))
        except Exception:  # noqa: BLE001 - the outermost edge of a tick
            _log.exception("tick_failed")
            return
        _log.info("tick", extra={"runs": outcomes})

    async def queue(self, batch: Any, _env: Any, _ctx: Any) -> None:
        """Messages of `jobs`, one after the other."""
        for message in batch.messages:
            try:
                context = _Worker(self.env).context(clock.SystemClock().now_ms())
                verdict = await consume(context, _text(message.body), int(getattr(message, "attempts", 1)))
            except Exception:  # noqa: BLE001 - the outermost edge of a message
                _log.exception("message_failed")
                message.retry()
                continue
            if verdict.retry_s is None:
                message.ack()
            else:
                _retry(message, verdict.retry_s)

    async def vitals(self) -> str:
        """RPC: memory and operations of this isolate, for `make bench`; no binding of ours leads here."""
        return vitals()


def _text(body: Any) -> str:
    """A message as text: ours are sent as text, another producer's may be an object."""
    if isinstance(body, str):
        return body
    value = body.to_py() if hasattr(body, "to_py") else body
    return json.dumps(value, default=str)


def _retry(message: Any, delay_s: int) -> None:
    from js import Object
    from pyodide.ffi import to_js

    message.retry(to_js({"delaySeconds": delay_s}, dict_converter=Object.fromEntries))
