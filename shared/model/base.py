"""What every noun of the model shares: immutable, strict, no unknown field."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import Invalid


def invalid_from(error: ValidationError, secrets: Collection[str] = ()) -> Invalid:
    """The first thing that pydantic found, as the desk's own refusal: field, value (not a secret's) and rule."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or error.title
    rule = str(first["msg"]).removeprefix("Value error, ")
    remedy = "remove it" if first["type"] == "extra_forbidden" else ""
    value = "***" if name in secrets else first.get("input")
    return Invalid.field(name, value, rule[:1].lower() + rule[1:], remedy)


class Model(BaseModel):
    """A frozen value, validated at birth; JSON in and out keeps every digit."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """From JSON; raises `Invalid` that names the field, the value and the rule."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise invalid_from(error) from None

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """From Python values, with `Invalid` instead of pydantic's own error."""
        try:
            return cls(**fields)
        except ValidationError as error:
            raise invalid_from(error) from None

    def json_text(self) -> str:
        return self.model_dump_json()

    def wire(self) -> dict[str, Any]:
        """Only what JSON knows: text for decimals, text for enumerations."""
        return self.model_dump(mode="json")
