from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from shared.apikey import key_hash, make_key
from shared.ports import Statement
from tools.keys import local_keys, main, sql_of

PEPPER = "p" * 32
MIGRATION = Path(__file__).parents[3] / "migrations" / "0001_foundation.sql"


def table() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.executescript(MIGRATION.read_text())
    return database


def test_the_sql_stores_the_row_as_it_is() -> None:
    database = table()
    _, row = make_key("admin", ["main"], "it's first'); DROP TABLE keys; --", PEPPER, "test", 5)
    database.executescript(sql_of(row))
    assert database.execute(f"SELECT {', '.join(row)} FROM keys").fetchall() == [tuple(row.values())]


def test_three_local_keys() -> None:
    kept: list[Statement] = []
    made = local_keys(PEPPER, 5, kept.append)
    assert list(made) == ["viewer", "trader", "admin"]
    database = table()
    for statement in kept:
        database.execute(statement.sql, statement.params)
    stored = dict(database.execute("SELECT role, hash FROM keys").fetchall())
    assert stored == {role: key_hash(key, PEPPER) for role, key in made.items()}


def test_the_command_shows_the_key_and_its_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEY_PEPPER", PEPPER)
    assert main(["--role", "admin", "--label", "first"]) == 0
    key, sql = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"edk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", key)
    assert key_hash(key, PEPPER) in sql
    assert key[13:] not in sql
    assert main(["--role", "viewer", "--desk", "main", "--label", "x", "--sql-only"]) == 0
    out = capsys.readouterr()
    assert out.out.startswith("INSERT INTO keys")
    assert out.err.startswith("edk_")


def test_the_command_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KEY_PEPPER", "short")
    assert main(["--role", "admin", "--label", "x"]) == 2
    assert "KEY_PEPPER" in capsys.readouterr().err
    monkeypatch.setenv("KEY_PEPPER", PEPPER)
    assert main(["--role", "admin", "--label", "x", "--desk", "No Desk"]) == 2
    assert "desks" in capsys.readouterr().err
