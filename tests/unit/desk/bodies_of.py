"""Events as they stand in the log, and what every one of them has to keep."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from shared.desk import events as ev
from shared.errors import Halt
from shared.model import Fill, Level, Model, Order

Row = tuple[dict[str, Any], dict[str, Any]]
"""What a body must hold, and what the rest is where a body, such as an older one, does not name it."""
VERSIONS = {"order_filled": 3}
"""Of those whose fields were changed since the first release; all others are still the first."""
ID = "a" * 32
OTHER = "b" * 32
NAME = "us:AAA"
BY = {"by": "edk_1", "reason": "seen"}
FILL = {"fill_id": "f1", "client_id": ID, "instrument": NAME, "side": "buy", "qty": "1", "price": "100"}
FILL |= {"fee": {"amount": "0.1", "asset": "USD"}, "ts_ms": 3}  # type: ignore[dict-item]
_WHOLE: dict[str, type[Model]] = {"order": Order, "fill": Fill, "level": Level}


def kinds_of(module: ModuleType) -> set[str]:
    """Of the events that the module itself declares."""
    return {
        each.kind for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__
    }


def reads_as_it_is(kind: str, row: Row) -> None:
    """A body reads as what it says, and the rest as what it was before there was such a field."""
    must, rest = row
    for v in range(1, VERSIONS.get(kind, 1) + 1):
        _reads(kind, v, must, rest)


def _reads(kind: str, v: int, must: dict[str, Any], rest: dict[str, Any]) -> None:
    event = ev.read(kind, v, json.dumps(must))
    assert type(event) is ev.KINDS[kind]
    assert (event.kind, event.v) == (kind, VERSIONS.get(kind, 1))
    said = {k: _WHOLE[k].parse(json.dumps(v)).wire() if k in _WHOLE else v for k, v in must.items()}
    assert event.wire() == {**said, **rest}
    assert ev.read(kind, event.v, event.json_text()) == event


def refuses_another(kind: str, row: Row) -> None:
    """A body that lacks or adds something is not read."""
    must, _ = row
    broken = [{k: v for k, v in must.items() if k != name} for name in must]
    for body in [*broken, {**must, "surprise": 1}]:
        with pytest.raises(Halt) as caught:
            ev.read(kind, VERSIONS.get(kind, 1), json.dumps(body))
        known = {"kind": kind, "v": VERSIONS.get(kind, 1)}
        assert (caught.value.error_code, caught.value.context) == ("log_unreadable", known)
