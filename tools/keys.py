"""Makes an API key: shows it once, and the SQL that stores it. For the first admin key, when there is none to ask with.

KEY_PEPPER=… python -m tools.keys --role admin --label first
KEY_PEPPER=… python -m tools.keys --role admin --label first --sql-only 2>key.txt >row.sql
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from shared.apikey import ALL_DESKS, Role, insert_statement, make_key
from shared.clock import SystemClock
from shared.errors import Invalid
from shared.ports import Statement, Value

MIN_PEPPER = 32


def local_keys(pepper: str, now_ms: int, insert: Callable[[Statement], object]) -> dict[str, str]:
    """One key of each role for every desk: role to key. Each row goes to `insert` before its key is given out."""
    made = {}
    for role in Role:
        key, row = make_key(role, [ALL_DESKS], f"local {role.value}", pepper, "make dev", now_ms)
        insert(insert_statement(row))
        made[role.value] = key
    return made


def sql_of(row: Mapping[str, Value]) -> str:
    """The row as one SQL statement with its values written out, for a tool that binds no parameters."""
    columns = ", ".join(row)
    values = ", ".join(_literal(value) for value in row.values())
    return f"INSERT INTO keys ({columns}) VALUES ({values});"


def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    if not isinstance(value, str):
        raise Invalid.field("value", value, "must be text or a whole number")
    return "'" + value.replace("'", "''") + "'"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 where something is wrong with what was given."""
    summary, _, usage = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--role", choices=[role.value for role in Role], required=True)
    parser.add_argument("--desk", action="append", help="a desk it may touch; repeat for more; default: every desk")
    parser.add_argument("--label", required=True, help="what people call it")
    parser.add_argument("--sql-only", action="store_true", help="the SQL alone to stdout, the key to stderr")
    asked = parser.parse_args(arguments)
    pepper = os.environ.get("KEY_PEPPER", "")
    if len(pepper) < MIN_PEPPER:
        sys.stderr.write(f"KEY_PEPPER: must be set, the same {MIN_PEPPER} or more characters that the worker has\n")
        return 2
    try:
        now_ms = SystemClock().now_ms()
        key, row = make_key(asked.role, asked.desk or [ALL_DESKS], asked.label, pepper, "tools.keys", now_ms)
    except Invalid as error:
        sys.stderr.write(f"{error.detail}\n")
        return 2
    # the key is shown here and nowhere else, ever
    (sys.stderr if asked.sql_only else sys.stdout).write(f"{key}\n")
    sys.stdout.write(f"{sql_of(row)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
