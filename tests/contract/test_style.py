"""What must never come back: prints, swallowed exceptions, god objects, and SQL glued from strings."""

import ast
import re
from pathlib import Path

import pytest

from tests.contract import source

MAX_FILE, MAX_FUNCTION, MAX_METHODS = 400, 50, 15
LOGS = ("log.", "_log.", "logger.", "self._log.")
OUTERMOST = re.compile(
    r"(.*-worker/src/(entry|\w+_object)\.py|shared/edge/rpc\.py|cron-worker/src/cron/(runner|consumer|tick)\.py|"
    r"router-worker/src/router/(app|problems|boundary)\.py|shared/(desk|book)/(timers|alarm|shell|effects|outbox)\.py|tools/.*)"
)

EVERY = pytest.mark.parametrize("path", list(source.files(*source.PRODUCT)), ids=source.name)


@EVERY
def test_nothing_prints(path: Path) -> None:
    assert not [line for line, called in source.calls(path) if called == "print"]


@EVERY
def test_no_exception_is_swallowed(path: Path) -> None:
    for node in ast.walk(source.tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        where = f"{source.name(path)}:{node.lineno}"
        assert node.type is not None, f"{where} is a bare except"
        silent = all(
            isinstance(each, ast.Pass) or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            for each in node.body
        )
        assert not silent, f"{where} is silent"
        caught = {ast.unparse(each) for each in (node.type.elts if isinstance(node.type, ast.Tuple) else [node.type])}
        if caught & {"Exception", "BaseException"}:
            assert OUTERMOST.fullmatch(source.name(path)) or _raises(node), (
                f"{where}: a broad except belongs to the outermost edge"
            )
            assert _logs(node) or _raises(node), f"{where} must log with context or raise"


def _does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _raises(node: ast.ExceptHandler) -> bool:
    return any(isinstance(each, ast.Raise) for each in ast.walk(node))


def _logs(node: ast.ExceptHandler) -> bool:
    return any(isinstance(each, ast.Call) and ast.unparse(each.func).startswith(LOGS) for each in ast.walk(node))


@EVERY
def test_files_functions_and_classes_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{source.name(path)}:{node.lineno} {node.name} has {length} lines"
        elif isinstance(node, ast.ClassDef):
            methods = sum(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body)
            assert methods <= MAX_METHODS, f"{source.name(path)}:{node.lineno} class {node.name} has {methods} methods"


SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b.*\b(FROM|INTO|SET|WHERE)\b", re.S)
SAFE_PART = re.compile(r"(\w*marks\w*|\w*placeholders\w*|[A-Z_]+|\w*columns\w*|\w*where\w*|where)")


@pytest.mark.parametrize("path", list(source.files(*source.SHIPPED)), ids=source.name)
def test_sql_takes_values_only_as_bound_parameters(path: Path) -> None:
    """A formatted SQL text may hold only constants, and marks or clauses that the code itself wrote."""
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.JoinedStr) and SQL.search(ast.unparse(node)):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    text = ast.unparse(part.value)
                    assert SAFE_PART.fullmatch(text), f"{source.name(path)}:{node.lineno} formats {text!r} into SQL"


@EVERY
def test_nothing_speaks_of_how_it_was_asked_for(path: Path) -> None:
    assert "../shared" not in path.read_text()
