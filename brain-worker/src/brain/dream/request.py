"""What the panel is asked for, checked before anything runs, and its answer as JSON knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from brain.dream.kernel import Kernel
from brain.dream.panel import panel
from brain.dream.params import Params
from brain.request import exactly
from shared.errors import Invalid
from shared.model.base import invalid_from


def dream(body: Any, kernel: Kernel) -> dict[str, Any]:
    """The panel of `{"prices", "params"}` as docs/contracts.md has it; `Invalid` for a request that breaks it."""
    if not isinstance(body, Mapping):
        raise Invalid.field("body", body, "must be an object")
    exactly(body, ("prices", "params"))
    if not isinstance(body["params"], Mapping):
        raise Invalid.field("params", body["params"], "must be an object", "send {} for the defaults")
    try:
        params = Params.model_validate(dict(body["params"]))
    except ValidationError as error:
        raise invalid_from(error, where="params") from None
    return panel(body["prices"], kernel, params).wire()
