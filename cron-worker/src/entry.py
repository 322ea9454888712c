"""The clock edge. Placeholder."""

import logging

from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):
    """Clock and queue."""

    async def scheduled(self, controller, env, ctx):  # noqa: ANN
        """Ask the brain."""
        answer = await self.env.BRAIN.describe()
        await self.env.HOT.put("cron", f"{controller.scheduledTime} {answer['worker']}")

    async def queue(self, batch, env, ctx):  # noqa: ANN
        """Take the jobs."""
        await self.env.HOT.put("queue", str(len(batch.messages)))
        logging.getLogger("cron").warning("queue delivered")
