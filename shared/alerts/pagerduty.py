"""PagerDuty: Events API v2. The dedupe key makes alerts that say the same thing one incident."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import SecretStr

from shared.alerts.config import PagerDutyConfig, RoutingKeySecret
from shared.alerts.http import Post
from shared.alerts.mask import Mask
from shared.alerts.text import fit, headline, iso
from shared.model.alert import Alert

MAX_SUMMARY = 1024


class PagerDuty:
    """One service."""

    def __init__(self, config: PagerDutyConfig, secret: RoutingKeySecret, client: httpx.AsyncClient) -> None:
        self._config = config
        self._key: SecretStr = secret.routing_key
        self._post = Post(client, Mask([secret.routing_key.get_secret_value()]))

    async def send(self, alert: Alert) -> int:
        """Triggers an incident, or resolves those that are over with this; only 202 is a yes."""
        for key in alert.resolves:
            status = await self._enqueue({"event_action": "resolve", "dedup_key": key})
        return status if alert.resolves else await self._enqueue(self._trigger(alert))

    def _trigger(self, alert: Alert) -> dict[str, Any]:
        return {
            "event_action": "trigger",
            "dedup_key": alert.dedupe_key,
            "client": "edgedesk",
            "payload": {
                "summary": fit(headline(alert), MAX_SUMMARY),
                "source": self._config.source,
                "severity": alert.severity.value,
                "timestamp": iso(alert.at_ms),
                "component": alert.desk or "edgedesk",
                "class": alert.code,
                "custom_details": {**alert.context, "detail": alert.detail, "id": alert.id},
            },
        }

    async def _enqueue(self, event: dict[str, Any]) -> int:
        whole = {"routing_key": self._key.get_secret_value(), **event}
        return (await self._post(self._config.api_url, (202,), json=whole)).status
