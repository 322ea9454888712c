"""The JavaScript kernel on Node, for calibration and for tests: what workerd runs, without workerd."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from brain.dream.typed import Typed
from tools.failure import ToolError
from tools.node import environment, node


class _Bytes:
    """As much of a Float64Array as `Typed` asks for."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def to_bytes(self) -> bytes:
        """The content."""
        return self._content


class _Module:
    """The functions of `kernel.mjs` as attributes."""

    def __init__(self, to: IO[str], answers: IO[str]) -> None:
        self._to = to
        self._from = answers

    def __getattr__(self, name: str) -> Callable[..., _Bytes]:
        def call(*args: Any) -> _Bytes:
            self._to.write(json.dumps([name, args]) + "\n")
            self._to.flush()
            line = self._from.readline()
            if not line:
                raise ToolError(f"the kernel on Node ended in {name}")
            return _Bytes(base64.b64decode(line))

        return call


@contextmanager
def node_kernel() -> Iterator[Typed]:
    """A kernel that runs until the block ends."""
    command = [str(node()), str(Path(__file__).with_name("kernel.mjs"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        try:
            if process.stdin and process.stdout:
                yield Typed(_Module(process.stdin, process.stdout), list)
        finally:
            process.kill()
