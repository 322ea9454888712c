"""Deploy all workers to an environment: brain, desk, book, cron, router. Bindings point that way.

Before the first worker goes out, the ids of real resources and every needed secret have to be there, and D1 is
migrated. With DRY_RUN=1 each worker is built offline, nothing is sent, and the sizes are printed.
"""

import argparse
import json
import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tools import vendor
from tools.failure import ToolError, run_main, say
from tools.node import WRANGLER, environment, node
from tools.paths import BUILD, DEPLOY_ORDER, ROOT, WORKERS, script_name

ENVIRONMENTS: Final = ("staging", "production")
SECRETS: Final[dict[str, tuple[str, ...]]] = {"router": ("KEY_PEPPER",)}
"""The secrets that each worker cannot start without."""

PLACEHOLDER: Final = re.compile(r"[0-]+")
FREE_LIMIT_KIB: Final = 3 * 1024
PAID_LIMIT_KIB: Final = 10 * 1024
UPLOAD: Final = re.compile(r"Total Upload: ([\d.]+) KiB / gzip: ([\d.]+) KiB")


@dataclass(frozen=True, slots=True)
class Size:
    """What a worker's upload weighs."""

    worker: str
    raw_kib: float
    gzip_kib: float

    def share_of(self, limit_kib: float) -> float:
        """The compressed size in per cent of a limit."""
        return 100 * self.gzip_kib / limit_kib


def wrangler(worker: str, *arguments: str) -> str:
    """Run wrangler on a worker's config and return what it printed; ToolError with that when it fails."""
    config = WORKERS[worker] / "wrangler.toml"
    command = [str(node()), str(WRANGLER), *arguments, "--config", str(config)]
    result = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if result.returncode:
        raise ToolError(f"wrangler {arguments[0]} failed for {worker}:\n{result.stdout}{result.stderr}")
    return result.stdout


def placeholders(config: dict[str, Any], target: str) -> list[str]:
    """The bindings of an environment whose ids are still the zeros that the repository holds."""
    section = config["env"][target]
    ids = [(item["binding"], item["database_id"]) for item in section.get("d1_databases", [])]
    ids += [(item["binding"], item["id"]) for item in section.get("kv_namespaces", [])]
    return [binding for binding, value in ids if PLACEHOLDER.fullmatch(value)]


def refuse_placeholders(target: str) -> None:
    """Raise ToolError unless every id in every wrangler.toml is a real one."""
    for worker in DEPLOY_ORDER:
        path = WORKERS[worker] / "wrangler.toml"
        if names := placeholders(tomllib.loads(path.read_text()), target):
            raise ToolError(
                f"{path.relative_to(ROOT)}: the ids of {', '.join(names)} in [env.{target}] are placeholders: "
                "create the resources (`wrangler d1 create`, `wrangler kv namespace create`) and write their ids there"
            )


def refuse_missing_secrets(target: str) -> None:
    """Raise ToolError unless every secret that a worker needs has been put."""
    for worker, names in SECRETS.items():
        listed = json.loads(wrangler(worker, "secret", "list", "--format", "json", "--env", target))
        for name in sorted(set(names) - {item["name"] for item in listed}):
            config = (WORKERS[worker] / "wrangler.toml").relative_to(ROOT)
            raise ToolError(f"{worker} has no {name}: run `npx wrangler secret put {name} --env {target} -c {config}`")


def measure(worker: str, target: str) -> Size:
    """Build a worker offline and weigh it."""
    output = BUILD / "deploy" / target / worker
    printed = wrangler(worker, "deploy", "--dry-run", "--outdir", str(output), "--env", target)
    found = UPLOAD.search(printed)
    if not found:
        raise ToolError(f"wrangler named no upload size for {worker}: mend UPLOAD in tools/deploy.py\n{printed}")
    return Size(worker, float(found[1]), float(found[2]))


def measure_all(target: str) -> list[Size]:
    """Vendor and weigh every worker, in the order of deployment."""
    vendor.vendor_all()
    sizes = []
    for worker in DEPLOY_ORDER:
        say(f"deploy: building {script_name(worker)}-{target} (dry run)")
        sizes.append(measure(worker, target))
    return sizes


def print_sizes(sizes: list[Size]) -> None:
    """Draw the table of sizes."""
    table = Table(title="upload sizes", title_justify="left")
    table.add_column("worker")
    for name in ("raw KiB", "gzip KiB", "of 3 MB", "of 10 MB"):
        table.add_column(name, justify="right")
    for size in sizes:
        shares = (f"{size.share_of(FREE_LIMIT_KIB):.0f} %", f"{size.share_of(PAID_LIMIT_KIB):.0f} %")
        table.add_row(size.worker, f"{size.raw_kib:.0f}", f"{size.gzip_kib:.0f}", *shares)
    Console().print(table)


def deploy(target: str) -> None:
    """Check, migrate and deploy, in order; it stops at the first failure."""
    refuse_placeholders(target)
    refuse_missing_secrets(target)
    vendor.vendor_all()
    say(f"deploy: migrating the D1 database of {target}")
    wrangler("router", "d1", "migrations", "apply", "DB", "--remote", "--env", target)
    for worker in DEPLOY_ORDER:
        say(f"deploy: {script_name(worker)}-{target}")
        say(wrangler(worker, "deploy", "--env", target))


def main() -> int:
    """Deploy, or show what would be deployed."""
    parser = argparse.ArgumentParser(prog="python -m tools.deploy", description=__doc__)
    parser.add_argument("--env", default=os.environ.get("ENV", ""), help="staging or production (default: $ENV)")
    dry = os.environ.get("DRY_RUN", "") not in ("", "0")
    parser.add_argument("--dry-run", action="store_true", default=dry, help="build and weigh only (default: $DRY_RUN)")
    arguments = parser.parse_args()
    target: str = arguments.env
    if target not in ENVIRONMENTS:
        raise ToolError(f"ENV is {target!r}; say ENV={' or ENV='.join(ENVIRONMENTS)}")
    Path(BUILD, "deploy").mkdir(parents=True, exist_ok=True)
    if not arguments.dry_run:
        deploy(target)
        return 0
    sizes = measure_all(target)
    print_sizes(sizes)
    heavy = [size.worker for size in sizes if size.gzip_kib > PAID_LIMIT_KIB]
    if heavy:
        raise ToolError(f"over 10 MB compressed, which Cloudflare refuses: {', '.join(heavy)}")
    return 0


if __name__ == "__main__":
    run_main(main)
