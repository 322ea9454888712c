"""What `make dev` may be told, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tools.failure import ToolError
from tools.paths import ROOT

MAX_SPEED = 20.0
N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Options:
    """`speed` is bars a second on each market clock; `dataset` None plays the built-in markets; alerts go to `alert_port`."""

    port: int
    state_dir: Path
    speed: float
    dataset: Path | None
    alert_port: int

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Options:
        """From PORT, STATE_DIR, REPLAY_SPEED, DATASET and ALERT_PORT; raises ToolError that names the one that is wrong."""
        dataset = env.get("DATASET") or None
        options = cls(
            port=_number(env, "PORT", 8787, int),
            state_dir=(ROOT / (env.get("STATE_DIR") or ".local")).resolve(),
            speed=_number(env, "REPLAY_SPEED", 2.0, float),
            dataset=Path(dataset).resolve() if dataset else None,
            alert_port=_number(env, "ALERT_PORT", 8788, int),
        )
        for name, port in (("PORT", options.port), ("ALERT_PORT", options.alert_port)):
            if not 1024 <= port <= 65535:
                raise ToolError(f"{name}={port}: must be from 1024 to 65535; set another")
        if not 0 < options.speed <= MAX_SPEED:
            raise ToolError(f"REPLAY_SPEED={options.speed}: must be above 0 and at most {MAX_SPEED:g} bars a second")
        if options.dataset and not options.dataset.is_dir():
            raise ToolError(f"DATASET={options.dataset}: is no folder; name one that holds *.csv or *.csv.gz")
        return options


def _number(env: Mapping[str, str], name: str, default: N, kind: type[N]) -> N:
    text = env.get(name) or str(default)
    try:
        return kind(text)
    except ValueError:
        raise ToolError(f"{name}={text!r}: must be a number; leave it out for {default}") from None
