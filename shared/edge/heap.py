"""How much memory Python has here."""

from __future__ import annotations

import json
from typing import Any

import pyodide_js

from shared.edge.count import totals


def heap_bytes() -> int:
    """Size of the wasm heap. It only grows, so it is also the most that there ever was."""
    module: Any = pyodide_js._module
    return int(module.HEAP8.byteLength)


def vitals() -> str:
    """`{"heap_bytes", "operations"}` of this isolate as JSON text: what `make bench` asks each worker over a binding."""
    return json.dumps({"heap_bytes": heap_bytes(), "operations": dict(totals)})
