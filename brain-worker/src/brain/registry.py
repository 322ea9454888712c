"""Finds the strategies: one class a module of `brain.strategies`, by name. A file that is not good stops no other."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any, Final, NamedTuple

from annotated_types import Ge, Le
from pydantic import StringConstraints, ValidationError
from pydantic.fields import FieldInfo

from brain import fault, steps, strategies
from brain.steps import BUDGET, STEPS
from brain.strategy import Strategy
from shared.model.base import invalid_from

AnyStrategy = Strategy[Any]
KINDS: Final[Mapping[Any, str]] = MappingProxyType({int: "int", float: "float", str: "symbol"})
"""What a parameter may be, and what describe calls it."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Found(NamedTuple):
    """`strategies` by name, `broken` by file, each in order: a broken one with a line that names the file and says why."""

    strategies: Mapping[str, type[AnyStrategy]]
    broken: Mapping[str, str]


def discover(package: ModuleType) -> Found:
    """Every strategy of `package`, and every file of it that is not one good strategy; nothing is raised for these.

    A strategy has the name of its file. So no copy ever trades in the place of the file that it was made from.
    """
    steps.count(package.__name__)
    found: dict[str, type[AnyStrategy]] = {}
    broken: dict[str, str] = {}
    for file in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        STEPS.left = BUDGET
        try:
            found[file] = _only_strategy(importlib.import_module(f"{package.__name__}.{file}"), file)
        except KeyboardInterrupt:
            # may as well be the user's
            raise
        except BaseException as error:  # noqa: BLE001 - a file may fail in any way; recorded, it must not stop the others
            broken[file] = _failed(package, file, error)
    return Found(MappingProxyType(found), MappingProxyType(broken))


def _failed(package: ModuleType, file: str, error: BaseException) -> str:
    """One line: the file, and what the error says of itself with the line of the file that it came from."""
    place = f"{package.__name__.replace('.', '/')}/{file}.py"
    paths = [os.path.join(folder, f"{file}.py") for folder in package.__path__]
    return f"{place} could not be loaded: {fault.told(error, paths)}"


def _only_strategy(module: ModuleType, file: str) -> type[AnyStrategy]:
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
    if strategy.name != file:
        raise TypeError(f"{module.__name__}: name {strategy.name!r} must be that of its file, {file!r}")
    for name, field in strategy.params_model.model_fields.items():
        _check(f"{module.__name__}: parameter {name!r}", field)
    try:
        # said and unsaid: a validator may see only what is said
        for given in {name: field.default for name, field in strategy.params_model.model_fields.items()}, {}:
            strategy.params_model.model_validate(given)
            STEPS.check()
    except ValidationError as error:
        raise TypeError(f"{module.__name__}: its defaults do not fit: {invalid_from(error).detail}") from None
    return strategy


def _check(where: str, field: FieldInfo) -> None:
    """TypeError for a parameter that its users could not be told of."""
    if field.annotation not in KINDS:
        raise TypeError(f"{where} is {field.annotation!r}; it must be an int, a float or a Symbol")
    if field.is_required() or field.default_factory is not None or not field.description:
        raise TypeError(f"{where} must have a default and a description")
    bounds: set[type] = {StringConstraints} if field.annotation is str else {Ge, Le}
    if not bounds <= set(map(type, field.metadata)):
        raise TypeError(f"{where} has no bounds: give ge and le, or for a text make it a Symbol")


STRATEGIES, BROKEN = discover(strategies)
"""All strategies there are; and why each file that is not one could not be loaded."""
