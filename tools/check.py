"""Check the code without running it: ruff (rules and format), mypy --strict, and a scan for secrets."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from tools.failure import run_main, say
from tools.paths import ROOT, WORKERS, source_folder

BASELINE: Final = ROOT / ".secrets.baseline"
NOT_SCANNED: Final = r"(package-lock\.json|requirements/.*\.txt|\.secrets\.baseline)$"
"""Files of hashes: nothing but false alarms."""


def run(*command: str) -> bool:
    """Run a module of this Python; whether it succeeded."""
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode == 0


def lint() -> bool:
    """Ruff's rules."""
    return run("ruff", "check", ".")


def formatting() -> bool:
    """Ruff's format; `ruff format` mends it."""
    return run("ruff", "format", "--check", ".")


def types() -> bool:
    """mypy --strict, each worker by itself: every one has a module called `entry`."""
    good = run("mypy", "--strict", "shared", "tools", "bench")
    for worker in WORKERS:
        source = source_folder(worker)
        if any(source.rglob("*.py")):
            good = run("mypy", "--strict", source.relative_to(ROOT).as_posix()) and good
    return good


def secrets() -> bool:
    """detect-secrets over every tracked or new file, against the baseline of known false alarms."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    files = [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    scan = ["detect_secrets.pre_commit_hook", "--baseline", str(BASELINE), "--exclude-files", NOT_SCANNED]
    before = BASELINE.read_bytes()
    good = run(*scan, *files)
    if json.loads(before)["results"] == json.loads(BASELINE.read_bytes())["results"]:
        BASELINE.write_bytes(before)  # the hook renews line numbers and a time stamp; a check changes nothing
    return good


CHECKS: Final[dict[str, Callable[[], bool]]] = {
    "ruff check": lint,
    "ruff format --check": formatting,
    "mypy --strict": types,
    "secret scan": secrets,
}


def main() -> int:
    """Run every check, whatever the others say."""
    argparse.ArgumentParser(prog="python -m tools.check", description=__doc__).parse_args()
    results = {}
    for name, check in CHECKS.items():
        say(f"=== {name}")
        results[name] = check()
    for name, good in results.items():
        say(f"{'ok    ' if good else 'FAILED'}  {name}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    run_main(main)
