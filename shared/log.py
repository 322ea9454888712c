"""Structured logs: one JSON object a line, with secrets taken out."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

_SECRET = re.compile(r"(edk_[A-Za-z0-9]{4,12})_[A-Za-z0-9_-]+|(?i:bearer)\s+[A-Za-z0-9._~+/=-]+")
_SECRET_URL = re.compile(
    r"(?i)(api\.telegram\.org/bot|hooks\.slack\.com/|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/)[^\s\"'\\<>]+"
)
"""Addresses that are secrets by themselves; whoever has them can post."""
_HIDDEN_NAMES = (
    "secret",
    "pepper",
    "auth",
    "token",
    "password",
    "passwd",
    "credential",
    "signature",
    "apikey",
    "privatekey",
    "routingkey",
    "sandboxkey",
)
_NO_NAMES = frozenset({"[key]", "int", "float", "str", "bool"})
"""What pydantic may write after the name in a path, as it does a place in a list."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(text: str) -> str:
    """`text` without API keys, bearer tokens and addresses that are secrets; a key's public prefix stays."""
    text = _SECRET_URL.sub(r"\1***", text)
    return _SECRET.sub(lambda found: f"{found[1]}_***" if found[1] else "Bearer ***", text)


def is_secret(name: str) -> bool:
    """Whether what is named like that is not to be shown: of a path, its last name counts, however it is written."""
    parts = name.split(".")
    while len(parts) > 1 and (parts[-1].isdigit() or parts[-1] in _NO_NAMES):
        parts.pop()
    plain = parts[-1].lower().replace("-", "").replace("_", "")
    return any(word in plain for word in _HIDDEN_NAMES)


def _masked(name: str, value: Any) -> Any:
    if is_secret(name):
        return "***"
    if isinstance(value, Mapping):
        return {str(key): _masked(str(key), each) for key, each in value.items()}
    return [_masked(name, each) for each in value] if isinstance(value, list | tuple) else value


class JsonFormatter(logging.Formatter):
    """`log.info("order_sent", extra={"desk": …})` becomes `{"level": …, "event": "order_sent", "desk": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        body: dict[str, Any] = {"level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()}
        for name, value in vars(record).items():
            if name not in _STANDARD and not name.startswith("_"):
                body[name] = _masked(name, value)
        if record.exc_info:
            body["traceback"] = self.formatException(record.exc_info)
        return redact(json.dumps(body, default=str, separators=(",", ":")))


def setup(level: str) -> None:
    """Send every record to the runtime's log as JSON; called once, by a worker's entry.

    The runtime shows what comes by stderr as an error, so only warnings and worse go there.
    """
    calm, grave = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    calm.addFilter(lambda record: record.levelno < logging.WARNING)
    grave.setLevel(logging.WARNING)
    for handler in (calm, grave):
        handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [calm, grave]
    root.setLevel(level)
    # a line for every call to a venue says nothing that the job's own counts do not
    logging.getLogger("httpx").setLevel(logging.WARNING)


def get(name: str) -> logging.Logger:
    return logging.getLogger(f"edgedesk.{name}")
