"""A resource's routes, declared beside their handlers: who may call, what the body is, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.apikey import Role
from shared.model.base import Model

ROLE = "x-role"
IDEMPOTENT = "x-idempotency-key"
KNOWN_KEY_SUFFICES = "x-known-key-suffices"

H = TypeVar("H", bound=Callable[..., Any])


@dataclass(frozen=True)
class Route:
    """One method of one path, and everything that is promised about it."""

    method: str
    path: str
    handler: Callable[..., Any]
    role: Role
    body: type[Model] | None
    status: int
    idempotency_key: str
    known_key_suffices: bool

    @property
    def extra(self) -> dict[str, Any]:
        """What the gate enforces and OpenAPI shows: there is no second list of roles that could differ."""
        extra: dict[str, Any] = {ROLE: self.role.value, IDEMPOTENT: self.idempotency_key}
        if self.known_key_suffices:
            extra[KNOWN_KEY_SUFFICES] = True
        if self.body is not None:
            schema = {"$ref": f"#/components/schemas/{self.body.__name__}"}
            required = any(field.is_required() for field in self.body.model_fields.values())
            extra["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
        return extra


class Routes:
    """The routes of one resource, in the order in which they are matched."""

    def __init__(self) -> None:
        self.items: list[Route] = []

    def get(self, path: str, role: Role = Role.VIEWER) -> Callable[[H], H]:
        """A read; it may fetch along with the verdict on the key."""
        return self._add("GET", path, role, None, 200, "none", False)

    def post(
        self,
        path: str,
        role: Role,
        body: type[Model] | None = None,
        *,
        status: int = 200,
        idempotency_key: str = "required",
        known_key_suffices: bool = False,
    ) -> Callable[[H], H]:
        """A change. `known_key_suffices`: while the key table is away, a key that was seen valid before will do."""
        return self._add("POST", path, role, body, status, idempotency_key, known_key_suffices)

    def patch(self, path: str, role: Role, body: type[Model]) -> Callable[[H], H]:
        """A change of some fields of what is there already."""
        return self._add("PATCH", path, role, body, 200, "required", False)

    def put(self, path: str, role: Role, body: type[Model]) -> Callable[[H], H]:
        """A change of the whole thing."""
        return self._add("PUT", path, role, body, 200, "required", False)

    def _add(
        self,
        method: str,
        path: str,
        role: Role,
        body: type[Model] | None,
        status: int,
        idempotency_key: str,
        known: bool,
    ) -> Callable[[H], H]:
        def keep(handler: H) -> H:
            self.items.append(Route(method, path, handler, role, body, status, idempotency_key, known))
            return handler

        return keep
