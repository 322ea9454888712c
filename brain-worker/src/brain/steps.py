"""Strategies in counted steps: one that never ends is stopped at the same place in every runtime.

Every function and every turn of a loop in a strategy's own file counts as one step. The count is written into the code when
the file is loaded, so it costs a few nanoseconds, needs no timer and no tracing, and does not depend on the machine. What
happens inside a library counts as nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final

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

    def over(self) -> None:
        """Ends the strategy's turn; the next one starts anew."""
        self.left = BUDGET
        raise OverBudget(f"more than {BUDGET} steps on one bar")


STEPS: Final = Steps()


class _Count(ast.NodeTransformer):
    """Writes `__steps__.left -= 1; if __steps__.left < 0: __steps__.over()` at the head of functions and loops."""

    def _count(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
        first = body[0]
        counted = ast.parse(f"{_NAME}.left -= 1\nif {_NAME}.left < 0: {_NAME}.over()").body
        for added in counted:
            for each in ast.walk(added):
                ast.copy_location(each, first)
        is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        at = 1 if is_doc and not isinstance(node, ast.For | ast.While) else 0
        body[at:at] = counted
        return node

    visit_FunctionDef = visit_For = visit_While = _count  # noqa: N815 - ast's names


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """From the source, never from a cached file, which would hold it uncounted."""
        path = self.get_filename(fullname)
        tree = ast.parse(self.get_data(path), path)
        return compile(ast.fix_missing_locations(_Count().visit(tree)), path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Runs it with the counter at hand."""
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
