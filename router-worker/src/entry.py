"""The HTTP edge. Placeholder: answers /livez."""

from urllib.parse import urlsplit

from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    """Answers HTTP."""

    async def fetch(self, request):  # noqa: ANN
        """Say that the worker lives."""
        path = urlsplit(request.url).path
        if path == "/queue":
            await self.env.JOBS.send({"kind": "hello"})
            return Response.json({"queued": True})
        if path.startswith("/desk/"):
            name = path.removeprefix("/desk/")
            stub = self.env.DESK.get(self.env.DESK.idFromName(name))
            return Response.json({"count": await stub.bump()})
        if path == "/book":
            return Response.json({"book": await self.env.BOOK.get(self.env.BOOK.idFromName("b")).ping()})
        return Response.json({"status": "ok"})
