"""What has to be done now and then, and decides nothing: an offer to resume that ran out, answers that nobody asks for any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.desk import commands

if TYPE_CHECKING:
    from shared.desk.engine import Engine

TIMER = "prune"
EVERY_MS = 86_400_000


class Chores:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def expire_resume(self) -> None:
        engine = self._engine
        engine.decide(commands.ExpireResume())
        resume = engine.ready().resume
        if resume is not None:
            engine.timers.put("resume", resume.expires_ms)
        else:
            engine.timers.clear("resume")

    async def prune(self) -> None:
        self._engine.answers.prune(self._engine.now_ms)
        self._engine.timers.put(TIMER, self._engine.now_ms + EVERY_MS)
