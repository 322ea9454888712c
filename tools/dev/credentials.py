"""The local API keys and the secret they are hashed with, made at first start and kept in STATE_DIR, mode 600."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from shared.clock import SystemClock
from tools.failure import ToolError
from tools.keys import local_keys
from tools.stack import Stack

ROLES = ("viewer", "trader", "admin")


def pepper(state_dir: Path) -> str:
    """The local KEY_PEPPER; made when there is none."""
    return kept(state_dir / "secrets.json", "KEY_PEPPER", lambda: secrets.token_urlsafe(48))


def kept(path: Path, name: str, make: Callable[[], str]) -> str:
    """The secret of that name in a file of its own, mode 600; made when there is none."""
    if not path.exists():
        _write(path, {name: make()})
    return _read(path, (name,))[name]


def held(state_dir: Path) -> dict[str, str]:
    """`{role: key}` of a desk that has been started here before; ToolError where there is none."""
    path = state_dir / "credentials.json"
    if not path.exists():
        raise ToolError(f"{path}: is not there; start `make dev` first, with the same STATE_DIR")
    return _read(path, ROLES)


def ensure(state_dir: Path, stack: Stack) -> dict[str, str]:
    """`{role: key}`; keys that are missing are made, told to D1 first, and only then written to credentials.json."""
    path = state_dir / "credentials.json"
    if path.exists():
        return _read(path, ROLES)
    keys = local_keys(
        pepper(state_dir), SystemClock().now_ms(), lambda statement: stack.d1(statement.sql, statement.params)
    )
    _write(path, keys)
    return keys


def _write(path: Path, content: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    draft.replace(path)


def _read(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    try:
        content: dict[str, str] = json.loads(path.read_text())
    except ValueError as error:
        raise ToolError(f"{path}: is not JSON ({error}); remove STATE_DIR to begin anew") from None
    missing = [name for name in names if not isinstance(content.get(name), str)]
    if missing:
        raise ToolError(f"{path}: lacks {', '.join(missing)}; remove STATE_DIR to begin anew")
    return content
