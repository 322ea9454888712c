"""Whom an alert goes to, how many of them it has to reach, and when it is tried again."""

from __future__ import annotations

from typing import NamedTuple

from shared.alerts.config import NEEDED, AlertChannels
from shared.model.alert import Alert, Severity, plain
from shared.model.ids import digest

CHANNEL_FAILED = "alert_channel_failed"
MAX_TRIES = 8
_MINUTE_MS = 60_000
_LONGEST_MS = 15 * _MINUTE_MS


class Plan(NamedTuple):
    """`names` in the order of trying, of which `needed` have to be reached; `lacks` says why there are too few.

    `quiet`: nobody wants to hear of it, so that it is only recorded.
    """

    names: tuple[str, ...]
    needed: int
    lacks: str = ""
    quiet: bool = False


def plan(config: AlertChannels, alert: Alert, only: str | None = None) -> Plan:
    """`only`: the one channel that it is meant for. A channel is never told of its own failure, and every pager of the critical
    route of what is over."""
    if only is not None:
        known = ", ".join(sorted(config.channels)) or "none"
        return Plan((only,), 1) if only in config.channels else Plan((), 1, f"no channel {only!r}: ALERTS has {known}")
    names = config.routes.route(alert.severity)
    if alert.resolves:
        # whoever was paged by what is over now, whatever hears of the resume itself
        pagers = tuple(name for name in config.routes.critical if config.channels[name].kind == "pagerduty")
        others = tuple(name for name in names if name not in pagers)
        return Plan((*pagers, *others), len(pagers) + bool(others), quiet=not pagers and not others)
    quiet = not names and alert.severity is not Severity.CRITICAL
    if alert.code == CHANNEL_FAILED:
        names = tuple(name for name in names if name != alert.context.get("channel"))
    needed = NEEDED[alert.severity]
    lacks = f"ALERTS routes {alert.severity} to {len(names)} channels, it needs {needed}" if len(names) < needed else ""
    return Plan(names, needed, lacks, quiet)


def again_ms(tries: int) -> int | None:
    """How long after its try number `tries` (from 1) an alert is tried again; None when it has had enough."""
    return None if tries >= MAX_TRIES else min(_MINUTE_MS * 2 ** (tries - 1), _LONGEST_MS)


def channel_failed(channel: str, kind: str, why: str, repeat_s: int, now_ms: int) -> Alert:
    """That a channel failed: the same alert however often it does within `repeat_s`."""
    window = now_ms // max(repeat_s * 1000, 1)
    return Alert(
        id=digest(CHANNEL_FAILED, channel, window),
        desk="",
        severity=Severity.WARNING,
        code=CHANNEL_FAILED,
        dedupe_key=f"{CHANNEL_FAILED}:{channel}",
        title=f"alert channel {channel} failed",
        detail=plain(why, 500),
        context={"channel": channel, "kind": kind},
        at_ms=now_ms,
    )
