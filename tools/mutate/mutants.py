"""Every small change that could be made to a module: mutmut's operators, at each place where a change would mean something.

Left out is what no test should hold: annotations, imports, decorators, what is logged, and words for people (texts with a blank).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import libcst as cst
from libcst import metadata
from mutmut.mutation.mutators import mutation_operators, operator_arg_removal, operator_string

from tools.paths import ROOT

_UNTOUCHED: Final = (cst.Annotation, cst.Import, cst.ImportFrom, cst.Decorator, cst.TypeAlias)
_SILENT: Final = frozenset({"TypeVar", "len", "isinstance", "cast", "log.get", "logs.get"})
_LOGGER: Final = "_log."
"""Calls of these are left alone, and so is whatever a logger is told."""
_SILENT_NAMES: Final = frozenset({"__all__", "_log"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """`function` is the outermost one whose body holds the change, "" where it is made as the module is imported.

    `lines` are those of the statement that it stands in; `start` and `end` are byte offsets.
    """

    module: str
    path: Path
    function: str
    lines: range
    start: int
    end: int
    before: str
    after: str

    def source(self) -> str:
        """The whole file with the change."""
        text = self.path.read_bytes()
        return (text[: self.start] + self.after.encode() + text[self.end :]).decode()

    @property
    def change(self) -> tuple[str, str]:
        """The lines of its statement as they are and as they would be: a lone `1` would name too many."""
        text = self.path.read_bytes()
        ends = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
        first, last = ends[self.lines.start - 1], ends[self.lines.stop - 1]
        after = text[first : self.start] + self.after.encode() + text[self.end : last]
        return text[first:last].decode().strip(), after.decode().strip()

    @property
    def where(self) -> str:
        """For people: the file, the line and the function."""
        return f"{self.path.relative_to(ROOT)}:{self.lines.start} {self.function}".rstrip()


def mutants(path: Path) -> list[Mutant]:
    """Of one file below the root, in the order of its text."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    wrapper = metadata.MetadataWrapper(cst.parse_module(path.read_bytes()))
    finder = _Finder(module, path)
    wrapper.visit(finder)
    return finder.found


def _words(node: cst.CSTNode) -> bool:
    """A text for people, or SQL, whose every fault a test of its statement finds."""
    if isinstance(node, cst.SimpleString):
        return " " in node.value
    if isinstance(node, cst.ConcatenatedString):
        return _words(node.left) or _words(node.right)
    if isinstance(node, cst.FormattedString):
        return any(isinstance(part, cst.FormattedStringText) and " " in part.value for part in node.parts)
    return False


def _silent(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Call):
        called = cst.Module([]).code_for_node(node.func)
        return called in _SILENT or called.startswith(_LOGGER)
    if isinstance(node, cst.Assign):
        target = node.targets[0].target
        # a subscript is an alias of a type: only annotations use it
        named = isinstance(target, cst.Name) and target.value in _SILENT_NAMES
        return named or _silent(node.value) or isinstance(node.value, cst.Subscript)
    return isinstance(node, cst.If) and isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (metadata.PositionProvider, metadata.ByteSpanPositionProvider)

    def __init__(self, module: str, path: Path) -> None:
        super().__init__()
        self.found: list[Mutant] = []
        self._module = module
        self._path = path
        self._code = cst.parse_module("")
        self._text = path.read_bytes()
        self._scopes: list[cst.FunctionDef | cst.ClassDef] = []
        self._statements: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Whether to look inside."""
        if isinstance(node, _UNTOUCHED) or _words(node) or _silent(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._scopes.append(node)
        if isinstance(node, cst.SimpleStatementLine):
            self._statements.append(node)
        for changed in _changes(node):
            self._add(node, changed)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Undoes what `on_visit` noted."""
        for stack in (self._scopes, self._statements):
            if stack and stack[-1] is original_node:
                stack.pop()

    def _add(self, node: cst.CSTNode, changed: cst.CSTNode) -> None:
        start, end = self._span(node)
        after = self._code.code_for_node(changed)
        before = self._text[start:end].decode()
        if after.strip() == before.strip():
            return
        statement = self._statements[-1] if self._statements else node
        place = self.get_metadata(metadata.PositionProvider, statement)
        lines = range(place.start.line, place.end.line + 1)
        self.found.append(Mutant(self._module, self._path, self._function(start), lines, start, end, before, after))

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        span = self.get_metadata(metadata.ByteSpanPositionProvider, node)
        return span.start, span.start + span.length

    def _function(self, start: int) -> str:
        for number, scope in enumerate(self._scopes):
            if isinstance(scope, cst.FunctionDef):
                inside = start >= self._span(scope.body)[0]
                return ".".join(each.name.value for each in self._scopes[: number + 1]) if inside else ""
        return ""


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if not isinstance(node, kind):
            continue
        found = list(operator(node))
        if operator is operator_string:
            yield from found[:1]  # other capitals are the same change
        elif operator is operator_arg_removal and isinstance(node, cst.Call):
            yield from (each for each in found if _kept_words(node, each))
        else:
            yield from found


def _kept_words(before: cst.Call, after: cst.CSTNode) -> bool:
    """Whether every text for people is still there."""
    kept = [arg.value for arg in after.args] if isinstance(after, cst.Call) else []
    return all(arg.value in kept for arg in before.args if _words(arg.value))
