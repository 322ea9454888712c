"""docs/decisions.md and the models say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from brain.decisions.evidence import Event, RegimeFound
from shared.model import Outcome, decision

pytestmark = pytest.mark.native
DOC = Path(__file__).parents[4] / "docs" / "decisions.md"


def section(title: str) -> list[list[str]]:
    """The cells of the rows of its table that begin with a code."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", DOC.read_text(encoding="utf-8"), re.M | re.S)
    assert found
    rows = [line for line in found[1].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Name -> the default as the document writes it, of numbers and choices."""
    found = {}
    for name, field in model.model_fields.items():
        default = field.default
        found[prefix + name] = "–" if field.is_required() else str(default)
    return found


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Score", fields(decision.ScoreConfig)),
        ("Bias", {**fields(decision.BiasConfig), **fields(decision.FrameBias, "frame.")}),
        ("Committee", {**fields(decision.CommitteeConfig), **fields(decision.LearningConfig, "learning.")}),
        ("Policy", fields(decision.PolicyRow)),
    ],
)
def test_every_setting_of_a_stage_is_documented_with_its_default(title: str, wanted: dict[str, str]) -> None:
    words = {"none": "None", "any": "None"}
    found = {row[0].strip("`"): row[1].strip("`") for row in section(title)}
    assert found.keys() == wanted.keys()
    for name, default in found.items():
        if name not in ("regimes", "numbers"):
            assert words.get(default, default) == wanted[name], name


def test_every_setting_of_a_size_is_documented_with_its_default() -> None:
    kinds = {"fixed": decision.FixedSize, "volatility": decision.VolatilitySize, "kelly": decision.KellySize}
    wanted = {(kind, *each) for kind, model in kinds.items() for each in fields(model).items() if each[0] != "kind"}
    assert {tuple(cell.strip("`") for cell in row[:3]) for row in section("Sizing")} == wanted


def test_every_field_of_the_evidence_is_documented() -> None:
    kinds = {"events": Event, "outcomes": Outcome, "regimes": RegimeFound}
    rows = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in section("Evidence")}
    assert rows == {kind: set(model.model_fields) for kind, model in kinds.items()}


def test_the_example_is_one() -> None:
    [example] = re.findall(r"```json\n(.*?)```", DOC.read_text(encoding="utf-8"), re.S)
    assert decision.DecisionConfig.parse(example).wire().keys() == json.loads(example).keys()
