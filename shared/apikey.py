"""API keys: `edk_<prefix>_<secret>`, shown once; what is stored is an HMAC of it, and the prefix to find it by."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from shared.clock import random_hex, random_token
from shared.errors import Invalid
from shared.model.base import Model
from shared.ports import Statement, Value

ALL_DESKS = "*"
SECRET_BYTES = 32
_KEY = re.compile(r"edk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)

Prefix = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
Scope = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9-]{0,31})$")]
"""A desk's name, or `*` for every desk."""


class Role(StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what needs the other."""
        return _RANK[self] >= _RANK[needed]


_RANK = {role: rank for rank, role in enumerate(Role)}


class KeyWish(Model):
    """What a new key is to be: its role, the desks it may touch, and what people call it."""

    role: Role
    desks: tuple[Scope, ...] = Field(min_length=1, max_length=100)
    label: Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]

    @field_validator("desks")
    @classmethod
    def _plain(cls, desks: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(desks)) != len(desks):
            raise ValueError("must not name a desk twice")
        if ALL_DESKS in desks and len(desks) > 1:
            raise ValueError('must be ["*"] alone, or names of desks')
        return desks


def prefix_of(key: str) -> str | None:
    """The public prefix of what looks like a key, else None."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def key_hash(key: str, pepper: str) -> str:
    """HMAC-SHA256 of the whole key, hex: without the pepper a stolen table tells nothing."""
    return hmac.new(pepper.encode(), key.encode(), hashlib.sha256).hexdigest()


def make_key(
    role: str, desks: Sequence[str], label: str, pepper: str, created_by: str, now_ms: int
) -> tuple[str, dict[str, Value]]:
    """A new key and its row of the table `keys`; `Invalid` where role, desks or label break a rule."""
    if role not in set(Role):
        raise Invalid.field("role", role, f"must be one of {', '.join(Role)}")
    wish = KeyWish.of(role=Role(role), desks=tuple(desks), label=label)
    prefix = random_hex(4)
    key = f"edk_{prefix}_{random_token(SECRET_BYTES)}"
    row: dict[str, Value] = {
        "prefix": prefix,
        "hash": key_hash(key, pepper),
        "role": wish.role.value,
        "desks": json.dumps(wish.desks),
        "label": wish.label,
        "created_ms": now_ms,
        "created_by": created_by,
        "revoked_ms": None,
    }
    return key, row


_INSERT = (
    "INSERT INTO keys (prefix, hash, role, desks, label, created_ms, created_by, revoked_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_COLUMNS = ("prefix", "hash", "role", "desks", "label", "created_ms", "created_by", "revoked_ms")


def insert_statement(row: Mapping[str, Value]) -> Statement:
    """Writes a row that `make_key` made."""
    return Statement(_INSERT, tuple(row[column] for column in _COLUMNS))
