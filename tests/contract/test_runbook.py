"""Whatever can stop a desk has a row in the runbook, and nothing else has."""

from __future__ import annotations

import re

from shared.desk.registry import PROTECTIONS
from tests.contract import source

BY_THE_CORE = {"asked", "integrity", "unreconciled", "live_gate", "protections_unreadable"}
"""Codes of halts and reductions that no protection gives."""


def test_every_code_of_a_halt_or_a_reduction_is_in_the_runbook() -> None:
    text = (source.ROOT / "docs" / "operations.md").read_text()
    found = re.search(r"^## When a desk is reducing or halted\n(.*?)^## ", text, re.M | re.S)
    assert found
    rows = re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| [^|]+ \|$", found[1], re.M)
    assert len(rows) == len(set(rows))
    assert set(rows) == BY_THE_CORE | {code for each in PROTECTIONS.values() for code in each.findings}
