"""The project's own source, parsed once for the contract tests."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKERS = ("router", "cron", "brain", "desk", "book")
SHIPPED = ("shared", *(f"{name}-worker" for name in WORKERS))
PRODUCT = (*SHIPPED, "tools", "bench")
GENERATED = {"python_modules", "build", "node_modules", "__pycache__", ".venv"}


def files(*folders: str) -> Iterator[Path]:
    """Every Python file of ours below these folders of the repository."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not GENERATED & set(path.relative_to(ROOT).parts):
                yield path


@cache
def tracked(*patterns: str) -> tuple[str, ...]:
    """Every file that git knows, by its name in the repository; with patterns only what matches one."""
    command = ["git", "ls-files", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    return tuple(name for name in listed.split("\0") if name)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, at any depth; `from a import b` counts as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """`(line, dotted name)` of everything that is called by name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)
