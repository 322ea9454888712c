"""Vendor each worker's packages, and what it imports of `shared`, into `python_modules/` beside its wrangler.toml.

Packages come from the worker's hash lock, are unpacked once into build/vendor/<hash> and stripped of what a Worker
cannot use. `shared` is copied every time: only the modules that the worker's own source imports, directly or not, so
that a stale copy is impossible and a bundle holds nothing in vain.
"""

import argparse
import ast
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from tools.failure import ToolError, run_main, say, warn
from tools.lock import WASM_TARGET, lock_file
from tools.paths import BUILD, ROOT, WORKERS, source_folder

CACHE: Final = BUILD / "vendor"
USELESS_FOLDERS: Final = frozenset({"tests", "test", "bin", "__pycache__"})
USELESS_SUFFIXES: Final = frozenset({".pyi", ".pyc", ".h", ".c", ".pxd"})
STRATEGIES: Final = "brain/strategies"
"""Where a file that is not good stops nothing: the brain's registry tells of it, and `make deploy` refuses it."""
METADATA: Final = frozenset({"METADATA", "entry_points.txt"})
"""What is kept of a dist-info folder: `importlib.metadata` reads these two at run time."""


def packages(name: str) -> Path:
    """The folder of the packages locked under `name`, installed and stripped; made when it is not there."""
    lock = lock_file(name)
    if not lock.is_file():
        raise ToolError(f"{lock.relative_to(ROOT)} is missing: run `python -m tools.lock {name}`")
    rules = repr([sorted(USELESS_FOLDERS), sorted(USELESS_SUFFIXES), sorted(METADATA)]).encode()
    folder = CACHE / hashlib.sha256(lock.read_bytes() + rules).hexdigest()[:20]
    if folder.is_dir():
        return folder
    count = sum("==" in line for line in lock.read_text().splitlines())
    say(f"vendor: {name}: fetching {count} packages")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        target = Path(scratch, "packages")
        options = ["--quiet", "--no-deps", "--no-compile", "--require-hashes", "--target", str(target)]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
        command = [*pip, *options, *WASM_TARGET, "--requirement", str(lock)]
        if subprocess.run(command, check=False).returncode:
            raise ToolError(f"pip could not fetch {lock.relative_to(ROOT)}: is the package index reachable?")
        strip(target)
        target.rename(folder)
    return folder


def strip(folder: Path) -> None:
    """Delete what is useless in a Worker: tests, stubs, caches, scripts and most metadata."""
    for path in sorted(folder.rglob("*"), reverse=True):
        parts = path.relative_to(folder).parts
        in_metadata = parts[0].endswith(".dist-info")
        useless = path.suffix in USELESS_SUFFIXES or not USELESS_FOLDERS.isdisjoint(parts)
        if path.is_file() and (useless or (in_metadata and path.name not in METADATA)):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def imported_modules(source: Path, module: str) -> Iterator[str]:
    """The dotted names under `shared` that a file imports; `module` is its own dotted name (for relative imports).

    Of a file that imports `pkgutil`, a package that it imports by name stands for all its modules: it finds them at run time.
    """
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    nodes = _imports(source.read_bytes(), source.relative_to(ROOT).as_posix())
    finds = any(isinstance(node, ast.Import) and node.names[0].name == "pkgutil" for node in nodes)
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            told = [f"{base}.{alias.name}" for alias in node.names]
            names = [base, *told, *(each for name in told if finds for each in modules_in(name))]
        yield from (name for name in names if name.split(".")[0] == "shared")


@cache
def _imports(text: bytes, path: str) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The imports of a source; by its text, for most of `shared` is in five workers and parsing is what takes the time.

    A strategy that cannot be read has none, and is warned of; any other such file is a ToolError.
    """
    try:
        tree = ast.parse(text, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        # what is no text, or too deep, is of no line
        place = f"{path}:{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else path
        told = f"{place}: {getattr(error, 'msg', '') or error or type(error).__name__}: mend the file"
        if not Path(path).parent.as_posix().endswith(f"/{STRATEGIES}"):
            raise ToolError(told) from error
        warn(told)
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))


def modules_in(package: str) -> list[str]:
    """The dotted names of a package's own modules; none for what is no package of ours."""
    folder = ROOT.joinpath(*package.split("."))
    return [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py"))] if folder.is_dir() else []


def module_file(module: str) -> Path | None:
    """The file of a dotted name of ours, or None when the name is no module."""
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)


def shared_closure(source: Path) -> list[Path]:
    """Every file of `shared` that the code under `source` imports, directly or not, as paths relative to the root."""
    waiting = [name for path in source.rglob("*.py") for name in imported_modules(path, path.stem)]
    found: dict[str, Path] = {}
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):
            module = ".".join(parts[:end])
            path = module_file(module)
            if path is not None and module not in found:
                found[module] = path
                waiting += imported_modules(path, module)
    return sorted({path.relative_to(ROOT) for path in found.values()})


def wanted_files(worker: str) -> dict[str, Path]:
    """What the worker's python_modules has to hold: relative path -> the file it is a copy of."""
    base = packages(worker)
    files = {path.relative_to(base).as_posix(): path for path in base.rglob("*") if path.is_file()}
    return files | {path.as_posix(): ROOT / path for path in shared_closure(source_folder(worker))}


def differences(worker: str) -> list[str]:
    """What is missing, stale or too much in the worker's python_modules, one line each; empty when all is equal."""
    target = WORKERS[worker] / "python_modules"
    wanted = wanted_files(worker)
    present = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    lines = [f"{worker}: {name} is missing" for name in sorted(wanted.keys() - present)]
    lines += [f"{worker}: {name} should not be there" for name in sorted(present - wanted.keys())]
    both = sorted(wanted.keys() & present)
    return lines + [f"{worker}: {n} is stale" for n in both if (target / n).read_bytes() != wanted[n].read_bytes()]


@contextmanager
def exclusive() -> Iterator[None]:
    """Let one process at a time vendor."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with Path(CACHE, "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def same(copy: Path, original: Path) -> bool:
    """Whether a copy is that of its original: packages by size and time, our own code by its bytes."""
    if not copy.is_file():
        return False
    if original.is_relative_to(CACHE):
        left, right = copy.stat(), original.stat()
        return left.st_size == right.st_size and left.st_mtime_ns == right.st_mtime_ns
    return copy.read_bytes() == original.read_bytes()


def vendor(worker: str) -> int:
    """Make the worker's python_modules what it should be; return how many files had to change."""
    target = WORKERS[worker] / "python_modules"
    changed = 0
    wanted = wanted_files(worker)
    for path in [path for path in target.rglob("*") if path.is_file()]:
        if path.relative_to(target).as_posix() not in wanted:
            path.unlink()
            changed += 1
    for name, original in wanted.items():
        copy = target / name
        if not same(copy, original):
            copy.parent.mkdir(parents=True, exist_ok=True)
            scratch = copy.with_name(f".{copy.name}.new")
            shutil.copy2(original, scratch)
            scratch.replace(copy)
            changed += 1
    for folder, _, _ in os.walk(target, topdown=False):
        if not os.listdir(folder):
            os.rmdir(folder)
    return changed


def vendor_all(workers: list[str] | None = None) -> dict[str, int]:
    """Vendor the named workers, or all; return the number of changed files of each."""
    with exclusive():
        return {worker: vendor(worker) for worker in workers or list(WORKERS)}


def main() -> int:
    """Vendor, with a line for each worker that had to change, or check what is vendored."""
    parser = argparse.ArgumentParser(prog="python -m tools.vendor", description=__doc__)
    parser.add_argument("workers", nargs="*", metavar="worker", help=f"which (default: all): {', '.join(WORKERS)}")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a byte differs")
    arguments = parser.parse_args()
    workers: list[str] = arguments.workers or list(WORKERS)
    if unknown := set(workers) - WORKERS.keys():
        raise ToolError(f"no such worker: {', '.join(sorted(unknown))}; there are {', '.join(WORKERS)}")
    if arguments.check:
        lines = [line for worker in workers for line in differences(worker)]
        for line in lines:
            say(line)
        if lines:
            raise ToolError("what is vendored differs from the source: run `python -m tools.vendor`")
        return 0
    for number, worker in enumerate(workers, 1):
        if changed := vendor_all([worker])[worker]:
            say(f"vendor: {worker}: {changed} files changed ({number} of {len(workers)})")
    return 0


if __name__ == "__main__":
    run_main(main)
