"""Run the unit tests inside Pyodide: Python 3.14 on wasm32, the interpreter of Python Workers, here on Node.

What is marked `oracle` or `native` stays out. Further arguments go to pytest.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Final

from tools import vendor
from tools.failure import run_main, say
from tools.node import environment, node
from tools.paths import ROOT, WORKERS, source_folder

UNIT: Final = ROOT / "tests" / "unit"
LEFT_OUT: Final = UNIT / "tools"
OPTIONS: Final = (
    *("-m", "not oracle and not native", f"--ignore={LEFT_OUT.relative_to(ROOT).as_posix()}"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "--timeout=0"),  # no disk cache, no signals, no threads there
)

LIMIT_S: Final = 1800
"""Many times what all of them take in one interpreter."""

JSPI: Final = "--experimental-wasm-jspi"
"""Lets wasm wait for a promise; workerd has it, Node 24 only behind this flag."""


def run(arguments: Sequence[str]) -> int:
    """Run pytest in Pyodide and return its exit code."""
    say("pyodide: starting Python 3.14 on Node")
    chosen = [] if any(not each.startswith("-") for each in arguments) else ["tests/unit"]
    code = _pytest([*chosen, *arguments], _packages()).returncode
    say(f"pyodide: unit tests {'passed' if code == 0 else f'ended with code {code}'}")
    return code


def run_all(junits: Sequence[Path]) -> int:
    """Run all unit tests, in an interpreter for each of `junits`, files inside the repository that take the results as XML.

    Each says what it did when it is done. Returns an exit code that is 0 only when all of theirs are.
    """
    say(f"pyodide: starting Python 3.14 on Node, {len(junits)} times side by side")
    packages, parts = _packages(), shares(len(junits))

    def told(number: int) -> int:
        report = f"--junitxml=/repo/{junits[number].relative_to(ROOT).as_posix()}"
        others = _without([*parts[:number], *parts[number + 1 :]])
        done = _pytest(["-q", report, *others], packages, subprocess.PIPE)
        say(done.stdout.decode(errors="replace").rstrip())
        return done.returncode

    with ThreadPoolExecutor(len(junits)) as pool:
        codes = list(pool.map(told, range(len(junits))))
    say(f"pyodide: unit tests {'passed' if not any(codes) else f'ended with codes {codes}'}")
    return max(codes, key=abs)


def shares(count: int) -> list[list[str]]:
    """The files of the unit tests in `count` parts, dealt out there and back, so that what is dear is spread over all of them."""
    files = [path for path in sorted(UNIT.rglob("test_*.py")) if LEFT_OUT not in path.parents]
    parts: list[list[str]] = [[] for _ in range(count)]
    for path, part in zip(files, cycle((*parts, *reversed(parts))), strict=False):
        part.append(path.relative_to(ROOT).as_posix())
    return parts


def _without(parts: Sequence[Sequence[str]]) -> list[str]:
    # by leaving the others out: a file that is named is collected even where its folder's conftest refuses it
    return ["tests/unit", *(f"--ignore={path}" for part in parts for path in part)]


def _packages() -> Path:
    with vendor.exclusive():
        return vendor.packages("pyodide")


def _pytest(arguments: Sequence[str], packages: Path, output: int | None = None) -> subprocess.CompletedProcess[bytes]:
    settings = {
        "root": str(ROOT),
        "packages": str(packages),
        "paths": [source_folder(worker).relative_to(ROOT).as_posix() for worker in WORKERS],
        "arguments": [*OPTIONS, *arguments],
    }
    with tempfile.TemporaryDirectory() as home:
        command = [str(node()), JSPI, str(Path(__file__).with_suffix(".mjs")), json.dumps(settings)]
        env, errors = environment({"HOME": home}), subprocess.STDOUT if output else None
        try:
            return subprocess.run(
                command, cwd=ROOT, env=env, check=False, timeout=LIMIT_S, stdout=output, stderr=errors
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"") + f"\npyodide: stopped, since it did not end within {LIMIT_S} s".encode()
            return subprocess.CompletedProcess(command, 1, said)


def main() -> int:
    """Hand the arguments to pytest in Pyodide."""
    parser = argparse.ArgumentParser(prog="python -m tools.pyodide_tests", description=__doc__)
    _, rest = parser.parse_known_args()
    return run(rest)


if __name__ == "__main__":
    run_main(main)
