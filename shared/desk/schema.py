"""The tables of a desk in its object's SQLite, as numbered migrations that run once each, when the object wakes."""

from __future__ import annotations

from shared.ports import Sql

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, v INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
        " body TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT",
        "CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, hash TEXT NOT NULL,"
        " body TEXT NOT NULL, body_hash TEXT NOT NULL) STRICT",
        "CREATE TABLE orders (client_id TEXT PRIMARY KEY, status TEXT NOT NULL, body TEXT NOT NULL,"
        " intended_seq INTEGER NOT NULL, updated_seq INTEGER NOT NULL) STRICT",
        "CREATE TABLE fills (fill_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, seq INTEGER NOT NULL) STRICT",
        "CREATE TABLE timers (name TEXT PRIMARY KEY, due_ms INTEGER NOT NULL, attempt INTEGER NOT NULL) STRICT",
        "CREATE TABLE idempotency (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, response TEXT NOT NULL,"
        " at_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) STRICT",
        "CREATE INDEX idempotency_by_expiry ON idempotency (expires_ms)",
        "CREATE TABLE marks (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT",
    ),
    ("ALTER TABLE snapshots ADD COLUMN v INTEGER NOT NULL DEFAULT 1",),
)


def migrate(sql: Sql) -> None:
    """Brings the tables to the newest version; each step in a transaction of its own together with its number."""
    sql.rows("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    found = sql.rows("SELECT value FROM meta WHERE name = 'schema'")
    done = int(found[0][0]) if found else 0
    for number, statements in enumerate(MIGRATIONS[done:], start=done + 1):
        _step(sql, number, statements)


def _step(sql: Sql, number: int, statements: tuple[str, ...]) -> None:
    def run() -> None:
        for statement in statements:
            sql.rows(statement)
        sql.rows("INSERT OR REPLACE INTO meta (name, value) VALUES ('schema', ?)", str(number))

    sql.transaction(run)
