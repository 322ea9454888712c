"""What a person has to know, and how soon."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.model.base import Model
from shared.model.ids import HexId

MAX_TITLE = 200
MAX_DETAIL = 4000
MAX_KEY = 200
MAX_CONTEXT = 32
MAX_VALUE = 400
MAX_RESOLVES = 20


class Severity(StrEnum):
    """`info` may be read later, `warning` today, `critical` now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


AlertCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
AlertDesk = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9-]{0,31})?$")]
_Line = r"^[^\x00-\x1f\x7f]*$"
_Key = Annotated[str, StringConstraints(min_length=1, max_length=MAX_KEY, pattern=_Line)]
_Value = Annotated[str, StringConstraints(max_length=MAX_VALUE)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Alert(Model):
    """`desk` is empty where it is about none. Alerts with one `dedupe_key` say the same thing again; `resolves` are the keys
    of earlier ones that are over with this."""

    id: HexId
    desk: AlertDesk
    severity: Severity
    code: AlertCode
    dedupe_key: _Key
    title: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE, pattern=_Line)]
    detail: Annotated[str, StringConstraints(max_length=MAX_DETAIL)] = ""
    context: dict[_Name, _Value | int] = Field(default_factory=dict, max_length=MAX_CONTEXT)
    at_ms: int = Field(ge=0)
    resolves: tuple[_Key, ...] = Field(default=(), max_length=MAX_RESOLVES, exclude_if=lambda keys: not keys)


def plain(text: str, limit: int) -> str:
    """`text` on one line, without control characters and lone surrogates, at most `limit` characters long."""
    shown = "".join(" " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in text[: 4 * limit])
    shown = " ".join(shown.encode("utf-8", "replace").decode().split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
