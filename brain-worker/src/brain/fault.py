"""What an error of somebody else's code says of itself, in one line that may be shown to anybody."""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection
from typing import Final

from brain.steps import BUDGET, STEPS
from shared.log import redact

MAX_TOLD: Final = 300
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]+")


def told(error: BaseException, paths: Collection[str] = ()) -> str:
    """The kind of error, the first line of its message, and the newest line of the files at `paths` that it came from: printable,
    without secrets. Nothing but a KeyboardInterrupt is raised, whatever the error does when it is looked at.
    """
    STEPS.left = BUDGET
    try:
        return _told(error, paths)
    except KeyboardInterrupt:
        # may as well be the user's
        raise
    except BaseException:  # noqa: BLE001 - an error's own code may fail in any way as well; told of by its kind alone
        return _untold(error)


def _told(error: BaseException, paths: Collection[str]) -> str:
    # of a SyntaxError the lines before show the place; a message that cannot be had is told of too
    why = next(each for each in traceback.format_exception_only(error) if not each.startswith(" ")).splitlines()[0]
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename in paths]
    if isinstance(error, SyntaxError) and error.filename in paths:
        lines = [error.lineno or 0]
    if isinstance(error, ImportError):
        # another on every machine
        why = why.removesuffix(f" ({error.path})")
    return _line(why) + (f", line {lines[-1]:d}" if lines and lines[-1] else "")


def _untold(error: BaseException) -> str:
    # past a metaclass that has a `__name__` of its own
    name: str = type.__dict__["__name__"].__get__(type(error))
    return f"{_line(name)}, which cannot be told"


def _line(text: str) -> str:
    """Redacted before it is cut, or the rest of a secret would not be known as one; without addresses in memory, which differ
    from run to run."""
    shown = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in redact(text)
    )
    return _ADDRESS.sub("0x", shown)[:MAX_TOLD]
