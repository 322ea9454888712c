"""The local runtime: every worker in one workerd, with real local bindings. `make dev`, tests and benches run on this.

    with Stack(state_dir) as stack:
        httpx.get(f"{stack.url}/livez")
        stack.scheduled("cron", "* * * * *", 1_700_000_000_000)

Whatever is stored (D1, KV, R2, objects) is kept under `state_dir`, across `stop()` and `kill()` alike.
"""

import base64
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from tools import bundle, snapshot, vendor
from tools.failure import ToolError
from tools.node import environment, node
from tools.paths import ROOT, WORKERS

READY_TIMEOUT_S: Final = 120.0
COMMAND_TIMEOUT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Log:
    """A line that a worker, or workerd itself, wrote."""

    timestamp_ms: int
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker answered to `fetch`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def script_name(worker: str) -> str:
    """The deployed name of a worker of ours (`desk` -> `edgedesk-desk`); any other name as it is."""
    return f"edgedesk-{worker}" if worker in WORKERS else worker


@dataclass
class Stack:
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
        self._process: subprocess.Popen[str] | None = None
        self._logs: list[Log] = []
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._ready: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._last_id = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Vendor, start workerd and wait until every worker is loaded; ToolError, with the logs, when it fails."""
        if self._process is not None:
            raise ToolError("this stack is already running: stop() it first")
        vendor.vendor_all(list(self.workers))
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._ready = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [str(node()), str(Path(__file__).with_suffix(".mjs")), json.dumps(self._settings())],
            cwd=ROOT,
            env=environment(self._runtime_environment()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process, self._ready), daemon=True).start()
        try:
            self.url = self._await_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End everything in good order; nothing of it is left when this returns. Harmless when it does not run."""
        process = self._process
        if process is None:
            return
        try:
            if process.stdin and not process.stdin.closed:
                process.stdin.close()
            process.wait(timeout=10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL workerd and all around it at once, as a power cut would; the state stays."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        self._fail_waiting("the stack was killed")

    def scheduled(self, worker: str, cron: str, scheduled_ms: int) -> str:
        """Fire a cron trigger and wait for its handler; the outcome is "ok" or "exception"."""
        result = self._call("scheduled", worker=script_name(worker), cron=cron, time=scheduled_ms)
        return str(result["outcome"])

    def evict(self, worker: str, class_name: str, object_name: str, *, close_websockets: bool = False) -> None:
        """Take a Durable Object out of memory; what it stored stays."""
        sockets = "close" if close_websockets else "hibernate"
        self._call(
            "evict", worker=script_name(worker), className=class_name, name=object_name, webSockets=sockets
        )

    def object_sql(self, worker: str, class_name: str, object_name: str, sql: str, *params: object) -> list[dict[str, Any]]:
        """Run SQL inside a Durable Object's own storage; the rows."""
        rows: list[dict[str, Any]] = self._call(
            "objectSql", worker=script_name(worker), className=class_name, name=object_name, sql=sql, params=params
        )
        return rows

    def object_ids(self, worker: str, class_name: str) -> list[str]:
        """The ids (hex) of the Durable Objects of a class that have stored anything."""
        return list(self._call("objectIds", worker=script_name(worker), className=class_name))

    def d1(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Run one statement on the local D1; the rows."""
        return list(self._call("d1", worker=script_name("router"), sql=sql, params=list(params)))

    def apply_migrations(self, folder: Path = ROOT / "migrations") -> list[str]:
        """Apply the migrations that D1 has not had yet, each in one transaction; the names of those."""
        return list(self._call("migrate", worker=script_name("router"), folder=str(folder)))

    def kv_keys(self, prefix: str = "", worker: str = "router", binding: str = "HOT") -> list[str]:
        """The first thousand keys of a KV namespace."""
        return list(self._call("kvKeys", worker=script_name(worker), binding=binding, prefix=prefix))

    def kv_get(self, key: str, worker: str = "router", binding: str = "HOT") -> bytes | None:
        """A value of a KV namespace, or None."""
        return decoded(self._call("kvGet", worker=script_name(worker), binding=binding, key=key))

    def r2_keys(self, prefix: str = "", worker: str = "router", binding: str = "ARCHIVE") -> dict[str, int]:
        """The first thousand objects of a bucket: key -> size in bytes."""
        items = self._call("r2Keys", worker=script_name(worker), binding=binding, prefix=prefix)
        return {item["key"]: item["size"] for item in items}

    def r2_get(self, key: str, worker: str = "router", binding: str = "ARCHIVE") -> bytes | None:
        """The bytes of an object of a bucket, or None."""
        return decoded(self._call("r2Get", worker=script_name(worker), binding=binding, key=key))

    def enqueue(self, body: object, worker: str = "router", binding: str = "JOBS") -> None:
        """Put a message on a queue, as the worker that holds the binding would."""
        self._call("enqueue", worker=script_name(worker), binding=binding, body=body)

    def fetch(
        self, worker: str, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Call the fetch handler of any worker, the unreachable ones too. Slower than HTTP: for tests."""
        content = base64.b64encode(body).decode() if body else None
        result = self._call(
            "fetch", worker=script_name(worker), url=path, method=method, headers=dict(headers or {}), body=content
        )
        return Reply(result["status"], result["headers"], decoded(result["body"]) or b"")

    def logs(self) -> list[Log]:
        """What the workers have logged since `start`."""
        return list(self._logs)

    @property
    def pid(self) -> int:
        """The process group of Node and workerd."""
        if self._process is None:
            raise ToolError("the stack is not running: start() it first")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has been started and has not died since."""
        return self._process is not None and self._process.poll() is None

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

    def _runtime_environment(self) -> dict[str, str]:
        extra = bundle.workerd_environment()
        return extra | snapshot.loading() if self.snapshot else extra

    def _await_ready(self) -> str:
        try:
            message = self._ready.get(timeout=READY_TIMEOUT_S)
        except queue.Empty:
            message = {"failed": f"not ready after {READY_TIMEOUT_S:.0f} s"}
        if "ready" in message:
            return str(message["ready"]).rstrip("/")
        lines = "\n".join(log.message for log in self._logs[-20:])
        hint = f"is port {self.port} taken? another PORT helps" if "in use" in str(message) else "the logs say why"
        raise ToolError(f"the workers did not start ({hint})\n{message['failed']}\n{lines}")

    def _read(self, process: subprocess.Popen[str], ready: queue.SimpleQueue[dict[str, Any]]) -> None:
        stream: IO[str] | None = process.stdout
        for line in stream or ():
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                message = {"log": {"timestamp": time.time_ns() // 1_000_000, "level": "info", "message": line.rstrip()}}
            if "log" in message:
                log = message["log"]
                self._logs.append(Log(int(log["timestamp"]), str(log["level"]), str(log["message"])))
            elif "id" in message:
                self._answers.pop(message["id"]).put(message)
            else:
                ready.put(message)
        ready.put({"failed": "Node ended"})
        self._fail_waiting("the stack ended")

    def _fail_waiting(self, reason: str) -> None:
        while self._answers:
            self._answers.popitem()[1].put({"error": reason})

    def _call(self, command: str, **details: object) -> Any:
        process = self._process
        if process is None or process.stdin is None:
            raise ToolError("the stack is not running: start() it first")
        mine: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            self._last_id += 1
            self._answers[self._last_id] = mine
            try:
                process.stdin.write(json.dumps({"id": self._last_id, "command": command, **details}) + "\n")
                process.stdin.flush()
            except (BrokenPipeError, ValueError) as error:
                raise ToolError("the stack has ended: its logs() say why") from error
        try:
            message = mine.get(timeout=COMMAND_TIMEOUT_S)
        except queue.Empty:
            raise ToolError(f"{command} was not answered within {COMMAND_TIMEOUT_S:.0f} s") from None
        if "error" in message:
            raise ToolError(f"{command} failed: {message['error']}")
        return message["value"]


def decoded(text: str | None) -> bytes | None:
    """Bytes from the base64 that Node sends."""
    return None if text is None else base64.b64decode(text)
