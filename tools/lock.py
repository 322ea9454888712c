"""Lock every dependency with hashes: `requirements/*.txt`, from the pyproject.toml of the root and of each worker.

`dev` and `data` are locked for the native Python that runs this; each worker, and `pyodide` (its unit tests), for the
interpreter of Python Workers. No index is recorded: whoever installs uses an index of their own.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from tools.failure import ToolError, run_main, say
from tools.paths import ROOT, WORKERS

LOCKS: Final = ROOT / "requirements"
WASM_TARGET: Final = (
    *("--only-binary=:all:", "--implementation", "cp", "--python-version", "3.14"),
    *("--abi", "cp314", "--abi", "abi3", "--abi", "none", "--platform", "pyemscripten_2026_0_wasm32"),
)
"""pip's options that choose wheels for Pyodide 314, which is what compatibility date 2026-11-01 runs."""

COMPILE: Final = (
    "--quiet",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
)
NATIVE: Final = ("dev", "data")
NAMES: Final = (*NATIVE, *WORKERS, "pyodide")


def lock_file(name: str) -> Path:
    """Where the lock called `name` is."""
    return LOCKS / f"{name}.txt"


def wanted(name: str) -> list[str]:
    """The requirements that the lock `name` is made from."""
    folder = WORKERS.get(name, ROOT)
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    runtime: list[str] = project["project"]["dependencies"]
    if name in WORKERS:
        return runtime
    group: list[str] = project["dependency-groups"][name]
    return [*runtime, *group] if name == "pyodide" else group


def run(command: list[str]) -> str:
    """Run a command; its output, or ToolError with what it complained about."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if result.returncode:
        raise ToolError(f"{' '.join(command[:4])} … failed:\n{result.stderr[-2000:]}")
    return result.stdout


def lock_native(requirements: list[str], keep: set[str] | None) -> str:
    """Lock for this interpreter, all platforms' hashes; `keep` names the only packages to write, None means all."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.in"), Path(folder, "out.txt")
        source.write_text("\n".join(requirements) + "\n")
        options = ["--no-header", "--no-annotate", "--strip-extras", "--allow-unsafe", "--output-file", str(target)]
        run([sys.executable, "-m", "piptools", "compile", *COMPILE, *options, str(source)])
        blocks = re.split(r"\n(?=[A-Za-z0-9])", target.read_text().strip())
    blocks = [block for block in blocks if not block.startswith("#")]
    return "\n".join(block.split("\n\n")[0] for block in blocks if keep is None or block.split("==")[0] in keep) + "\n"


def lock_wasm(requirements: list[str]) -> str:
    """Lock for Python Workers: one wheel, one hash per package."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--quiet", "--dry-run", "--ignore-installed", "--report", "-", "--target", folder]
        report: dict[str, Any] = json.loads(
            run([sys.executable, "-m", "pip", "install", *options, *WASM_TARGET, *requirements])
        )
    lines = []
    for item in report["install"]:
        digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{item['metadata']['name'].lower()}=={item['metadata']['version']} --hash=sha256:{digest}")
    return "\n".join(sorted(lines)) + "\n"


def main() -> int:
    """Lock what was named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tools.lock", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"which locks to renew (default: all): {', '.join(NAMES)}"
    )
    names: list[str] = parser.parse_args().names or list(NAMES)
    if unknown := set(names) - set(NAMES):
        raise ToolError(f"no such lock: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    LOCKS.mkdir(exist_ok=True)
    for name in names:
        say(f"lock: resolving {name}")
        requirements = wanted(name)
        keep = set(requirements) if name == "data" else None
        text = lock_native(requirements, keep) if name in NATIVE else lock_wasm(requirements)
        lock_file(name).write_text(f"# Made by `python -m tools.lock {name}`; do not edit.\n{text}")
    return 0


if __name__ == "__main__":
    run_main(main)
