"""Many backtests of one request: sets of parameters from a grid, or drawn at random, the same ones for the same request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from shared.model.base import Model
from shared.model.signal import StrategyName

MAX_RUNS = 200
"""Of one backtest: each is a message of the queue."""

MAX_END = 2**53
"""Of a range: whole numbers beyond it are not told apart as floats."""

ParamName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Value = int | float | Annotated[str, StringConstraints(max_length=64)]
Params = dict[str, Value]


class Range(Model):
    """Both ends included; whole numbers where both ends are whole."""

    min: Annotated[int | float, Field(ge=-MAX_END, le=MAX_END)]
    max: Annotated[int | float, Field(ge=-MAX_END, le=MAX_END)]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min} must not be above max {self.max}")
        return self

    def at(self, share: float) -> int | float:
        """The value that `share`, from 0 up to 1, of the range lies below."""
        if isinstance(self.min, int) and isinstance(self.max, int):
            return self.min + min(int(share * (self.max - self.min + 1)), self.max - self.min)
        return self.min + share * (self.max - self.min)


class Sweep(Model):
    """What is tried of one strategy, by its place or its name: every point of `grid`, or `count` draws from `random`."""

    strategy: Annotated[int, Field(ge=0, le=15)] | StrategyName = 0
    grid: dict[ParamName, Annotated[tuple[Value, ...], Field(min_length=1, max_length=MAX_RUNS)]] | None = None
    random: dict[ParamName, Range] | None = None
    count: int | None = Field(default=None, ge=1, le=MAX_RUNS)
    seed: int = Field(default=0, ge=0, le=2**53 - 1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.grid is None) == (self.random is None):
            raise ValueError("sweep must have either grid or random")
        if not (self.grid or self.random):
            raise ValueError("a sweep must name at least one parameter")
        if (self.random is None) is not (self.count is None):
            raise ValueError("count goes with random, and only with it: how many draws")
        if self.grid is not None and (points := prod(map(len, self.grid.values()))) > MAX_RUNS:
            raise ValueError(f"the grid has {points} points and may have {MAX_RUNS}: give fewer values")
        return self

    def sets(self) -> list[Params]:
        """Sets of parameters in the order of their runs, each once: fewer than `count` where draws came out the same."""
        return _distinct(self._grid(self.grid) if self.grid is not None else self._drawn(self.random or {}))

    def _grid(self, grid: Mapping[str, tuple[Value, ...]]) -> list[Params]:
        return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]

    def _drawn(self, ranges: Mapping[str, Range]) -> list[Params]:
        return [
            {name: each.at(_share(self.seed, number, name)) for name, each in sorted(ranges.items())}
            for number in range(self.count or 0)
        ]


def put_over(strategies: Sequence[Any], place: int, params: Mapping[str, Any]) -> list[Any]:
    """The strategies of a run: a set over the parameters of the one at `place`, the others as they are."""
    chosen = list(strategies)
    chosen[place] = {**chosen[place], "params": {**chosen[place]["params"], **params}}
    return chosen


def _distinct(sets: list[Params]) -> list[Params]:
    # 1 and 1.0 are one dictionary key and two texts: a strategy may take only one of them
    return list({repr(sorted(each.items())): each for each in sets}.values())


def _share(seed: int, number: int, name: str) -> float:
    """Uniform in [0, 1), by hash: the same on every Python, and no draw changes with the other parameters."""
    hashed = hashlib.sha256(f"{seed}/{number}/{name}".encode()).digest()
    return int.from_bytes(hashed[:8], "big") / 2**64
