"""What can go wrong in a replay.

    ReplayError
    ├── DatasetError   no market can be made of the data: nothing is played
    ├── StateError     the saved clock cannot be read: nothing is played until it is mended or removed
    └── ServerError    the server cannot start, stop or step

`RuleError` is none of these: it is one refused row, collected as a `Refusal` while the rest still plays.
"""

from __future__ import annotations

from dataclasses import dataclass


class ReplayError(Exception):
    """The base of all errors that stop a replay."""


class DatasetError(ReplayError):
    """No market can be made of the data; the message names the folder or the package, and the remedy."""


class StateError(ReplayError):
    """The saved clock is unreadable; the message names the file, the field and the remedy."""


class ServerError(ReplayError):
    """The server cannot start, stop or step; the message names the address or venue, and the remedy."""


class RuleError(ValueError):
    """One field of one row breaks a rule."""

    def __init__(self, column: str, value: object, rule: str, remedy: str) -> None:
        super().__init__(f"{column}={value!r}: {rule}; {remedy}")
        self.column = column
        self.value = str(value)
        self.rule = rule
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that is not played: where it stands (line 1 is the header), what it says, and the rule it breaks."""

    file: str
    line: int
    column: str
    value: str
    rule: str
    remedy: str

    @classmethod
    def of(cls, file: str, line: int, broken: RuleError) -> Refusal:
        """The refusal of `file`'s `line` for the rule `broken`; a long value is cut to 80 characters."""
        return cls(file, line, broken.column, broken.value[:80], broken.rule, broken.remedy)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.column}={self.value!r}: {self.rule}; {self.remedy}"
