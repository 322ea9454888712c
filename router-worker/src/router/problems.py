"""Every error as RFC 9457 problem+json, made in one place: type, title, status, detail, code, request_id, errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from shared.errors import MAX_SHOWN, DeskError, Invalid, RateLimited, Refused, Retryable, Unauthorized, short
from shared.log import is_secret, redact
from shared.model.base import refusal

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
MAX_FIELD = 120
MAX_RULE = 300
MAX_DETAIL = 1000
RETRY_AFTER_S = 1
RATE_PERIOD_S = 10

BY_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
}
INTERNAL = "internal"


class MalformedJson(Refused):
    """The body is not JSON, or names a field twice."""

    code = "malformed_json"
    status = 400


class UnsupportedMediaType(Refused):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415


class HaltIncomplete(Retryable):
    """Some desks did not confirm that they stopped; `results` says which."""

    code = "halt_incomplete"

    def __init__(self, detail: str, results: list[dict[str, Any]]) -> None:
        super().__init__(detail)
        self.results = results


class MisconfiguredError(DeskError):
    """The settings were refused at the start; the log says why."""

    code = "misconfigured"


def field_errors(found: Iterable[Mapping[str, Any]], skip: int = 0) -> list[dict[str, str]]:
    """pydantic's findings as `errors[]` tells them; the first `skip` parts of a location are left out."""
    each = ({**one, "loc": one["loc"][skip:]} for one in list(found)[:MAX_ERRORS])
    return [_told(refusal(one, "body")) for one in each]


def _told(error: Invalid) -> dict[str, str]:
    """One of `errors[]`. The value is empty where none is known, and where it is or may be a secret."""
    about = {name: str(value) for name, value in error.context.items()}
    found = {
        "field": _short(about["field"], MAX_FIELD),
        "value": "" if is_secret(about["field"]) else _short(about.get("value", ""), MAX_SHOWN),
        "rule": _short(about.get("rule", error.detail), MAX_RULE),
    }
    return found | ({"remedy": _short(about["remedy"], MAX_RULE)} if about.get("remedy") else {})


def _short(text: str, most: int) -> str:
    # redacted first: of a secret that is cut there may be too little left to be known as one
    return short(redact(text), most)


class InvalidFields(Invalid):
    """One or more fields break a rule."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        first = errors[0]
        said = [f"{first['field']}:", repr(first["value"]) if first["value"] else "", first["rule"]]
        remedy = f"; {first['remedy']}" if "remedy" in first else ""
        super().__init__(" ".join(filter(None, said)) + remedy)
        self.errors = errors


class Problem:
    """What is answered instead of a result."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def body(self, request_id: str) -> bytes:
        """The document."""
        document = {
            "type": f"urn:edgedesk:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            **self.more,
        }
        return json.dumps(document, separators=(",", ":"), default=str).encode()


def problem_of(error: Exception) -> Problem:
    """The answer to any failure; what is not expected says nothing of its inside."""
    if isinstance(error, RequestValidationError):
        error = InvalidFields(field_errors(error.errors(), skip=1))
    if isinstance(error, HTTPException):
        code = BY_STATUS.get(error.status_code, "bad_request")
        return Problem(error.status_code, code, HTTPStatus(error.status_code).phrase.lower(), error.headers)
    if isinstance(error, DeskError):
        return _of_desk_error(error)
    return Problem(500, INTERNAL, "something broke inside; the log has it under this request id")


def _of_desk_error(error: DeskError) -> Problem:
    headers = {}
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(RATE_PERIOD_S)
    if isinstance(error, Retryable):
        wait_s = getattr(error, "retry_after_s", None)
        headers["retry-after"] = str(max(1, round(wait_s)) if wait_s else RETRY_AFTER_S)
    more: dict[str, Any] = {}
    if isinstance(error, InvalidFields):
        more["errors"] = error.errors
    elif isinstance(error, Invalid) and "field" in error.context:
        more["errors"] = [_told(error)]
    if isinstance(error, HaltIncomplete):
        more["items"] = error.results
    # what was sent comes back in it; that of a missing key shows how one is sent
    detail = error.detail if isinstance(error, Unauthorized) else _short(error.detail, MAX_DETAIL)
    return Problem(error.status, error.error_code, detail, headers, **more)
