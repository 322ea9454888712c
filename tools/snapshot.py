"""Take a memory snapshot of Python with the heavy packages imported, so that the workers start from it in seconds.

It holds nothing of ours, only what comes from PyPI, and is keyed by a hash of that: an edit of ours never needs a new
one. A worker started from it must hold every shared library in it, at the same path: `libraries` names them.
"""

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Final

from tools import bundle, vendor
from tools.failure import ToolError, run_main, say
from tools.harness import Harness
from tools.paths import BUILD, ROOT, WORKERS

FOLDER: Final = BUILD / "snapshot"
KEPT: Final = 3
"""How many snapshots of earlier locks are kept (a switch of branches finds its own again)."""

HEAVY: Final = ("fastapi", "httpx", "pydantic", "workers", "asgi", "sqlite3", "decimal", "asyncio", "json", "logging")
# Its name must be that of no real worker's main module, or it would be served in that one's place.
MAIN: Final = "snapshot_warmup.py"
SOURCE: Final = f"""import {", ".join(HEAVY)}
from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):
    pass
"""
CONFIG: Final = f"""name = "snapshot-warmup"
main = "{MAIN}"
compatibility_date = "2026-11-01"
compatibility_flags = ["python_workers"]
"""


def libraries() -> dict[str, Path]:
    """Every shared library of any worker: its name among the worker's modules -> the file."""
    found: dict[str, Path] = {}
    for worker in WORKERS:
        base = vendor.packages(worker)
        found |= {f"python_modules/{path.relative_to(base).as_posix()}": path for path in base.rglob("*.so")}
    return found


def key() -> str:
    """A hash of all that is in a snapshot: interpreter, workerd, packages and warm-up source."""
    parts = [vendor.packages(worker).name for worker in WORKERS]
    bundle.build()
    parts += [(bundle.BUNDLE_FOLDER / "key").read_text(), SOURCE, CONFIG]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def loading() -> dict[str, str]:
    """The environment in which tools/workerd.sh starts from the snapshot; takes it first when there is none."""
    return {"EDGEDESK_SNAPSHOT": str(snapshot_folder()), "EDGEDESK_SNAPSHOT_MODE": "load"}


def snapshot_folder() -> Path:
    """The folder of the snapshot for what is vendored now; taken when it is not there."""
    folder = FOLDER / key()
    if (folder / "snapshot.bin").is_file():
        return folder
    with vendor.exclusive():
        if not (folder / "snapshot.bin").is_file():
            say("snapshot: importing the heavy packages once (about 10 s)")
            take(folder)
            forget_old(folder)
    return folder


def take(folder: Path) -> None:
    """Run the warm-up worker so that workerd writes `snapshot.bin` into the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        worker, output = Path(scratch, "worker"), Path(scratch, "output")
        output.mkdir()  # where the folder is missing, workerd saves nothing and says nothing
        for name in WORKERS:
            shutil.copytree(vendor.packages(name), worker / "python_modules", dirs_exist_ok=True)
        (worker / MAIN).write_text(SOURCE)
        (worker / "wrangler.toml").write_text(CONFIG)
        complaint = run_once(worker / "wrangler.toml", Path(scratch, "state"), output)
        if not (output / "snapshot.bin").is_file():
            raise ToolError(
                f"workerd saved no snapshot: {complaint or 'it gave no reason'}; `make clean` and try again"
            )
        output.rename(folder)


def run_once(config: Path, state: Path, output: Path) -> str:
    """Start the one worker of `config` in saving mode and end it; what was said when it did not get ready."""
    settings = {"port": 0, "state": str(state), "workers": [{"config": str(config), "libraries": {}}]}
    saving = {"EDGEDESK_SNAPSHOT": str(output), "EDGEDESK_SNAPSHOT_MODE": "save"}
    environment = bundle.workerd_environment()
    harness = Harness()
    try:
        harness.begin(settings, environment | saving)
        harness.url()
    except ToolError as error:
        return str(error)
    finally:
        harness.stop()
    return ""


def forget_old(current: Path) -> None:
    """Delete all but the latest few snapshots."""
    others = [path for path in FOLDER.iterdir() if path.is_dir() and path != current]
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def main() -> int:
    """Take the snapshot when it is missing, and say where it is."""
    argparse.ArgumentParser(prog="python -m tools.snapshot", description=__doc__).parse_args()
    path = snapshot_folder() / "snapshot.bin"
    say(f"snapshot: {path.relative_to(ROOT)} ({path.stat().st_size / 1e6:.0f} MB)")
    return 0


if __name__ == "__main__":
    run_main(main)
