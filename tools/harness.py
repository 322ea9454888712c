"""The Node process that runs Miniflare and workerd (tools/stack.mjs), spoken to by JSON lines."""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.failure import ToolError
from tools.node import environment, node
from tools.paths import ROOT

SCRIPT: Final = Path(__file__).with_name("stack.mjs")
READY_TIMEOUT_S: Final = 120.0
COMMAND_TIMEOUT_S: Final = 300.0
STOP_TIMEOUT_S: Final = 10.0

Inbox = queue.SimpleQueue[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Log:
    """A line that a worker, or workerd itself, wrote."""

    timestamp_ms: int
    level: str
    message: str


class Harness:
    """One run of the Node side, over after `stop` or `kill`. Calls may come from any thread.

    Node starts at birth, and loads Miniflare (about 0.8 s) while its maker finds out what to `begin` with.
    """

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self._ready: Inbox = queue.SimpleQueue()
        self._answers: dict[int, Inbox] = {}
        self._lock = threading.Lock()
        self._last_id = 0
        self.process = subprocess.Popen(
            [str(node()), str(SCRIPT)],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own: Ctrl-C is for us alone, and all of it can be killed at once
        )
        threading.Thread(target=self._read, daemon=True).start()

    def begin(self, settings: Mapping[str, Any], workerd_environment: Mapping[str, str]) -> None:
        """Have it start workerd with these workers; once, before anything else."""
        with suppress(BrokenPipeError):  # `url` tells that Node has ended
            self._send({**settings, "environment": dict(workerd_environment)})

    def url(self) -> str:
        """Wait until every worker is loaded; where the first of them answers. ToolError, with the logs, if it fails."""
        try:
            message = self._ready.get(timeout=READY_TIMEOUT_S)
        except queue.Empty:
            message = {"failed": f"not ready after {READY_TIMEOUT_S:.0f} s"}
        if "ready" in message:
            return str(message["ready"]).rstrip("/")
        lines = "\n".join(log.message for log in self.logs[-20:])
        hint = "choose another PORT" if "already in use" in str(message) else "the traceback below says why"
        raise ToolError(f"the workers did not start: {hint}\n{message['failed']}\n{lines}")

    def call(self, command: str, **details: object) -> Any:
        """Have Node run a command of tools/stack.mjs and return its value; ToolError when it fails."""
        mine: Inbox = queue.SimpleQueue()
        with self._lock:
            self._last_id += 1
            self._answers[self._last_id] = mine
            try:
                self._send({"id": self._last_id, "command": command, **details})
            except (BrokenPipeError, ValueError) as error:
                raise ToolError("the stack has ended: its logs() say why") from error
        try:
            message = mine.get(timeout=COMMAND_TIMEOUT_S)
        except queue.Empty:
            raise ToolError(f"{command} was not answered within {COMMAND_TIMEOUT_S:.0f} s") from None
        if "error" in message:
            raise ToolError(f"{command} failed: {message['error']}")
        return message["value"]

    def stop(self) -> None:
        """End in good order; nothing of it is left when this returns."""
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            if self.process.stdin:
                self.process.stdin.close()
            self.process.wait(timeout=STOP_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """SIGKILL the whole group until nothing of it is left; for a zombie that nobody reaps it waits 2 s at most."""
        deadline = time.monotonic() + 2
        with suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.poll()
                time.sleep(0.02)
        self.process.wait()
        self._fail_waiting("the stack was killed")

    def _send(self, message: Mapping[str, object]) -> None:
        if self.process.stdin is None:
            raise BrokenPipeError
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                message = {"log": {"timestamp": time.time_ns() // 1_000_000, "level": "info", "message": line.rstrip()}}
            if "log" in message:
                log = message["log"]
                self.logs.append(Log(int(log["timestamp"]), str(log["level"]), str(log["message"])))
            elif "id" in message:
                self._answers.pop(message["id"]).put(message)
            else:
                self._ready.put(message)
        self._ready.put({"failed": "Node ended"})
        self._fail_waiting("the stack ended")

    def _fail_waiting(self, reason: str) -> None:
        while self._answers:
            self._answers.popitem()[1].put({"error": reason})
