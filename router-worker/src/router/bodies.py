"""Bodies, read strictly from their bytes: no unknown field, no field twice, no float where money stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import ValidationError

from router.limits import header
from router.problems import InvalidFields, MalformedJson, UnsupportedMediaType, field_errors
from shared.jsontext import named_twice
from shared.model.base import Model

M = TypeVar("M", bound=Model)


class Empty(Model):
    """Nothing, or `{}`."""


def body_of(kind: type[M], any_type: bool = False) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the body as `kind`; no body at all reads as `{}`.

    `any_type`: whatever the content type says, for a route that nobody must fail to reach in a hurry.
    """

    async def read(request: Request) -> M:
        raw = await request.body()
        if raw and not any_type:
            _require_json(request)
        return parse(kind, raw or b"{}")

    return read


def parse(kind: type[M], raw: bytes) -> M:
    """`MalformedJson`, or `Invalid` with every field that breaks a rule."""
    try:
        value = kind.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        if found[0]["type"] == "json_invalid":
            raise MalformedJson(f"the body is not JSON: {found[0]['msg']}") from None
        raise InvalidFields(field_errors(found)) from None
    # only now, when the model has shown it to be shallow: it is read by a parser that recurses
    if twice := named_twice(raw):
        raise MalformedJson(f"the body has {twice!r} twice; which one is meant?")
    return value


def _require_json(request: Request) -> None:
    kind = (header(request.scope, b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType("send the body as content-type: application/json")
