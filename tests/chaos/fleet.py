"""Several desk workers in one workerd, each with a venue of its own, and little else: a start takes seconds."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.sandbox.harness import Sandbox
from tools import vendor
from tools.paths import ROOT, WORKERS
from tools.stack import Stack

PROBE = Path(__file__).parent / "probe" / "probe.js"


def worker_name(number: int) -> str:
    return f"chaos-{number}"


def desk_config(folder: Path, number: int, venue: Sandbox, **variables: str) -> Path:
    """The desk worker as it is, under another name and with the account of one sandbox."""
    source = WORKERS["desk"]
    whole = tomllib.loads((source / "wrangler.toml").read_text())
    config = {key: value for key, value in whole.items() if key != "env"}
    config["name"] = worker_name(number)
    config["main"] = str(source / config["main"])
    account = {"SANDBOX_URL": venue.url, "SANDBOX_KEY": venue.key, "SANDBOX_SECRET": venue.secret}
    config["vars"] = {**config["vars"], "TRADING_MODE": "demo", **account, **variables}
    return _written(folder / worker_name(number), config, source / "python_modules")


def probe_config(folder: Path, numbers: Sequence[int]) -> Path:
    """Reaches the desks of all of them, and answers HTTP."""
    bindings = [
        {"name": f"DESK_{number}", "class_name": "Desk", "script_name": worker_name(number)} for number in numbers
    ]
    config = {
        "name": "chaos-probe",
        "main": str(PROBE),
        "compatibility_date": "2026-11-01",
        "durable_objects": {"bindings": bindings},
    }
    return _written(folder / "chaos-probe", config, None)


def _written(folder: Path, config: dict[str, Any], modules: Path | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "python_modules"
    if modules is not None and not link.is_symlink():
        link.symlink_to(modules)
    file = folder / "wrangler.json"
    file.write_text(json.dumps(config))
    return file


def fleet(folder: Path, venues: Sequence[Sandbox], **variables: str) -> Stack:
    """Not started yet. Worker `n` (from 1) trades at `venues[n - 1]`; `variables` go over the desk worker's own."""
    vendor.vendor_all(["desk"])
    numbers = range(1, len(venues) + 1)
    configs = [desk_config(folder / "configs", number, venues[number - 1], **variables) for number in numbers]
    return Stack(folder / "state", workers=(), extra_configs=[probe_config(folder / "configs", numbers), *configs])


def migrate(stack: Stack) -> None:
    stack.call("migrate", worker=worker_name(1), folder=str(ROOT / "migrations"))
