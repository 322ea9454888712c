"""Bodies, read strictly from their bytes: no unknown field, no field twice, no float where money stands."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError

from router.limits import header
from router.problems import InvalidFields, MalformedJson, UnsupportedMediaType, field_errors
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
    # only now, when the model has shown it to be shallow: the standard parser recurses
    json.loads(raw, object_pairs_hook=_once)
    return value


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise MalformedJson(f"the body has {name!r} twice; which one is meant?")


def _require_json(request: Request) -> None:
    kind = (header(request.scope, b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType("send the body as content-type: application/json")
