"""Deploy all workers to an environment: brain, desk, book, cron, router. Bindings point that way.

Before the first worker goes out, the strategies, the settings, the ids of real resources and every needed secret have to be
right, and D1 is migrated. With DRY_RUN=1 all of it is shown offline: the migrations are run in memory, what a real deploy would
refuse is warned of, each worker is built, nothing is sent, and the sizes are printed.
"""

import argparse
import json
import os
import re
import sqlite3
import subprocess
import tomllib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from shared.config import BookSettings, CronSettings, DeskSettings, RouterSettings, Settings
from shared.errors import Invalid
from tools import strategies, vendor
from tools.failure import ToolError, run_main, say
from tools.node import WRANGLER, environment, node
from tools.paths import BUILD, DEPLOY_ORDER, ROOT, WORKERS, script_name

ENVIRONMENTS: Final = ("staging", "production")
SECRETS: Final[dict[str, tuple[str, ...]]] = {"router": ("KEY_PEPPER",)}
"""The secrets that each worker cannot start without, whatever its settings; `secrets_for` adds what they call for."""

SETTINGS: Final[dict[str, type[Settings]]] = {
    "desk": DeskSettings,
    "book": BookSettings,
    "cron": CronSettings,
    "router": RouterSettings,
}
"""What each worker reads its text variables with; the brain has none."""

STAND_IN: Final = "stands-in-for-a-secret-that-only-cloudflare-has"
NO_WORKER: Final = re.compile(r'Worker ".*" .*not found|\[code: (?:10007|10090)\]')
"""How wrangler says that a worker has never been deployed."""

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


def config_of(worker: str) -> dict[str, Any]:
    """A worker's wrangler.toml."""
    return tomllib.loads((WORKERS[worker] / "wrangler.toml").read_text())


def config_name(worker: str) -> str:
    """Where a worker's wrangler.toml is, seen from the root."""
    return (WORKERS[worker] / "wrangler.toml").relative_to(ROOT).as_posix()


def placeholders(config: dict[str, Any], target: str) -> list[str]:
    """The bindings of an environment whose ids are still the zeros that the repository holds."""
    section = config["env"][target]
    ids = [(item["binding"], item["database_id"]) for item in section.get("d1_databases", [])]
    ids += [(item["binding"], item["id"]) for item in section.get("kv_namespaces", [])]
    return [binding for binding, value in ids if PLACEHOLDER.fullmatch(value)]


def settings(worker: str, target: str) -> Settings:
    """A worker's settings in an environment, as it would read them itself; ToolError when it would refuse them."""
    where = f"{config_name(worker)} [env.{target}.vars]"
    texts = config_of(worker)["env"][target].get("vars", {})
    for name, value in texts.items():
        if not isinstance(value, str):
            raise ToolError(f"{where}: {name}: {value!r} must be text, or the worker does not see it; put it in quotes")
    try:
        loaded = SETTINGS[worker].load(dict.fromkeys(SECRETS.get(worker, ()), STAND_IN) | texts)
    except Invalid as error:
        raise ToolError(f"{where}: {error.detail}: mend it; docs/settings.md has the rules") from None
    if target != loaded.ENVIRONMENT:
        raise ToolError(f'{where}: ENVIRONMENT: {loaded.ENVIRONMENT!r} must be that of its section; write "{target}"')
    return loaded


def secrets_for(target: str) -> dict[str, tuple[str, ...]]:
    """Worker -> the secrets that it needs with the settings of an environment."""
    found, cron = dict(SECRETS), cron_settings(target)
    if sandboxed(cron):
        found["desk"] = ("SANDBOX_KEY", "SANDBOX_SECRET")
    if cron.ALERTS.channels:
        found["cron"] = ("ALERT_SECRETS",)
    return found


def cron_settings(target: str) -> CronSettings:
    """Those that name the desks, the venues and the channels."""
    loaded = settings("cron", target)
    if not isinstance(loaded, CronSettings):
        raise TypeError(f"SETTINGS has {type(loaded).__name__} for cron")
    return loaded


def sandboxed(cron: CronSettings) -> list[str]:
    """The desks that trade with the account of the desk-worker's SANDBOX_* settings."""
    return [name for name, desk in cron.DESKS.items() if desk.trading.kind == "sandbox"]


def unready(target: str) -> list[str]:
    """What an environment still lacks, one sentence each with its remedy; ToolError when a setting is wrong."""
    lacks = []
    for worker in DEPLOY_ORDER:
        if names := placeholders(config_of(worker), target):
            lacks.append(
                f"{config_name(worker)}: the ids of {', '.join(names)} in [env.{target}] are placeholders: "
                "create the resources (`wrangler d1 create`, `wrangler kv namespace create`) and write their ids there"
            )
    for worker in SETTINGS:
        loaded = settings(worker, target)
        venues = loaded.VENUES if isinstance(loaded, CronSettings) and not loaded.REPLAY_URL else {}
        if names := [name for name, venue in venues.items() if venue.kind == "replay"]:
            lacks.append(
                f"{config_name(worker)}: REPLAY_URL in [env.{target}.vars] must be set, for VENUES has venues of "
                f"kind replay ({', '.join(names)}): write the base URL of the replay venue there"
            )
    desk, names = settings("desk", target), sandboxed(cron_settings(target))
    if names and isinstance(desk, DeskSettings) and not desk.SANDBOX_URL:
        lacks.append(
            f"{config_name('desk')}: SANDBOX_URL in [env.{target}.vars] must be set, for DESKS has desks with trading.kind "
            f"sandbox ({', '.join(names)}): write the base URL of their venue there"
        )
    return lacks


def refuse_unready(target: str) -> None:
    """Raise ToolError unless every id is a real one and every setting is there and right."""
    if lacks := unready(target):
        raise ToolError("\n".join([f"{target} is not ready to be deployed to:", *(f"  {line}" for line in lacks)]))


def put_secret(worker: str, name: str, target: str) -> str:
    """The command that gives a worker a secret; it makes the worker when there is none."""
    return f"npx wrangler secret put {name} --env {target} -c {config_name(worker)}"


def secrets_of(worker: str, target: str) -> set[str]:
    """The names of the secrets that a worker has been given; none when it was never deployed."""
    try:
        listed = json.loads(wrangler(worker, "secret", "list", "--format", "json", "--env", target))
    except ToolError as error:
        if NO_WORKER.search(str(error)):
            return set()
        raise
    return {item["name"] for item in listed}


def refuse_missing_secrets(target: str) -> None:
    """Raise ToolError unless every secret that a worker needs has been put."""
    for worker, names in secrets_for(target).items():
        for name in sorted(set(names) - secrets_of(worker, target)):
            raise ToolError(f"{worker} has no {name}: run `{put_secret(worker, name, target)}`")


def migrations(target: str) -> list[Path]:
    """The migrations of an environment's D1, in order."""
    databases = config_of("router")["env"][target]["d1_databases"]
    folder = ROOT / next(item["migrations_dir"] for item in databases if item["binding"] == "DB")
    return sorted(folder.glob("*.sql"))


def rehearse_migrations(paths: list[Path]) -> int:
    """Apply migrations to an empty database in memory; how many tables it has then, or ToolError if one fails."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA foreign_keys = ON")
        for path in paths:
            try:
                database.executescript(path.read_text())
            except sqlite3.Error as error:
                raise ToolError(f"{path.name} does not apply after those before it: {error}: mend it") from error
        (tables,) = database.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()
    return int(tables)


def rehearse(target: str) -> list[Size]:
    """Show every step of a deploy, offline; the sizes of what was built. ToolError for what is wrong wherever it goes."""
    strategies.refuse_broken()
    lacks, needed = unready(target), secrets_for(target)
    paths = migrations(target)
    tables = rehearse_migrations(paths)
    say(f"deploy: D1 of {target}: these migrations, but for those it has had; run in memory they make {tables} tables")
    for path in paths:
        say(f"  {path.name}")
    say(f"deploy: secrets that {target} must have been given")
    for worker in DEPLOY_ORDER:
        commands = [f"{name} (`{put_secret(worker, name, target)}`)" for name in needed.get(worker, ())]
        say(f"  {worker}: {', '.join(commands) or 'none'}")
    for line in lacks:
        say(f"warning: a real deploy would refuse: {line}")
    return measure_all(target)


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
    strategies.refuse_broken()
    refuse_unready(target)
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
    parser.add_argument(
        "--dry-run", action="store_true", default=dry, help="offline: show, build, weigh (default: $DRY_RUN)"
    )
    arguments = parser.parse_args()
    target: str = arguments.env
    if target not in ENVIRONMENTS:
        raise ToolError(f"ENV is {target!r}; say ENV={' or ENV='.join(ENVIRONMENTS)}")
    Path(BUILD, "deploy").mkdir(parents=True, exist_ok=True)
    if not arguments.dry_run:
        deploy(target)
        return 0
    sizes = rehearse(target)
    print_sizes(sizes)
    heavy = [size.worker for size in sizes if size.gzip_kib > PAID_LIMIT_KIB]
    if heavy:
        raise ToolError(f"over 10 MB compressed, which Cloudflare refuses: {', '.join(heavy)}")
    return 0


if __name__ == "__main__":
    run_main(main)
