"""Where the alerts of `make dev` go: two signed webhooks on this machine, which `make drill` answers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from tools.dev import credentials

CHANNELS = ("pager", "chat")
"""Two, since a critical alert has to reach two."""
REPEAT_S = 10
"""A second drill is news."""


def cron_vars(port: int) -> dict[str, str]:
    """`ALERTS` of cron-worker: critical ones go to both, the others are only recorded."""
    channels = {name: {"kind": "webhook", "url": f"http://127.0.0.1:{port}/{name}"} for name in CHANNELS}
    routes = {"critical": list(CHANNELS), "warning": [], "info": []}
    return {"ALERTS": json.dumps({"channels": channels, "routes": routes, "repeat_s": REPEAT_S})}


def cron_secrets(state_dir: Path) -> dict[str, str]:
    """`ALERT_SECRETS` of cron-worker."""
    secret = signing_secret(state_dir)
    return {"ALERT_SECRETS": json.dumps({name: {"signing_secret": secret} for name in CHANNELS})}


def signing_secret(state_dir: Path) -> str:
    """What both webhooks are signed with; made when there is none, and kept in STATE_DIR, mode 600."""
    return credentials.kept(
        state_dir / "alerts.json", "signing_secret", lambda: "whsec_" + base64.b64encode(os.urandom(32)).decode()
    )
