"""Job `alerts`: brings what is due to its channels. At least once: what died after sending is sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cron.context import Context, Done
from shared import log
from shared.alerts import rows
from shared.alerts.channel import Channel, ChannelUnavailable
from shared.alerts.plan import CHANNEL_FAILED, MAX_TRIES, Plan, again_ms, channel_failed, plan
from shared.errors import DeskError, Invalid, Refused, Retryable
from shared.market.retry import Backoff, retrying
from shared.model.alert import Alert, Severity, plain
from shared.ports import Statement

MAX_ALERTS = 100
BUDGET_MS = 60_000
"""No alert is begun later than this in a run: the rest is the next one's."""
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
BACKOFF = Backoff(attempts=3, base_s=0.5, cap_s=4.0, patience_s=5.0)
_log = log.get("cron.alerts")

_WANTED = "SELECT EXISTS (SELECT 1 FROM alerts WHERE due_ms <= ?) AS wanted"
_DUE = (
    "SELECT id, body, channel, tries, due_ms FROM alerts WHERE due_ms <= ?"
    " ORDER BY severity = 'critical' DESC, severity = 'warning' DESC, at_ms, id LIMIT ?"
)
_REACHED = (
    "SELECT DISTINCT alert_id, channel FROM alert_attempts WHERE ok = 1"
    " AND alert_id IN (SELECT id FROM alerts WHERE due_ms <= ?)"
)
_USE = (
    "SELECT channel, SUM(at_ms > ?) AS sent, MAX(rest_until_ms) AS rest_until_ms FROM alert_attempts"
    " WHERE at_ms > ? GROUP BY channel"
)
# the earlier one has been delivered, or is still being tried; one that nobody got does not silence the next
_SUPPRESS = (
    "UPDATE alerts SET state = 'suppressed', due_ms = NULL, same_as = earlier.id FROM (SELECT other.id FROM alerts"
    " AS this, alerts AS other WHERE this.id = ?1 AND other.dedupe_key = this.dedupe_key AND other.id <> this.id"
    " AND other.state <> 'suppressed' AND (other.state <> 'unreached' OR other.due_ms IS NOT NULL)"
    " AND other.at_ms > this.at_ms - ?2 AND (other.at_ms, other.id) < (this.at_ms, this.id)"
    " ORDER BY other.at_ms DESC, other.id DESC LIMIT 1) AS earlier WHERE alerts.id = ?1 AND alerts.state = 'pending'"
)
_CLAIM = (
    "UPDATE alerts SET tries = tries + 1, due_ms = ? WHERE id = ? AND due_ms = ? AND state IN ('pending', 'unreached')"
)
_SETTLE = "UPDATE alerts SET state = ?, reason = ?, due_ms = ?, tries = ? WHERE id = ?"
_ATTEMPT = (
    "INSERT INTO alert_attempts (alert_id, channel, at_ms, ok, status, detail, rest_until_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


async def wanted(context: Context) -> bool:
    """Whether anything is due; what a tick asks before it begins a run."""
    return bool((await context.ports.db.rows(_WANTED, context.ports.clock.now_ms()))[0]["wanted"])


async def run(context: Context) -> Done:
    """Critical ones first. A channel that failed is not asked again in the same run."""
    db, clock = context.ports.db, context.ports.clock
    began_ms = clock.now_ms()
    due, reached, use = await db.read(
        [
            Statement(_DUE, (began_ms, MAX_ALERTS)),
            Statement(_REACHED, (began_ms,)),
            Statement(_USE, (began_ms - MINUTE_MS, began_ms - HOUR_MS)),
        ]
    )
    delivery = _Delivery(context, {row["channel"]: row for row in use})
    for row in due:
        if clock.now_ms() - began_ms > BUDGET_MS:
            break
        had = [str(each["channel"]) for each in reached if each["alert_id"] == row["id"]]
        await delivery.deliver(row, had)
    return Done({"due": len(due), **delivery.counts}, tuple(f"{name}: {why}" for name, why in delivery.down.items()))


class _Tried(NamedTuple):
    """What became of one channel: `why` it was not reached; `wait`: only because it has had its share this minute."""

    why: str = ""
    wait: bool = False


class _Delivery:
    """One run. `down`: channels that failed in it, and why."""

    def __init__(self, context: Context, use: Mapping[str, Mapping[str, Any]]) -> None:
        self._context = context
        self._config = context.settings.ALERTS
        self._sent = {name: int(row["sent"] or 0) for name, row in use.items()}
        self._rest = {name: int(row["rest_until_ms"] or 0) for name, row in use.items()}
        self.down: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    async def deliver(self, row: Mapping[str, Any], reached: list[str]) -> None:
        """One alert, from the claim to its new state."""
        tries = int(row["tries"]) + 1
        if not await self._claim(row, tries):
            return
        if tries > MAX_TRIES:
            await self._settle(str(row["id"]), "unreached", "every run that tried to send it died", None, tries)
            return
        try:
            alert = Alert.parse(str(row["body"]))
        except Invalid as error:
            await self._settle(str(row["id"]), "unreached", f"cannot be read: {error.detail}", None, tries)
            return
        to = plan(self._config, alert, row["channel"])
        failed: list[str] = []
        for name in to.names:
            if len(reached) >= to.needed:
                break
            if name in reached:
                continue
            tried = await self._try(name, alert)
            if tried.wait:
                await self._settle(alert.id, "pending", tried.why, self._now_ms() + MINUTE_MS, tries - 1)
                return
            if tried.why:
                failed.append(f"{name}: {tried.why}")
            else:
                reached.append(name)
        await self._end(alert, to, reached, failed, tries)

    async def _claim(self, row: Mapping[str, Any], tries: int) -> bool:
        """Before anything is sent, so that an alert on which a run dies is the last of the next, not its first."""
        later_ms = self._now_ms() + (again_ms(tries) or HOUR_MS)
        suppressed, claimed = await self._context.ports.db.batch(
            [
                Statement(_SUPPRESS, (row["id"], self._config.repeat_s * 1000)),
                Statement(_CLAIM, (later_ms, row["id"], row["due_ms"])),
            ]
        )
        self._count("suppressed", suppressed)
        return claimed > 0

    async def _try(self, name: str, alert: Alert) -> _Tried:
        """One channel, with its own few tries; each try becomes a row of `alert_attempts`."""
        now_ms = self._now_ms()
        if name not in self.down and self._rest.get(name, 0) > now_ms:
            self.down[name] = f"asked to be left alone for {(self._rest[name] - now_ms) // 1000 + 1} s more"
        if name in self.down:
            await self._tell(name, alert)
            return _Tried(self.down[name])
        if (
            alert.severity is not Severity.CRITICAL
            and self._sent.get(name, 0) >= self._config.channels[name].per_minute
        ):
            return _Tried(f"{name} has had {self._config.channels[name].per_minute} a minute", wait=True)
        sending = _Sending(self._context, name, self._context.ports.channels[name], alert)
        why = await sending.run()
        self._sent[name] = self._sent.get(name, 0) + len(sending.attempts)
        self._count("attempts", len(sending.attempts))
        self._count("attempts_failed", len(sending.attempts) - (not why))
        await self._context.ports.db.batch(sending.attempts)
        if why:
            self.down[name] = why
            await self._tell(name, alert)
        return _Tried(why)

    async def _tell(self, name: str, alert: Alert) -> None:
        """A failure is an alert too, but never the failure to deliver just that one."""
        if alert.code != CHANNEL_FAILED:
            kind = self._config.channels[name].kind
            told = channel_failed(name, kind, self.down[name], self._config.repeat_s, self._now_ms())
            await self._context.ports.db.batch(rows.insert([rows.Filed(told)]))

    async def _end(self, alert: Alert, to: Plan, reached: list[str], failed: list[str], tries: int) -> None:
        if len(reached) >= to.needed:
            await self._settle(alert.id, "delivered", None, None, tries)
            return
        if to.quiet:
            await self._settle(alert.id, "recorded", None, None, tries)
            return
        wait_ms = again_ms(tries) if failed else None
        due_ms = None if wait_ms is None else self._now_ms() + wait_ms
        got = f"reached {len(reached)} of {to.needed}" + (f" ({', '.join(reached)})" if reached else "")
        reason = "; ".join([got, *([to.lacks] if to.lacks else []), *failed])
        about = {
            "alert": alert.id,
            "desk": alert.desk,
            "code": alert.code,
            "detail": reason,
            "again": due_ms is not None,
        }
        if alert.severity is Severity.CRITICAL:
            _log.error("alert_unreached", extra=about)
        else:
            _log.warning("alert_unreached", extra=about)
        await self._settle(alert.id, "unreached", reason, due_ms, tries)

    async def _settle(self, alert_id: str, state: str, reason: str | None, due_ms: int | None, tries: int) -> None:
        self._count(state, 1)
        shown = None if reason is None else plain(reason, 2000)
        await self._context.ports.db.batch([Statement(_SETTLE, (state, shown, due_ms, tries, alert_id))])

    def _now_ms(self) -> int:
        return self._context.ports.clock.now_ms()

    def _count(self, name: str, by: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + by


class _Sending:
    """One alert to one channel. `attempts`: the statements that record what was tried."""

    def __init__(self, context: Context, name: str, channel: Channel, alert: Alert) -> None:
        self._context = context
        self._name = name
        self._channel = channel
        self._alert = alert
        self.attempts: list[Statement] = []

    async def run(self) -> str:
        """Empty when it was sent; else why not."""
        ports = self._context.ports
        try:
            await retrying(self._once, BACKOFF, ports.waits, ports.jitter)
        except (Retryable, Refused) as error:
            return f"{error.error_code}: {error.detail}"
        return ""

    async def _once(self) -> None:
        try:
            status = await self._channel.send(self._alert)
        except (Retryable, Refused) as error:
            self._record(False, error.context.get("http"), f"{error.error_code}: {error.detail}", _rest_s(error))
            raise
        self._record(True, status, "", None)

    def _record(self, ok: bool, status: int | None, detail: str, rest_s: float | None) -> None:
        now_ms = self._context.ports.clock.now_ms()
        rest_until_ms = None if rest_s is None else now_ms + int(rest_s * 1000)
        row = (self._alert.id, self._name, now_ms, int(ok), status, plain(detail, 500), rest_until_ms)
        self.attempts.append(Statement(_ATTEMPT, row))


def _rest_s(error: DeskError) -> float | None:
    return error.retry_after_s if isinstance(error, ChannelUnavailable) else None
