"""docs/venues.md speaks of every endpoint, fault, word and setting of the sandbox, and of no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from tests.sandbox import control, exchange, faults
from tests.sandbox.setup import Setup

PAGE = (Path(__file__).parents[3] / "docs" / "venues.md").read_text()


def section(title: str) -> str:
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    assert found, title
    return found[1]


def first_cells(text: str) -> set[str]:
    return {name for row in re.findall(r"^\| (`[^|]*) \|", text, re.M) for name in re.findall(r"`([a-z_]+)`", row)}


def test_every_endpoint_is_told_and_no_other() -> None:
    assert first_cells(section("The wire")) == set(exchange.ENDPOINTS.values())
    for method, path in exchange.ENDPOINTS:
        assert f"`{'WS' if path == '/v1/updates' else method} {path}" in PAGE


def test_every_fault_is_told_and_no_other() -> None:
    assert first_cells(section("Faults")) == set(get_args(faults.Kind))


def test_every_word_of_the_control_is_told() -> None:
    told = set(re.findall(r"`([a-z_]+)`", section("The control")))
    assert {*control.WORDS, "reset"} <= told


def test_every_setting_is_told() -> None:
    told = set(re.findall(r"`([a-z_]+)`", section("The sandbox")))
    assert set(Setup.model_fields) <= told
