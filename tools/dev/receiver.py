"""A receiver of alerts on this machine: checks each signature, as anybody who is sent webhooks should, and keeps them."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import ValidationError

from shared.alerts.webhook import signature, signing_key
from shared.errors import Invalid
from shared.jsontext import read_json
from shared.model.alert import Alert
from tools.failure import ToolError

HOST = "127.0.0.1"
MAX_BODY = 65_536


@dataclass(frozen=True)
class Received:
    """One alert as it came over one channel."""

    channel: str
    alert: Alert


class Receiver:
    """Listens from `start` to `stop`. What is not signed with the secret, or is no alert, is answered 400 and forgotten."""

    def __init__(self, port: int, secret: str) -> None:
        self._key = signing_key(secret)
        self._port = port
        self._got: list[Received] = []
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> str:
        """The base URL; ToolError where the port is taken."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("content-length") or 0), MAX_BODY))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(204 if receiver.take(self.path.strip("/"), headers, body) else 400)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Nothing: what came is told by who asked for it."""

        try:
            self._server = ThreadingHTTPServer((HOST, self._port), Handler)
        except OSError as error:
            raise ToolError(
                f"{HOST}:{self._port}: cannot listen for alerts ({error}); end what listens there, or start"
                " `make dev` and this with another ALERT_PORT"
            ) from None
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()
        return f"http://{HOST}:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Closes the port; harmless when it is not open."""
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()

    def take(self, channel: str, headers: dict[str, str], body: bytes) -> bool:
        """Keeps what is signed and an alert; whether it was."""
        try:
            sent_s = int(headers.get("webhook-timestamp", ""))
            wanted = signature(self._key, headers.get("webhook-id", ""), sent_s, body)
            if not hmac.compare_digest(wanted.encode(), headers.get("webhook-signature", "").encode()):
                return False
            alert = Alert.model_validate_json(_data(body))
        except (ValueError, Invalid, ValidationError):
            return False
        with self._changed:
            self._got.append(Received(channel, alert))
            self._changed.notify_all()
        return True

    def wait(self, wanted: Callable[[list[Received]], bool], within_s: float) -> list[Received] | None:
        """What has come, as soon as it is `wanted`; None where it is not in time."""
        with self._changed:
            if self._changed.wait_for(lambda: wanted(self._got), within_s):
                return list(self._got)
        return None


def _data(body: bytes) -> str:
    """The alert's own JSON within what the webhook carries."""
    whole = read_json(body.decode())
    if not isinstance(whole, dict):
        raise Invalid.field("body", type(whole).__name__, "must be an object")
    return json.dumps(whole.get("data"))
