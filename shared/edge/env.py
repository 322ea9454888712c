"""The environment of a worker: text variables for the settings, bindings without the SDK's wrappers."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsProxy


def raw(wrapped: Any) -> Any:
    """The JavaScript object under an SDK wrapper, or the thing itself."""
    if isinstance(wrapped, JsProxy):
        # an RPC stub has every attribute that is asked for: never look for one
        return wrapped
    for name in ("_binding", "_env", "_ctx"):
        inner = vars(wrapped).get(name)
        if inner is not None:
            return inner
    return wrapped


def text_vars(env: Any) -> dict[str, str]:
    """Every plain text variable and secret, by name; bindings are left out."""
    inside = raw(env)
    found = {}
    for name in js.Object.keys(inside):
        value = getattr(inside, name)
        if isinstance(value, str):
            found[str(name)] = value
    return found
