"""What must never come back: prints, swallowed exceptions, god objects, and SQL glued from strings."""

import ast
import re
from pathlib import Path

import pytest

from tests.contract import source

MAX_FILE, MAX_FUNCTION, MAX_METHODS = 400, 50, 15
EDGES = {
    "cron-worker/src/cron/runner.py": "a job",
    "cron-worker/src/entry.py": "a tick, a message",
    "router-worker/src/router/boundary.py": "a request",
    "router-worker/src/entry.py": "a request",
    "shared/edge/rpc.py": "a call from another worker",
    "shared/desk/alarms.py": "a timer of an alarm",
    "shared/book/shell.py": "an alarm, a message of the feed",
    "shared/book/link.py": "a socket",
    "shared/book/line.py": "a task that calls a desk",
    "shared/book/flusher.py": "a task that writes to R2",
    "shared/book/ticks.py": "a message of the feed",
    "tools/replay/api.py": "a request to the replay venue",
    "brain-worker/src/brain/registry.py": "a strategy's file, whose failure at import is recorded with its name and its line",
    "brain-worker/src/brain/request.py": "a strategy's own check of its parameters, whose failure is a refusal that names it",
    "brain-worker/src/brain/fault.py": "the error of a strategy's file, whose own code may fail when it is asked what it is",
    "brain-worker/src/brain/follower.py": "a strategy, whose failure is recorded as a refusal that names it",
}
"""Where anything at all may be caught: the outermost edge of what is named, so that one failure ends only itself."""
HANDLED = re.compile(r"(_?log|logger|self\._log)\.\w+|(\w*\.)?_(closed|failed|untold)|Refusal|self\.refuse")

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
        assert _broad(node) or not all(_does_nothing(each) for each in node.body), (
            f"{where} is silent: handle it, or say contextlib.suppress"
        )
        if _broad(node) and not any(isinstance(each, ast.Raise) for each in ast.walk(node)):
            assert source.name(path) in EDGES, f"{where}: a broad except belongs to an outermost edge"
            called = [ast.unparse(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)]
            assert any(HANDLED.fullmatch(each) for each in called), f"{where} must log or record what it caught"


def _broad(node: ast.ExceptHandler) -> bool:
    types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return bool({ast.unparse(each) for each in types if each} & {"Exception", "BaseException"})


def _does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


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


# put together, so that this file does not speak of them either
ASKED_FOR = ("../" + "shared", *(f"{name}.md" for name in ("DESIGN", "RUNTIME", "FACTS")))
LOCKED = ("package-lock.json", "requirements/")


def test_nothing_speaks_of_how_it_was_asked_for() -> None:
    spoken = []
    for name in source.tracked():
        path = source.ROOT / name
        if name.startswith(LOCKED) or not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            spoken += [(name, needle) for needle in ASKED_FOR if needle.encode() in data]
    assert spoken == []
