"""What the workers have stored, looked at from outside: D1, KV, R2, queues and the objects' own SQLite."""

import base64
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tools.failure import ToolError
from tools.paths import ROOT, script_name


class Storage:
    """The part of a Stack that reads (and seeds) storage; `state_dir` is where it all lies."""

    state_dir: Path

    def call(self, command: str, **details: object) -> Any:
        """Have the Node side run a command; the Stack says how."""
        raise NotImplementedError(command)

    def object_sql(
        self, worker: str, class_name: str, object_name: str, sql: str, *params: Any
    ) -> list[dict[str, Any]]:
        """Read with SQL from the file that a Durable Object of ours stores in; the rows. It cannot write."""
        name = script_name(worker)
        identity = self.call("objectId", worker=name, className=class_name, name=object_name)
        file = self.state_dir.resolve() / "do" / f"{name}-{class_name}" / f"{identity}.sqlite"
        if not file.is_file():
            raise ToolError(f"{class_name} {object_name!r} has stored nothing yet")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, params)]

    def object_ids(self, worker: str, class_name: str) -> list[str]:
        """The ids (hex) of the Durable Objects of a class that have stored anything."""
        return list(self.call("objectIds", worker=script_name(worker), className=class_name))

    def d1(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Run one statement on the local D1; the rows."""
        return list(self.call("d1", worker=script_name("router"), sql=sql, params=list(params)))

    def apply_migrations(self, folder: Path = ROOT / "migrations") -> list[str]:
        """Apply the migrations that D1 has not had yet, each in one transaction; the names of those."""
        return list(self.call("migrate", worker=script_name("router"), folder=str(folder)))

    def kv_keys(self, prefix: str = "", worker: str = "router", binding: str = "HOT") -> list[str]:
        """The first thousand keys of a KV namespace."""
        return list(self.call("kvKeys", worker=script_name(worker), binding=binding, prefix=prefix))

    def kv_get(self, key: str, worker: str = "router", binding: str = "HOT") -> bytes | None:
        """A value of a KV namespace, or None."""
        return decoded(self.call("kvGet", worker=script_name(worker), binding=binding, key=key))

    def r2_keys(self, prefix: str = "", worker: str = "router", binding: str = "ARCHIVE") -> dict[str, int]:
        """The first thousand objects of a bucket: key -> size in bytes."""
        items = self.call("r2Keys", worker=script_name(worker), binding=binding, prefix=prefix)
        return {item["key"]: item["size"] for item in items}

    def r2_get(self, key: str, worker: str = "router", binding: str = "ARCHIVE") -> bytes | None:
        """The bytes of an object of a bucket, or None."""
        return decoded(self.call("r2Get", worker=script_name(worker), binding=binding, key=key))

    def enqueue(self, body: object, worker: str = "router", binding: str = "JOBS") -> None:
        """Put a message on a queue, as the worker that holds the binding would."""
        self.call("enqueue", worker=script_name(worker), binding=binding, body=body)


def decoded(text: str | None) -> bytes | None:
    """Bytes from the base64 that Node sends."""
    return None if text is None else base64.b64decode(text)
