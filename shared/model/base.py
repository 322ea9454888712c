"""What every noun of the model shares: immutable, strict, no unknown field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import HIDDEN, Invalid

_set = object.__setattr__
"""Past a frozen model's own, before anybody has seen it."""


def refusal(found: Mapping[str, Any], whole: str, where: str = "", secrets: Collection[str] = ()) -> Invalid:
    """One of pydantic's findings as the desk's own: field, value (not a secret's), rule and remedy.

    `where` is the path of what was validated, as its writer knows it; without one, a whole that breaks a rule is named `whole`.
    """
    name = ".".join([*filter(None, [where]), *map(str, found["loc"])]) or whole
    if found["type"] == "missing":
        return Invalid.missing(name)
    rule = str(found["msg"])
    # pydantic's own begin a sentence, ours go on after the field's name
    ours = found["type"] == "value_error"
    rule = rule.removeprefix("Value error, ") if ours else rule[:1].lower() + rule[1:]
    value = HIDDEN if name in secrets else found.get("input")
    return Invalid.field(name, value, rule, "remove it" if found["type"] == "extra_forbidden" else "")


def invalid_from(error: ValidationError, secrets: Collection[str] = (), where: str = "") -> Invalid:
    """The first thing that pydantic found, as `refusal` tells it; without a `where`, a whole is named by its class."""
    return refusal(error.errors(include_url=False)[0], error.title, where, secrets)


class Model(BaseModel):
    """A frozen value, validated at birth; JSON in and out keeps every digit.

    `derived` are the names of cached properties: a copy makes its own, since it may differ in what they are made of.
    """

    derived: ClassVar[tuple[str, ...]] = ()
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

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, unvalidated; for values that hold nothing beside their fields it is several times quicker."""
        if deep or update is None:
            return super().model_copy(update=update, deep=deep)
        copied = type(self).__new__(type(self))
        values = {**self.__dict__, **update}
        for name in self.derived:
            values.pop(name, None)
        _set(copied, "__dict__", values)
        known = self.__pydantic_fields_set__
        _set(copied, "__pydantic_fields_set__", known if update.keys() <= known else known | update.keys())
        _set(copied, "__pydantic_extra__", None)
        _set(copied, "__pydantic_private__", None)
        return copied

    def json_text(self) -> str:
        # what `model_dump_json` does, without handing on its many defaults
        return self.__pydantic_serializer__.to_json(self).decode()

    def wire(self) -> dict[str, Any]:
        """Only what JSON knows: text for decimals, text for enumerations."""
        return self.model_dump(mode="json")
