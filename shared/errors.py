"""One error tree; each class says what the desk does about it.

    DeskError
    ├── Retryable            tried again, with backoff
    │   ├── VenueUnavailable     the venue timed out, answered 429 or 5xx, or sent what cannot be read
    │   └── StorageUnavailable   D1, R2, KV or an object did not answer
    ├── Refused              answered to the caller; nothing was changed
    │   ├── Invalid              a field breaks a rule
    │   ├── NotFound             the thing named is not there
    │   ├── Unauthorized         no key, or one that is not known
    │   ├── Forbidden            the key may not do this
    │   ├── Conflict             the same id or idempotency key with another content, or a lost compare-and-set
    │   ├── TooLarge             a body or a page over its limit
    │   └── RateLimited          too many requests
    └── Halt                 the desk stops trading

A stable `code` travels with each; `docs/api.md` lists them all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from shared.log import is_secret

HIDDEN = "***"
"""Stands for a value that is not shown."""
MAX_SHOWN = 80


def shown(value: object) -> str:
    """What was given, as text that is short enough to be told."""
    return short(value if isinstance(value, str) else repr(value), MAX_SHOWN)


def short(text: str, most: int) -> str:
    """At most that many characters of it."""
    return text if len(text) <= most else text[: most - 3] + "..."


class DeskError(Exception):
    """Base of every expected failure: a stable `code`, a sentence, and what is needed to mend it."""

    code: ClassVar[str] = "desk_error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, code: str | None = None, **context: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.error_code = code or self.code
        self.context = context

    def wire(self) -> dict[str, Any]:
        """The failure as a value that can cross between workers: `{code, detail, status, class, context}`."""
        return {
            "class": type(self).__name__,
            "code": self.error_code,
            "status": self.status,
            "detail": self.detail,
            "context": {
                name: value if isinstance(value, int | bool) else str(value) for name, value in self.context.items()
            },
        }


class Retryable(DeskError):
    code = "try_again"
    status = 503


class VenueUnavailable(Retryable):
    code = "venue_unavailable"

    def __init__(self, detail: str, *, retry_after_s: float | None = None, **context: Any) -> None:
        super().__init__(detail, **context)
        self.retry_after_s = retry_after_s


class StorageUnavailable(Retryable):
    code = "storage_unavailable"


class Refused(DeskError):
    code = "refused"
    status = 422


class Invalid(Refused):
    """A field breaks a rule: `Invalid.field("qty", "-1", "must be positive", "give a quantity above 0")`."""

    code = "invalid"

    @classmethod
    def field(cls, name: str, value: object, rule: str, remedy: str = "") -> Invalid:
        """`context` tells them one by one: `field`, `rule`, `value` where it may be shown, `remedy` where there is one.

        An object or a list is not shown: a secret may stand in it.
        """
        if value and is_secret(name):
            value = HIDDEN
        whole = isinstance(value, Collection) and not isinstance(value, str | bytes)
        said = rule if whole else f"{shown(repr(value))} {rule}"
        about = {"remedy": remedy} if remedy else {}
        if not whole and value != HIDDEN:
            about["value"] = shown(value)
        return cls(f"{name}: {said}" + (f"; {remedy}" if remedy else ""), field=name, rule=rule, **about)

    @classmethod
    def missing(cls, name: str) -> Invalid:
        """A field that has to be given, and was not."""
        return cls(f"{name}: is missing; give it", field=name, rule="is missing", remedy="give it")


class NotFound(Refused):
    code = "not_found"
    status = 404


class Unauthorized(Refused):
    code = "unauthorized"
    status = 401


class Forbidden(Refused):
    code = "forbidden"
    status = 403


class Conflict(Refused):
    code = "conflict"
    status = 409


class TooLarge(Refused):
    code = "too_large"
    status = 413


class RateLimited(Refused):
    code = "rate_limited"
    status = 429


class Halt(DeskError):
    """The desk stops trading: raised where going on could lose money, such as a log whose hash chain is broken."""

    code = "halt"
    status = 500


def _tree(cls: type[DeskError]) -> dict[str, type[DeskError]]:
    found = {cls.__name__: cls}
    for child in cls.__subclasses__():
        found |= _tree(child)
    return found


def from_wire(body: dict[str, Any]) -> DeskError:
    """The failure that `wire()` wrote; an unknown class comes back as `DeskError`, so that nothing is lost."""
    cls = _tree(DeskError).get(str(body.get("class")), DeskError)
    error = cls(str(body.get("detail", "")), code=str(body.get("code", cls.code)))
    error.context = dict(body.get("context") or {})
    return error
