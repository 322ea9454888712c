"""Changes that make no difference anybody could see, each with its reason; they are held to the code."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tools.failure import ToolError
from tools.mutate.mutants import Mutant
from tools.paths import ROOT

FILE: Final = ROOT / "tests" / "mutation" / "equivalent.toml"


class Change(NamedTuple):
    """What names a mutant in the file: its statement before and after, wherever in the function that stands."""

    module: str
    function: str
    before: str
    after: str


def key(mutant: Mutant) -> Change:
    """How the file would name it."""
    return Change(mutant.module, mutant.function, *mutant.change)


def read(path: Path = FILE) -> dict[Change, str]:
    """Change -> reason; ToolError for an entry without one, or one that stands there twice."""
    found: dict[Change, str] = {}
    for number, entry in enumerate(tomllib.loads(path.read_text()).get("equivalent", []), start=1):
        if set(entry) != {*Change._fields, "reason"} or not entry["reason"].strip():
            raise ToolError(f"{path.name}: entry {number} needs {', '.join(Change._fields)} and a reason, no more")
        change = Change(*(entry[name] for name in Change._fields))
        if change in found:
            raise ToolError(f"{path.name}: entry {number} stands there twice: {change}")
        found[change] = entry["reason"]
    return found


def stale(entries: dict[Change, str], mutants: Sequence[Mutant]) -> list[Change]:
    """Entries that no mutant of the modules given answers to any more: the code has moved on."""
    modules = {mutant.module for mutant in mutants}
    known = {key(mutant) for mutant in mutants}
    return [change for change in entries if change.module in modules and change not in known]
