"""Finds the strategies: one class a module of `brain.strategies`, by name. A file that is not good stops no other."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
import traceback
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any, Final, NamedTuple

from annotated_types import Ge, Le
from pydantic import StringConstraints, ValidationError
from pydantic.fields import FieldInfo

from brain import steps, strategies
from brain.steps import BUDGET, STEPS
from brain.strategy import Strategy
from shared.model.base import invalid_from

AnyStrategy = Strategy[Any]
KINDS: Final[Mapping[Any, str]] = MappingProxyType({int: "int", float: "float", str: "symbol"})
"""What a parameter may be, and what describe calls it."""
MAX_WHY: Final = 300
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Found(NamedTuple):
    """`strategies` by name, `broken` by file, each in order: a broken one with a line that names the file and says why."""

    strategies: Mapping[str, type[AnyStrategy]]
    broken: Mapping[str, str]


def discover(package: ModuleType) -> Found:
    """Every strategy of `package`, and every file of it that is not one good strategy; nothing is raised for these.

    A name belongs to the file that is called so, good or broken; where no file is, to the one that takes it, and where several
    do, to none of them. So no copy ever trades in the place of the file that it was made from.
    """
    steps.count(package.__name__)
    files = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    good: dict[str, type[AnyStrategy]] = {}
    broken: dict[str, str] = {}
    for file in files:
        STEPS.left = BUDGET
        try:
            good[file] = _only_strategy(importlib.import_module(f"{package.__name__}.{file}"))
        except KeyboardInterrupt:
            # may as well be the user's
            raise
        except BaseException as error:  # noqa: BLE001 - a file may fail in any way; recorded, it must not stop the others
            broken[file] = _failed(package, file, error)
    found: dict[str, type[AnyStrategy]] = {}
    for file, strategy in good.items():
        name = strategy.name
        takers = [name] if name in files else [other for other, its in good.items() if its.name == name]
        if takers == [file]:
            found[name] = strategy
        else:
            rivals = " and ".join(_path(package, other) for other in takers if other != file)
            broken[file] = f"{_path(package, file)} could not be loaded: its name {name!r} is that of {rivals}"
    return Found(MappingProxyType(dict(sorted(found.items()))), MappingProxyType(dict(sorted(broken.items()))))


def _path(package: ModuleType, file: str) -> str:
    return f"{package.__name__.replace('.', '/')}/{file}.py"


def _failed(package: ModuleType, file: str, error: BaseException) -> str:
    """One line: the file, the kind of error, the first line of its message, and the line of the file that it came from."""
    place = _path(package, file)
    paths = [os.path.join(folder, f"{file}.py") for folder in package.__path__]
    # of a SyntaxError the lines before show the place; an error that cannot say what it is is told of too
    told = next(each for each in traceback.format_exception_only(error) if not each.startswith(" "))
    why = told.splitlines()[0]
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename in paths]
    if isinstance(error, SyntaxError) and error.filename in paths:
        lines = [error.lineno or 0]
    if isinstance(error, ImportError):
        # another on every machine
        why = why.removesuffix(f" ({error.path})")
    return f"{place} could not be loaded: {why[:MAX_WHY]}" + (f", line {lines[-1]}" if lines and lines[-1] else "")


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
    try:
        strategy.params_model.model_validate(
            {name: field.default for name, field in strategy.params_model.model_fields.items()}
        )
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
