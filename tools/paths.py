"""Where things are in the tree, and which workers there are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build"
NODE_MODULES: Final = ROOT / "node_modules"

WORKERS: Final[dict[str, Path]] = {
    "router": ROOT,
    "cron": ROOT / "cron-worker",
    "brain": ROOT / "brain-worker",
    "desk": ROOT / "desk-worker",
    "book": ROOT / "book-worker",
}
"""Each worker's name and the folder of its wrangler.toml; the router's is the root."""

DEPLOY_ORDER: Final = ("brain", "desk", "book", "cron", "router")
"""Bindings point one way, so this order works for a first deploy."""


def source_folder(worker: str) -> Path:
    """The `src` folder of a worker."""
    return ROOT / f"{worker}-worker" / "src"


def script_name(worker: str) -> str:
    """The deployed name of a worker of ours (`desk` -> `edgedesk-desk`); any other name as it is."""
    return f"edgedesk-{worker}" if worker in WORKERS else worker
