"""A service on a real socket that answers as it is told, and keeps what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from shared.jsontext import read_json


@dataclass(frozen=True)
class Arrived:
    """One request, as it stood on the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found: dict[str, object] = read_json(self.body)
        return found

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), strict_parsing=True)


@dataclass(frozen=True)
class Reply:
    """`cut`: the connection ends so many bytes too early. `hang`: it says nothing at all. `drip`: a byte now and then,
    without end. `echo`: all it was sent."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int = 0
    hang: bool = False
    drip: bool = False
    echo: bool = False


class Receiver:
    """`async with Receiver(Reply(500), Reply(200)) as service`: the last reply is given for good."""

    def __init__(self, *replies: Reply) -> None:
        self._replies: Sequence[Reply] = replies or (Reply(),)
        self.arrived: list[Arrived] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            reply = self._replies[min(len(self.arrived), len(self._replies) - 1)]
            self.arrived.append(Arrived(method, target, headers, body))
            if reply.hang:
                await reader.read()
                return
            if reply.drip:
                writer.write(f"HTTP/1.1 {reply.status} X\r\ncontent-length: 100000\r\n\r\n".encode())
                while not reader.at_eof():
                    writer.write(b" ")
                    await asyncio.sleep(0.02)
                return
            told = repr((target, headers, body)).encode() if reply.echo else reply.body
            lines = [f"HTTP/1.1 {reply.status} X", f"content-length: {len(told)}", "connection: close"]
            lines += [f"{name}: {value}" for name, value in reply.headers]
            whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + told
            writer.write(whole[: len(whole) - reply.cut])
            await writer.drain()
        finally:
            writer.close()
