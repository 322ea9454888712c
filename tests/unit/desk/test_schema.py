"""The tables of a desk: which there are, and that every object comes to the newest however old it is."""

from __future__ import annotations

import pytest

from shared.desk.schema import MIGRATIONS, migrate
from tests.unit.desk.native_sql import NativeSql


def tables(sql: NativeSql) -> dict[str, list[str]]:
    names = [name for (name,) in sql.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    of = "SELECT name FROM pragma_table_info(?) ORDER BY cid"
    return {name: [column for (column,) in sql.rows(of, name)] for name in names}


def version(sql: NativeSql) -> str:
    ((value,),) = sql.rows("SELECT value FROM meta WHERE name = 'schema'")
    return str(value)


def test_the_tables_are_these() -> None:
    sql = NativeSql(":memory:")
    migrate(sql)
    assert tables(sql) == {
        "events": ["seq", "v", "at_ms", "kind", "body", "prev_hash", "hash"],
        "fills": ["fill_id", "client_id", "seq"],
        "idempotency": ["key", "fingerprint", "response", "at_ms", "expires_ms"],
        "marks": ["id", "body"],
        "meta": ["name", "value"],
        "orders": ["client_id", "status", "body", "intended_seq", "updated_seq"],
        "snapshots": ["seq", "at_ms", "hash", "body", "body_hash", "v"],
        "timers": ["name", "due_ms", "attempt"],
    }
    assert version(sql) == str(len(MIGRATIONS)) == "2"
    migrate(sql)
    assert version(sql) == "2"


@pytest.mark.parametrize("done", range(len(MIGRATIONS)))
def test_an_older_object_is_brought_up_without_losing_anything(done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.desk import schema

    sql, new = NativeSql(":memory:"), NativeSql(":memory:")
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:done])
    migrate(sql)
    monkeypatch.undo()
    if done:
        assert version(sql) == str(done)
        sql.rows("INSERT INTO snapshots (seq, at_ms, hash, body, body_hash) VALUES (1, 2, 'h', 'b', 'c')")
    migrate(sql)
    migrate(new)
    assert tables(sql) == tables(new)
    assert sql.rows("SELECT v, body FROM snapshots") == ([(1, "b")] if done else [])


def test_a_step_that_fails_leaves_the_version_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.desk import schema

    sql = NativeSql(":memory:")
    migrate(sql)
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE more (a)", "SELECT FROM")))
    with pytest.raises(Exception, match="syntax"):
        migrate(sql)
    assert version(sql) == "2"
    assert "more" not in tables(sql)
