"""What the brain's registry says of its strategies' files, as they stand here."""

import importlib
import sys
from types import ModuleType

from tools.failure import ToolError
from tools.paths import source_folder


def registry() -> ModuleType:
    """The brain's own; imported only when it is asked for."""
    if str(source_folder("brain")) not in sys.path:
        sys.path.append(str(source_folder("brain")))
    return importlib.import_module("brain.registry")


def broken() -> list[str]:
    """One line for each file that could not be loaded: which one, and why."""
    return list(registry().BROKEN.values())


def refuse_broken() -> None:
    """ToolError where a strategy could not be loaded."""
    if found := broken():
        raise ToolError(
            "\n".join(["the brain has strategies that are not good:", *(f"  {each}: mend it" for each in found)])
        )
