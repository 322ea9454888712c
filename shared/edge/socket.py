"""An outbound WebSocket from an object."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import create_proxy

from shared.edge.count import count
from shared.errors import VenueUnavailable


class Socket:
    """An open connection; `on_text` and `on_close` are called synchronously, `on_close` once."""

    def __init__(self, socket: Any, on_text: Callable[[str], None], on_close: Callable[[str], None]) -> None:
        self._socket = socket
        self._on_text = on_text
        self._on_close = on_close
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed = False
        self._proxies = {
            "open": create_proxy(self._open),
            "message": create_proxy(self._message),
            "close": create_proxy(self._end),
            "error": create_proxy(self._end),
        }
        for name, proxy in self._proxies.items():
            socket.addEventListener(name, proxy)

    def _open(self, _event: Any) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    def _message(self, event: Any) -> None:
        count("socket_messages")
        if isinstance(event.data, str):
            self._on_text(event.data)

    def _end(self, event: Any) -> None:
        if self._closed:
            return
        self._closed = True
        self._release()
        reason = str(getattr(event, "message", "") or getattr(event, "reason", "") or "closed")
        if not self._opened.done():
            self._opened.set_exception(VenueUnavailable(f"the stream did not open: {reason}"))
        else:
            self._on_close(reason)

    async def opened(self, timeout_s: float) -> None:
        try:
            await asyncio.wait_for(self._opened, timeout_s)
        except TimeoutError:
            self.close()
            raise VenueUnavailable(f"the stream did not open within {timeout_s} s") from None

    def send(self, text: str) -> None:
        self._socket.send(text)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._release()
            self._socket.close(1000, "done")

    def _release(self) -> None:
        """Gives the callbacks back, for a proxy lives until it is destroyed; not while one of them runs."""
        proxies, self._proxies = self._proxies, {}
        for name, proxy in proxies.items():
            self._socket.removeEventListener(name, proxy)
        loop = asyncio.get_running_loop()
        for proxy in proxies.values():
            loop.call_soon(proxy.destroy)


async def connect(
    url: str, on_text: Callable[[str], None], on_close: Callable[[str], None], timeout_s: float = 10.0
) -> Socket:
    """Opens `ws(s)://…`; raises `VenueUnavailable` when that fails or takes too long."""
    count("fetches")
    socket = Socket(js.WebSocket.new(url), on_text, on_close)
    await socket.opened(timeout_s)
    return socket
