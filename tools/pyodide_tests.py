"""Run the unit tests inside Pyodide: Python 3.14 on wasm32, the interpreter of Python Workers, here on Node.

What is marked `oracle` or `native` stays out. Further arguments go to pytest.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools import vendor
from tools.failure import run_main, say
from tools.node import environment, node
from tools.paths import ROOT, WORKERS, source_folder

OPTIONS: Final = (
    *("-m", "not oracle and not native", "--ignore=tests/unit/tools"),
    *("-p", "no:cacheprovider", "-p", "no:faulthandler", "--timeout=0"),  # no disk cache, no signals, no threads there
)

JSPI: Final = "--experimental-wasm-jspi"
"""Lets wasm wait for a promise; workerd has it, Node 24 only behind this flag."""


def run(arguments: Sequence[str], junit: Path | None = None) -> int:
    """Run pytest in Pyodide and return its exit code; `junit`, inside the repository, takes the results as XML."""
    say("pyodide: starting Python 3.14 on Node")
    with vendor.exclusive():
        packages = vendor.packages("pyodide")
    report = [f"--junitxml=/repo/{junit.relative_to(ROOT).as_posix()}"] if junit else []
    settings = {
        "root": str(ROOT),
        "packages": str(packages),
        "paths": [source_folder(worker).relative_to(ROOT).as_posix() for worker in WORKERS],
        "arguments": [
            *OPTIONS,
            *report,
            *(["tests/unit"] if all(a.startswith("-") for a in arguments) else []),
            *arguments,
        ],
    }
    with tempfile.TemporaryDirectory() as home:
        command = [str(node()), JSPI, str(Path(__file__).with_suffix(".mjs")), json.dumps(settings)]
        code = subprocess.run(command, cwd=ROOT, env=environment({"HOME": home}), check=False).returncode
    say(f"pyodide: unit tests {'passed' if code == 0 else f'ended with code {code}'}")
    return code


def main() -> int:
    """Hand the arguments to pytest in Pyodide."""
    parser = argparse.ArgumentParser(prog="python -m tools.pyodide_tests", description=__doc__)
    _, rest = parser.parse_known_args()
    return run(rest)


if __name__ == "__main__":
    run_main(main)
