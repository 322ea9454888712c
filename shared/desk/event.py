"""What every event is: a frozen body with the kind and the version of its fields."""

from __future__ import annotations

from typing import ClassVar

from shared.model import Model


class Event(Model):
    """`kind` and `v` stand in the log's own columns, the fields in its `body`."""

    kind: ClassVar[str]
    v: ClassVar[int] = 1
