"""docs/desk.md names every event kind with its version, every gate's code and every table, and nothing else."""

from __future__ import annotations

import re

from shared.desk import events as ev
from shared.desk.registry import PROTECTIONS
from tests.unit.desk.bench import Bench
from tests.unit.desk.native_sql import ROOT

TEXT = (ROOT / "docs" / "desk.md").read_text()


def first_column(heading: str) -> set[str]:
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}


def test_every_event_is_documented_with_its_version() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", TEXT, re.M))
    assert documented == {kind: str(event.v) for kind, event in ev.KINDS.items()}


def test_every_gate_is_documented_and_no_other() -> None:
    source = "".join((ROOT / "shared" / "desk" / name).read_text() for name in ("gates.py", "trading.py", "terms.py"))
    codes = set(re.findall(r'Refusal\(\s*"(\w+)"', source)) | {"stop_absurd", "target_absurd", "live_gate"}
    codes |= {code for kind in PROTECTIONS.values() for code in kind.refusals}
    # why a trigger is not followed is no gate of an order
    codes -= {"stale_level", "not_crossed", "exit_rejected"}
    assert first_column("Gates") == codes


def test_every_table_is_documented_and_no_other() -> None:
    made = {name for (name,) in Bench().sql.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert first_column("Tables in the object") == {name for name in made if not name.startswith("sqlite_")}
