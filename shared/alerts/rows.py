"""Alerts as rows of D1: filed once, whoever files them and however often."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from shared.model.alert import Alert
from shared.ports import Statement, Value


class Filed(NamedTuple):
    """`seq`: of the desk's event that the alert says. `channel`: the only one that it is meant for."""

    alert: Alert
    seq: int | None = None
    channel: str | None = None


def insert(filed: Sequence[Filed], where: str = "true", params: tuple[Value, ...] = ()) -> list[Statement]:
    """One statement, due at once; none for no alert. `where` is a constant condition, `params` its parameters."""
    if not filed:
        return []
    rows = json.dumps([_row(each) for each in filed], separators=(",", ":"))
    sql = (
        "INSERT INTO alerts (id, desk, seq, severity, code, dedupe_key, channel, body, at_ms, due_ms)"
        " SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
        " json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),"
        " json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[8]'), 0"
        f" FROM json_each(?) WHERE {where} ON CONFLICT DO NOTHING"
    )
    return [Statement(sql, (rows, *params))]


def _row(filed: Filed) -> list[str | int | None]:
    alert = filed.alert
    about = [alert.id, alert.desk, filed.seq, alert.severity.value, alert.code, alert.dedupe_key]
    return [*about, filed.channel, alert.json_text(), alert.at_ms]
