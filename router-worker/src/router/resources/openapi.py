"""The description of this API, for programs; only for who has a key."""

from __future__ import annotations

from typing import Literal

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from router.answer_schemas import ANSWERS, MODELS, PAGES
from router.answers import answer
from router.routes import ROLE, Route, Routes
from shared.apikey import Role
from shared.model import Model

ROUTES = Routes()
_REF = "#/components/schemas/{model}"


@ROUTES.get("/openapi.json")
async def get_openapi_document(request: Request) -> Response:
    """OpenAPI 3.1."""
    document = request.app.openapi()
    return answer(document)


def describe(app: FastAPI, routes: list[Route]) -> None:
    """Gives the app its document, made at the first request for it and kept."""
    made: dict[str, object] = {}

    def document() -> dict[str, object]:
        if not made:
            made.update(_document(app, routes))
        return made

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI, routes: list[Route]) -> dict[str, object]:
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    bodies = {route.body for route in routes if route.body is not None}
    modes: list[tuple[type[Model], Literal["validation", "serialization"]]] = [
        *((body, "validation") for body in sorted(bodies, key=lambda body: body.__name__)),
        *((model, "serialization") for model in MODELS),
    ]
    _, schema = models_json_schema(modes, ref_template=_REF)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(schema["$defs"])
    components["schemas"]["Problem"] = _PROBLEM
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "bearerFormat": "edk_<prefix>_<secret>"}
    }
    found["security"] = [{"key": []}]
    problem = {"content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}}
    for route in routes:
        operation = found["paths"][route.path][route.method.lower()]
        operation[ROLE] = Role(route.role).value
        good = {"schema": ANSWERS[route.method, route.path]}
        kind = "text/html" if (route.method, route.path) in PAGES else "application/json"
        operation["responses"] = {str(route.status): {"description": "done", "content": {kind: good}}}
        operation["responses"]["default"] = {"description": "a problem (RFC 9457)", **problem}
        if route.idempotency_key != "none":
            operation.setdefault("parameters", []).append(_idempotency_parameter(route))
    return found


def _idempotency_parameter(route: Route) -> dict[str, object]:
    schema = {"type": "string", "minLength": 1, "maxLength": 64}
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": route.idempotency_key == "required",
        "schema": schema,
    }


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "value", "rule"],
                "properties": {name: {"type": "string"} for name in ("field", "value", "rule", "remedy")},
            },
        },
    },
}
