"""Strategies in counted steps: one that never ends is stopped at the same place in every runtime.

Every call of a function or lambda and every turn of a loop or comprehension in a strategy's own file counts as one step. The
count is written into the code when the file is loaded, so it costs a few nanoseconds, needs no timer and no tracing, and does
not depend on the machine. What happens inside a library counts as nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final, TypeVar

BUDGET: Final = 20_000
"""Steps that a strategy may take on one bar; the ones that stand here take fewer than fifty."""
_NAME: Final = "__steps__"


class OverBudget(BaseException):
    """A strategy took more steps on one bar than it may."""


class Steps:
    """Those that are left; whoever runs a strategy sets `left` before each bar."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = BUDGET

    def turn(self) -> bool:
        """One step, where only an expression can stand; True."""
        self.left -= 1
        if self.left < 0:
            self.over()
        return True

    def check(self) -> None:
        """`OverBudget` where it was swallowed."""
        if self.left < 0:
            self.over()

    def over(self) -> None:
        """Ends the strategy's turn. Whoever swallows this gets it again at the next step, until `left` is set anew."""
        raise OverBudget(f"more than {BUDGET} steps at once: calls and turns of loops; do less on a bar")


STEPS: Final = Steps()


class _Count(ast.NodeTransformer):
    """Writes `__steps__.left -= 1; if __steps__.left < 0: __steps__.over()` at the head of functions and loops, and
    `__steps__.turn()` into lambdas and, as the first condition, into comprehensions.
    """

    def _count(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
        first = body[0]
        counted = _moved(ast.parse(f"{_NAME}.left -= 1\nif {_NAME}.left < 0: {_NAME}.over()"), first).body
        is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        at = 1 if is_doc and not isinstance(node, ast.For | ast.AsyncFor | ast.While) else 0
        body[at:at] = counted
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_For = visit_AsyncFor = visit_While = _count  # noqa: N815 - ast's names

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.body = ast.copy_location(ast.BoolOp(ast.And(), [_turn(node.body), node.body]), node.body)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs.insert(0, _turn(node.target))
        return node


_M = TypeVar("_M", bound=ast.AST)


def _turn(place: ast.AST) -> ast.expr:
    return _moved(ast.parse(f"{_NAME}.turn()", mode="eval"), place).body


def _moved(made: _M, place: ast.AST) -> _M:
    """As if it stood where `place` does."""
    for each in ast.walk(made):
        ast.copy_location(each, place)
    return made


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """From the source, never from a cached file, which would hold it uncounted."""
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        return compile(ast.fix_missing_locations(_Count().visit(tree)), path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Runs it with the counter at hand."""
        STEPS.left = BUDGET
        setattr(module, _NAME, STEPS)
        super().exec_module(module)


class _Finder(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Modules of the package, from wherever it lies."""
        if not fullname.startswith(f"{self.package}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def count(package: str) -> None:
    """From now on, modules of `package` count their steps when they are imported; those that are imported already do not."""
    if not any(isinstance(finder, _Finder) and finder.package == package for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(package))
