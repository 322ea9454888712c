"""What the brain's policy leaves to a person: an alert for each, filed with the signal that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.alerts import rows
from shared.model.alert import Alert, Severity, plain
from shared.model.ids import digest
from shared.ports import Statement

CODE = "brain_asks"
ASK = "ask:"


def questions(desk: str, refused: Iterable[Mapping[str, Any]], now_ms: int) -> list[Statement]:
    """For the batch that stores the scan. The same question is filed once, however often it is scanned."""
    filed = [rows.Filed(_alert(desk, each, now_ms)) for each in refused if str(each["code"]).startswith(ASK)]
    return rows.insert(filed)


def _alert(desk: str, asked: Mapping[str, Any], now_ms: int) -> Alert:
    symbol, strategy, close_ms = str(asked["symbol"]), str(asked["strategy"]), int(asked["bar_close_ms"])
    reason = str(asked["code"]).removeprefix(ASK)
    return Alert(
        id=digest(CODE, desk, strategy, symbol, close_ms),
        desk=desk,
        severity=Severity.WARNING,
        code=CODE,
        dedupe_key=f"{desk}:{CODE}:{symbol}",
        title=plain(f"{desk}: {strategy} would enter {symbol}; the policy asks ({reason})", 200),
        detail="Nothing was ordered. Whoever wants it places the order by hand.",
        context={"symbol": symbol, "strategy": strategy, "reason": reason, "bar_close_ms": close_ms},
        at_ms=now_ms,
    )
