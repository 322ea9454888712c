"""What strategies there are, their parameters and bounds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from brain.follower import Follower
from brain.registry import KINDS, STRATEGIES, AnyStrategy
from brain.request import choices, exactly
from shared.errors import Invalid
from shared.model import Interval


def describe(body: Any, strategies: Mapping[str, type[AnyStrategy]] = STRATEGIES) -> dict[str, Any]:
    """All strategies by name, as docs/contracts.md has it; `warmup_bars` at the default parameters, 1 of one that fails there.
    `Invalid` unless the body is `{}`.
    """
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    exactly(body, ())
    return {"strategies": [_strategy(strategy) for strategy in strategies.values()]}


def _strategy(strategy: type[AnyStrategy]) -> dict[str, Any]:
    [choice] = choices([{"name": strategy.name, "params": {}}], {strategy.name: strategy})
    return {
        "name": strategy.name,
        "version": strategy.version,
        "doc": inspect.cleandoc(strategy.__doc__ or ""),
        "params": {name: _param(field) for name, field in strategy.params_model.model_fields.items()},
        "warmup_bars": Follower(choice, "", Interval.D1.ms).warmup_bars,
    }


def _param(field: FieldInfo) -> dict[str, Any]:
    """`kind` is int, float or symbol; `min` and `max` are inclusive, and null for a symbol."""
    bounds = field.metadata
    return {
        "default": field.default,
        "min": next((bound.ge for bound in bounds if isinstance(bound, Ge)), None),
        "max": next((bound.le for bound in bounds if isinstance(bound, Le)), None),
        "kind": KINDS[field.annotation],
        "doc": field.description or "",
    }
