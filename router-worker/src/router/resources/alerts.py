"""What a person had to know, and whether it got there."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query
from starlette.responses import Response

from router.answers import answer, page
from router.auth import require_desk
from router.bodies import body_of
from router.idempotency import WON, Claim, fingerprint, once
from router.paging import PageQuery, cut, read_cursor
from router.resources.common import RequiredKey, TheCaller, ThePorts
from router.routes import Routes
from router.select import MINE, Select
from shared.alerts.bell import ring
from shared.alerts.config import ChannelName
from shared.alerts.rows import Filed, insert
from shared.apikey import ALL_DESKS, Role
from shared.clock import random_hex
from shared.config import DeskName
from shared.model import Model
from shared.model.alert import Alert, AlertCode, Severity

ROUTES = Routes()
TEST = "alert_test"

_ATTEMPTS = (
    "(SELECT json_group_array(json_object('channel', channel, 'at_ms', at_ms, 'ok', json(iif(ok, 'true', 'false')), "
    "'status', status, 'detail', detail)) FROM (SELECT * FROM alert_attempts WHERE alert_id = alerts.id ORDER BY rowid))"
)
_REPEATS = "(SELECT COUNT(*) FROM alerts AS again WHERE again.same_as = alerts.id)"
# put together by SQLite: one text a row crosses into Python instead of a dozen columns
_ITEM = (
    "json_set(body, '$.seq', seq, '$.state', state, '$.reason', reason, '$.same_as', same_as, '$.tries', tries, "
    f"'$.due_ms', due_ms, '$.repeats', {_REPEATS}, '$.attempts', json({_ATTEMPTS})) AS item"
)
_PAGE = f"SELECT at_ms, id, {_ITEM} FROM alerts"
_VISIBLE = f"(alerts.desk = '' OR {MINE.format(column='alerts.desk')})"


class AlertsQuery(PageQuery):
    """Which alerts."""

    desk: DeskName | None = None
    severity: Severity | None = None
    code: AlertCode | None = None
    state: Literal["pending", "delivered", "unreached", "suppressed", "recorded"] | None = None


class AlertTest(Model):
    """How grave it pretends to be, and the one channel to try; without one it goes where its severity goes."""

    severity: Severity = Severity.WARNING
    channel: ChannelName | None = None


@ROUTES.get("/v1/alerts")
async def list_alerts(caller: TheCaller, query: Annotated[AlertsQuery, Query()]) -> Response:
    """Alerts of the desks that the key may touch, and those of none, newest first, each with its attempts."""
    after = read_cursor(query.cursor, "alerts", (int, str))
    select = Select(_PAGE).where(_VISIBLE, caller.prefix)
    severity = query.severity.value if query.severity else None
    select.equals("desk", query.desk).equals("severity", severity)
    select.equals("code", query.code).equals("state", query.state)
    (rows,) = await caller.read(select.page(("at_ms", "id"), after, query.limit, newest_first=True))
    if query.desk is not None:
        require_desk(await caller.verified(), query.desk)
    found = cut(rows, query.limit, "alerts", lambda row: (row["at_ms"], row["id"]))
    return page((row["item"] for row in found.rows), found.next_cursor)


@ROUTES.post("/v1/alerts/test", Role.ADMIN, AlertTest, status=202)
async def send_test_alert(
    caller: TheCaller, ports: ThePorts, key: RequiredKey, order: Annotated[AlertTest, Depends(body_of(AlertTest))]
) -> Response:
    """Files a test alert and rings for its delivery: what became of it stands in the list."""
    require_desk(await caller.verified(), ALL_DESKS)
    now_ms = ports.clock.now_ms()
    alert_id = random_hex(16)
    alert = Alert(
        id=alert_id,
        desk="",
        severity=order.severity,
        code=TEST,
        dedupe_key=f"{TEST}:{alert_id}",
        title="this is a test",
        detail="Somebody asked for it over the API; there is nothing to do.",
        context={"requested_by": caller.prefix},
        at_ms=now_ms,
    )
    claim = Claim(caller.prefix, key, fingerprint("POST /v1/alerts/test", order), {"id": alert_id})
    filed = Filed(alert, channel=order.channel)
    outcome = await once(ports, claim, 202, insert([filed], WON, claim.won))
    kept = str(outcome.answer["id"])
    await ring(ports.jobs, kept, caller.prefix, now_ms)
    return answer({"id": kept}, 202)
