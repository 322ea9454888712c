"""The local runtime: every worker in one workerd, with real local bindings. `make dev`, tests and benches run on this.

    with Stack(state_dir) as stack:
        httpx.get(f"{stack.url}/livez")
        stack.scheduled("cron", "* * * * *", 1_700_000_000_000)

Whatever is stored (D1, KV, R2, objects) is kept under `state_dir`, across `stop()` and `kill()` alike.
"""

import argparse
import base64
import secrets
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools import bundle, snapshot, vendor
from tools.failure import ToolError, run_main, say
from tools.harness import Harness, Log
from tools.paths import BUILD, WORKERS, script_name
from tools.storage import Storage, decoded

__all__ = ["Log", "Reply", "Stack"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker answered to `fetch`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Stack(Storage):
    """All workers, running. A context manager; not for use by several threads' `start` and `stop` at once.

    vars and secrets: worker -> name -> value, over those of its wrangler.toml. Names of workers are the short ones.
    workers: which of ours to run, the first of them answers HTTP. extra_configs: wrangler configs of further workers.
    rate_limit: another limit for every rate-limit binding, since a test or a bench asks faster than people do.
    """

    state_dir: Path
    port: int = 0
    vars: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    snapshot: bool = True
    workers: Sequence[str] = tuple(WORKERS)
    extra_configs: Sequence[Path] = ()
    rate_limit: int | None = None

    def __post_init__(self) -> None:
        self.url = ""
        self._harness: Harness | None = None
        self._logs: list[Log] = []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Vendor, start workerd and wait until every worker is loaded; ToolError, with the logs, when it fails."""
        if self._harness is not None:
            raise ToolError("this stack is already running: stop() it first")
        environment = bundle.workerd_environment()
        self._harness = Harness()
        self._logs = self._harness.logs
        try:
            vendor.vendor_all(list(self.workers))
            self.state_dir.mkdir(parents=True, exist_ok=True)
            self._harness.begin(self._settings(), environment | (snapshot.loading() if self.snapshot else {}))
            self.url = self._harness.url()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End everything in good order; nothing of it is left when this returns. Harmless when it does not run."""
        harness, self._harness = self._harness, None
        if harness:
            harness.stop()

    def kill(self) -> None:
        """SIGKILL workerd and all around it at once, as a power cut would; the state stays."""
        harness, self._harness = self._harness, None
        if harness:
            harness.kill()

    def call(self, command: str, **details: object) -> Any:
        """Have the Node side run a command of tools/stack.mjs; its value."""
        if self._harness is None:
            raise ToolError("the stack is not running: start() it first")
        return self._harness.call(command, **details)

    def scheduled(self, worker: str, cron: str, scheduled_ms: int) -> str:
        """Fire a cron trigger and wait for its handler; the outcome is "ok" or "exception"."""
        result = self.call("scheduled", worker=script_name(worker), cron=cron, time=scheduled_ms)
        return str(result["outcome"])

    def evict(self, worker: str, class_name: str, object_name: str, *, close_websockets: bool = False) -> None:
        """Take a Durable Object out of memory; what it stored stays."""
        sockets = "close" if close_websockets else "hibernate"
        self.call("evict", worker=script_name(worker), className=class_name, name=object_name, webSockets=sockets)

    def fetch(
        self, worker: str, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Call the fetch handler of any worker, the unreachable ones too. Slower than HTTP: for tests."""
        content = base64.b64encode(body).decode() if body else None
        result = self.call(
            "fetch", worker=script_name(worker), url=path, method=method, headers=dict(headers or {}), body=content
        )
        return Reply(result["status"], result["headers"], decoded(result["body"]) or b"")

    def logs(self) -> list[Log]:
        """What the workers have logged since `start`."""
        return list(self._logs)

    @property
    def pid(self) -> int:
        """The process group of Node and workerd."""
        if self._harness is None:
            raise ToolError("the stack is not running: start() it first")
        return self._harness.process.pid

    @property
    def running(self) -> bool:
        """Whether it has been started and has not died since."""
        return self._harness is not None and self._harness.process.poll() is None

    def _settings(self) -> dict[str, Any]:
        shared_objects = {name: str(path) for name, path in snapshot.libraries().items()}
        ours = [(worker, WORKERS[worker] / "wrangler.toml") for worker in self.workers]
        others = [(path.parent.name, path) for path in self.extra_configs]
        return {
            "port": self.port,
            "state": str(self.state_dir.resolve()),
            "workers": [
                {
                    "config": str(config),
                    "vars": dict(self.vars.get(worker, {})),
                    "secrets": dict(self.secrets.get(worker, {})),
                    "libraries": shared_objects,
                    "rateLimit": self.rate_limit,
                }
                for worker, config in (*ours, *others)
            ],
        }


def main() -> int:
    """The five workers alone, without a market: for a look at the runtime itself."""
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description=main.__doc__)
    parser.add_argument("--port", type=int, default=8787, help="where the router listens (default: 8787)")
    parser.add_argument("--state", type=Path, default=BUILD / "stack", help="what is kept, and where")
    parser.add_argument("--cold", action="store_true", help="start without the memory snapshot")
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    pepper = {"router": {"KEY_PEPPER": secrets.token_urlsafe(48)}}
    with Stack(asked.state, port=asked.port, secrets=pepper, snapshot=not asked.cold) as stack:
        stack.apply_migrations()
        say(f"Ready: {stack.url}/livez   (Ctrl-C stops)")
        stop.wait()
    return 0


if __name__ == "__main__":
    run_main(main)
