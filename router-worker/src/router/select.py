"""A query put together from constant clauses; whatever comes from outside is a bound parameter."""

from __future__ import annotations

from router.paging import Position
from shared.ports import Statement, Value

MINE = (
    "EXISTS (SELECT 1 FROM keys AS mine, json_each(mine.desks) AS allowed "
    "WHERE mine.prefix = ? AND allowed.value IN ('*', {column}))"
)
"""Only rows of desks that the key may touch; in SQL, so that the page needs no second round trip."""


class Select:
    """`Select("SELECT id FROM instruments").equals("venue", venue).page(("id",), after, 100, newest_first=False)`."""

    def __init__(self, head: str, *params: Value) -> None:
        self._head = head
        self._clauses: list[str] = []
        self._params: list[Value] = list(params)

    def where(self, clause: str, *params: Value) -> Select:
        """One more condition: a constant clause, and what its marks stand for."""
        self._clauses.append(clause)
        self._params.extend(params)
        return self

    def equals(self, column: str, value: Value) -> Select:
        """Only where a value was asked for."""
        return self if value is None else self.where(f"{column} = ?", value)

    def mine(self, prefix: str, column: str) -> Select:
        """Only rows of desks that the key with this prefix may touch."""
        return self.where(MINE.format(column=column), prefix)

    def page(self, columns: tuple[str, ...], after: Position | None, limit: int, *, newest_first: bool) -> Statement:
        """The page after a position, and one row more to know whether there is another."""
        if after is not None:
            marks = ", ".join("?" * len(columns))
            self.where(f"({', '.join(columns)}) {'<' if newest_first else '>'} ({marks})", *after)
        order = ", ".join(f"{column} {'DESC' if newest_first else 'ASC'}" for column in columns)
        where = " WHERE " + " AND ".join(self._clauses) if self._clauses else ""
        return Statement(self._head + where + " ORDER BY " + order + " LIMIT ?", (*self._params, limit + 1))
