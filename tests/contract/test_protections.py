"""docs/protections.md says of every protection what the code says: what it calls for, its settings, their bounds, its codes."""

from __future__ import annotations

import json
import re
from typing import Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shared.desk.protection import Breaker, Protection
from shared.desk.protections.exposure import Group
from shared.desk.protections.trading_hours import Window
from shared.desk.registry import PROTECTIONS
from shared.model import Model
from tests.contract import source

TEXT = (source.ROOT / "docs" / "protections.md").read_text()
DESK = (source.ROOT / "docs" / "desk.md").read_text()
API = (source.ROOT / "docs" / "api.md").read_text()


def rows(heading: str) -> list[tuple[str, ...]]:
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def codes(names: tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names) or "–"


def summary(name: str, kind: type[Protection]) -> tuple[str, ...]:
    """Name, on when, codes of refusals, codes of reductions and halts, what it calls for by default, clock."""
    field = kind.model_fields.get("calls_for")
    called = "refuse" if field is None else str(field.default)
    if name == "dead_man":
        called = "reducing, then halted"
    return (
        f"`{name}`",
        "always" if kind.always else "when named",
        codes(kind.refusals),
        codes(kind.findings),
        called if field is None else f"**{called}**",
        "–"
        if "no windows, so no clock" in " ".join((kind.__doc__ or "").split()).replace("No windows", "no windows")
        else kind.clock.value,
    )


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "–"
    value: Any = field.get_default(call_default_factory=True) if field.default is PydanticUndefined else field.default
    if isinstance(value, tuple):
        return "all"
    plain = value if value is None or isinstance(value, bool | int | str | dict) else str(value)
    return f"`{json.dumps(plain)}`"


def bounds(field: FieldInfo) -> str:
    words = []
    for each in field.metadata:
        if isinstance(each, Ge | Gt | Le | Lt):
            value = next(getattr(each, side) for side in ("ge", "gt", "le", "lt") if hasattr(each, side))
            words.append(f"{ {Ge: '≥', Gt: '>', Le: '≤', Lt: '<'}[type(each)] } {value}")
        elif isinstance(each, MinLen):
            words.append(f"at least {each.min_length}")
        elif isinstance(each, MaxLen):
            words.append(f"at most {each.max_length}")
    return ", ".join(words) or "–"


def settings(prefix: str, kind: type[Model]) -> list[tuple[str, str, str]]:
    return [
        (f"`{prefix}.{field.alias or name}`", default(field), bounds(field))
        for name, field in kind.model_fields.items()
    ]


def every_setting() -> list[tuple[str, str, str]]:
    found = [row for name, kind in PROTECTIONS.items() for row in settings(name, kind)]
    return [*found, *settings("exposure.groups.<name>", Group), *settings("trading_hours.windows[]", Window)]


def test_every_protection_is_documented_as_it_is_and_no_other() -> None:
    documented = [row[:6] for row in rows("The protections")]
    assert documented == [summary(name, kind) for name, kind in PROTECTIONS.items()]


def test_every_setting_is_documented_with_its_default_and_bounds() -> None:
    assert [row[:3] for row in rows("Settings")] == every_setting()


def test_every_docstring_tells_idea_units_and_source() -> None:
    for name, kind in PROTECTIONS.items():
        text = kind.__doc__ or ""
        for word in ("Idea:", "Units:", "Source:"):
            assert word in text, f"{name} lacks {word}"
        assert re.search(r"market time|wall time|no windows", text, re.I), f"{name} does not name its clock"


def test_every_code_stands_in_the_tables_of_codes() -> None:
    for name, kind in PROTECTIONS.items():
        for code in {*kind.refusals, *kind.findings}:
            assert f"| `{code}` |" in API, f"{code} of {name} is not in docs/api.md"
        for code in kind.refusals:
            assert f"`{code}`" in DESK.split("## Gates", 1)[1].split("\n## ", 1)[0], f"{code} of {name}"


def test_the_code_gives_no_code_that_it_does_not_declare() -> None:
    for name, kind in PROTECTIONS.items():
        text = (source.ROOT / "shared" / "desk" / "protections" / f"{name}.py").read_text()
        refused = set(re.findall(r'Refusal\(\s*"(\w+)"', text)) | set(
            re.findall(r'_(?:above|one_too_many)\(\s*"(\w+)"', text)
        )
        found = set(re.findall(r'Finding\(\s*code="(\w+)"', text))
        assert refused <= set(kind.refusals), name
        assert found <= set(kind.findings), name
        if not issubclass(kind, Breaker):
            assert refused == set(kind.refusals), name
