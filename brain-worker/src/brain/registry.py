"""Finds the strategies: one class a module of `brain.strategies`, by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

from brain import strategies
from brain.strategy import Strategy

AnyStrategy = Strategy[Any]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def discover(package: ModuleType) -> Mapping[str, type[AnyStrategy]]:
    """Every strategy of `package`, by name, in the order of the names. TypeError for a file that is not one good
    strategy.
    """
    found: dict[str, type[AnyStrategy]] = {}
    for module_name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        strategy = _only_strategy(importlib.import_module(f"{package.__name__}.{module_name}"))
        if strategy.name in found:
            raise TypeError(
                f"{strategy.__module__} and {found[strategy.name].__module__} are both named {strategy.name!r}"
            )
        found[strategy.name] = strategy
    return MappingProxyType(dict(sorted(found.items())))


def _only_strategy(module: ModuleType) -> type[AnyStrategy]:
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__name__} must define exactly one strategy, not {len(classes)}")
    strategy = classes[0]
    missing = [name for name in ("name", "version", "params_model") if not hasattr(strategy, name)]
    if missing or inspect.isabstract(strategy) or not strategy.__doc__:
        raise TypeError(
            f"{module.__name__}: {strategy.__name__} lacks {', '.join(missing) or 'a method or its docstring'}"
        )
    if not _NAME.fullmatch(strategy.name) or strategy.version < 1:
        raise TypeError(f"{module.__name__}: name {strategy.name!r} or version {strategy.version} is not allowed")
    return strategy


STRATEGIES = discover(strategies)
"""All strategies there are."""
