"""An alert in words, as long as a channel takes them and escaped as it needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from shared.model.alert import Alert

ELLIPSIS = "…"


def headline(alert: Alert) -> str:
    """`CRITICAL stocks: halted by risk`."""
    where = f" {alert.desk}" if alert.desk else ""
    return f"{alert.severity.value.upper()}{where}: {alert.title}"


def details(alert: Alert) -> str:
    """What stands below the headline."""
    lines = [alert.detail] if alert.detail else []
    lines += [f"{name}: {value}" for name, value in alert.context.items()]
    return "\n".join([*lines, f"{alert.code} at {iso(alert.at_ms)} ({alert.id})"])


def iso(at_ms: int) -> str:
    """Wall time as text, UTC, to the millisecond."""
    # beyond what a date can say the number itself is shown
    if at_ms > 253_402_300_799_999:
        return f"{at_ms} ms"
    whole = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{at_ms % 1000:03d}Z"


def units(text: str) -> int:
    """UTF-16 units: what services count, or more than they count."""
    return len(text) + sum(each > "\uffff" for each in text)


def fit(text: str, limit: int, escape: Callable[[str], str] = str) -> str:
    """`text` escaped character by character, cut with an ellipsis where that is more than `limit` units."""
    parts: list[str] = []
    size, kept, kept_size = 0, 0, 0
    for each in text:
        part = escape(each)
        size += units(part)
        if size > limit:
            return "".join(parts[:kept]) + (ELLIPSIS if kept_size < limit else "")
        parts.append(part)
        if size < limit:
            kept, kept_size = len(parts), size
    return "".join(parts)


def message(alert: Alert, limit: int, escape: Callable[[str], str] = str) -> str:
    """Headline and details, escaped, within `limit` units."""
    return fit(f"{headline(alert)}\n{details(alert)}", limit, escape)
