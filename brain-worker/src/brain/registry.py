"""Finds the strategies: one class a module of `brain.strategies`, by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any, Final

from annotated_types import Ge, Le
from pydantic import StringConstraints
from pydantic.fields import FieldInfo

from brain import steps, strategies
from brain.strategy import Strategy

AnyStrategy = Strategy[Any]
KINDS: Final[Mapping[Any, str]] = MappingProxyType({int: "int", float: "float", str: "symbol"})
"""What a parameter may be, and what describe calls it."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def discover(package: ModuleType) -> Mapping[str, type[AnyStrategy]]:
    """Every strategy of `package`, by name, in the order of the names. TypeError for a file that is not one good
    strategy.
    """
    steps.count(package.__name__)
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
    for name, field in strategy.params_model.model_fields.items():
        _check(f"{module.__name__}: parameter {name!r}", field)
    return strategy


def _check(where: str, field: FieldInfo) -> None:
    """TypeError for a parameter that its users could not be told of."""
    if field.annotation not in KINDS:
        raise TypeError(f"{where} is {field.annotation!r}; it must be an int, a float or a Symbol")
    if field.is_required() or not field.description:
        raise TypeError(f"{where} must have a default and a description")
    bounds: set[type] = {StringConstraints} if field.annotation is str else {Ge, Le}
    if not bounds <= set(map(type, field.metadata)):
        raise TypeError(f"{where} has no bounds: give ge and le, or for a text make it a Symbol")


STRATEGIES = discover(strategies)
"""All strategies there are."""
