"""Takes R2, KV or D1 away from running workers, in the files that the local runtime keeps them in.

The tables of the simulator are renamed, or its file locked, from outside: every call of the binding then fails as one does at a
service that is not there, with an exception of the runtime's own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tools.stack import Stack

TABLES = {"r2": "_mf_objects", "kv": "_mf_entries"}
BUSY_S = 10


def files(stack: Stack, service: str) -> list[Path]:
    """Where the local runtime keeps all namespaces of `r2`, `kv` or `d1`."""
    found = [file for file in (stack.state_dir / service).glob("*/*.sqlite") if file.stem != "metadata"]
    assert found, f"nothing was ever stored in {service}"
    return found


@contextmanager
def away(stack: Stack, service: str) -> Iterator[None]:
    """Every call of `r2` or `kv` fails."""
    table = TABLES[service]
    _run(stack, service, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        _run(stack, service, f"ALTER TABLE {table}_away RENAME TO {table}")


def _run(stack: Stack, service: str, sql: str) -> None:
    for file in files(stack, service):
        with closing(sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)) as connection:
            connection.execute(sql)


@contextmanager
def locked(stack: Stack) -> Iterator[None]:
    """D1 refuses to write: somebody else holds its lock."""
    with ExitStack() as held:
        for file in files(stack, "d1"):
            connection = held.enter_context(closing(sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)))
            connection.execute("BEGIN IMMEDIATE")
            held.callback(connection.rollback)
        yield


@contextmanager
def slow(stack: Stack, table: str, rounds: int) -> Iterator[None]:
    """Each row that is written to D1's table counts to `rounds` first: a million are about a tenth of a second."""
    count = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rounds}) SELECT max(i) FROM n"
    stack.d1(f"CREATE TRIGGER slow BEFORE INSERT ON {table} BEGIN SELECT ({count}); END")
    try:
        yield
    finally:
        stack.d1("DROP TRIGGER slow")
