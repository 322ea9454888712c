"""Kill the workers again and again while desks trade at venues that misbehave, and judge them by what the venues saw.

Several desks run in one workerd, each with a sandbox of its own over HTTP. SIGKILL strikes under load, at random and at the most
delicate moments; after each start the desks have to come to rest, and the rules of docs/reliability.md are checked against the
sandboxes' journals. The seed fixes what is asked and when it is killed, but not how threads and processes interleave. At a
broken rule the run ends with code 1; what was stored is kept, and its folder is named.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.chaos.campaign import Plan, campaign
from tests.chaos.moments import TEXTS
from tests.chaos.tally import Tally
from tools.failure import ToolError, run_main, say
from tools.paths import BUILD

REPORT = BUILD / "chaos.json"


def with_bar(folder: Path, plan: Plan) -> Tally:
    """Runs the campaign with a bar that says what has been seen so far."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[seen]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("killing", total=plan.kills, seen="")

        def tell(tally: Tally) -> None:
            asked = sum(tally.asked.values())
            seen = f"{asked:,} requests, {tally.checks} checks, start {tally.starts_s[-1]:.1f} s"
            bar.update(task, completed=tally.kills, seen=seen)

        return campaign(folder, plan, tell)


def table(title: str, rows: dict[str, object]) -> Table:
    """Two columns, as they come."""
    found = Table(title=title, title_justify="left", show_header=False)
    found.add_column()
    found.add_column(justify="right")
    for name, value in rows.items():
        found.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    return found


def show(tally: Tally) -> None:
    """Everything that was counted."""
    told = tally.wire()
    console = Console()
    kills: dict[str, object] = {TEXTS[name]: count for name, count in tally.moments.most_common()}
    console.print(table("kills", kills | {"(of these, with D1 locked)": tally.locked}))
    console.print(table("seen by the sandboxes and the desks", told["counts"]))
    console.print(table("faults of the venues", dict(tally.faults.most_common())))
    times = {"start": told["start_s"], "until at rest": told["settle_s"]}
    console.print(table("seconds", {f"{what}, {which}": s for what, by in times.items() for which, s in by.items()}))
    for line in tally.trouble[:5]:
        say(f"trouble: {line}")
    for wrong in tally.wrongs[:20]:
        say(f"BROKEN {wrong}")
    say(f"{tally.kills} kills, {tally.checks} checks, {len(tally.wrongs)} rules broken; all numbers: {REPORT}")


def number(name: str, default: int, least: int) -> int:
    """A whole number from the environment."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise ToolError(f"{name}: {text!r} must be a whole number of at least {least}")
    return int(text)


def main() -> int:
    """Run one campaign."""
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=number("KILLS", 200, 1), help="how many (KILLS; default 200)")
    parser.add_argument(
        "--seed", type=int, default=number("SEED", 1, 0), help="what is asked, and when (SEED; default 1)"
    )
    parser.add_argument("--desks", type=int, default=number("DESKS", 3, 1), help="at once (DESKS; default 3)")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="edgedesk-chaos-"))
    tally = with_bar(folder, Plan(asked.kills, asked.seed, asked.desks))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(tally.wire(), indent=2) + "\n")
    show(tally)
    if tally.wrongs:
        say(f"seed {asked.seed}; what was stored, and the sandboxes' journals: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    run_main(main)
