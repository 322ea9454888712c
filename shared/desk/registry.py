"""Finds the protections: one class a module of `shared.desk.protections`, named like its file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from shared.desk import protections
from shared.desk.protection import Protection


def discover(package: ModuleType) -> Mapping[str, type[Protection]]:
    """Every protection of `package` by name, in the order of the names. TypeError for a file that is not one good protection."""
    found = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        kind = only_protection(importlib.import_module(f"{package.__name__}.{name}"))
        kind.name = name
        found[name] = kind
    return MappingProxyType(found)


def only_protection(module: ModuleType) -> type[Protection]:
    """The protection of a file. TypeError where it is not one, or not a good one."""
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Protection) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one protection, not {len(found)}")
    (kind,) = found
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    if snake != module.__name__.rpartition(".")[2]:
        raise TypeError(f"{module.__name__}: {kind.__name__} belongs into a file named {snake}")
    if not kind.__doc__ or not (kind.refusals or kind.findings):
        raise TypeError(f"{module.__name__}: {kind.__name__} lacks its docstring or its codes")
    return kind


PROTECTIONS = discover(protections)
"""All protections there are."""
