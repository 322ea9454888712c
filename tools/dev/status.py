"""What `make dev` shows: read over the API with the viewer's key, as any client would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from rich.markup import escape
from rich.table import Table

from tools.stack import Stack

_TOTALS = """
SELECT (SELECT coalesce(sum(rows), 0) FROM archive_objects) AS candles,
       (SELECT count(*) FROM job_runs WHERE job = 'scan' AND state = 'done') AS scans,
       (SELECT count(*) FROM signals) AS signals,
       (SELECT count(*) FROM orders) AS orders,
       (SELECT count(*) FROM fills) AS fills
"""


@dataclass
class Status:
    """`desks` and `books` as the API answers them; `totals` counted in D1; `trouble` why something is missing."""

    clocks: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    desks: list[dict[str, Any]] = field(default_factory=list)
    books: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: str = ""

    def line(self) -> str:
        """Everything on one line, for where there is no terminal."""
        clocks = " ".join(f"{venue} {market_time(ms)}" for venue, ms in self.clocks.items())
        totals = " ".join(f"{name} {count}" for name, count in self.totals.items())
        desks = " ".join(
            f"[{desk['desk']} {state_of(desk)[0]} equity {desk['equity']} {desk['currency']}"
            f" positions {desk['open_positions']} book {self._book_age(desk['venue'])}]"
            for desk in self.desks
        )
        return " | ".join(part for part in (clocks, totals, desks, self.trouble) if part)

    def table(self) -> Table:
        """One row a desk, under the totals and the market clocks; no wider than 80 characters, why a desk is not active below."""
        totals = "   ".join(f"{name} [bold]{count:,}[/]" for name, count in self.totals.items())
        clocks = "   ".join(f"{venue} [bold]{market_time(ms)}[/]" for venue, ms in self.clocks.items())
        title = "\n".join(filter(None, (totals, clocks)))
        table = Table(title=title, title_justify="left", caption=self._caption() or None, caption_style="yellow")
        for name in ("desk", "state"):
            table.add_column(name, no_wrap=True)
        for name in ("equity", "cash", "held", "orders", "book"):
            table.add_column(name, justify="right", no_wrap=True)
        for desk in self.desks:
            _, colour = state_of(desk)
            table.add_row(
                desk["desk"],
                f"[{colour}]{desk['status']}[/]",
                f"{money(desk['equity'])} {desk['currency']}",
                money(desk["cash"]),
                str(desk["open_positions"]),
                str(desk["open_orders"]),
                self._book_age(desk["venue"]),
            )
        return table

    def _caption(self) -> str:
        """Every desk that is not active, and what could not be read."""
        why = [f"{desk['desk']}: {state_of(desk)[0]}" for desk in self.desks if desk["status"] != "active"]
        return escape("\n".join(filter(None, (*why, self.trouble))))

    def _book_age(self, venue: str) -> str:
        book = self.books.get(venue)
        if not book:
            return "-"
        return "stale" if book["stale"] else f"{book['age_ms'] / 1000:.1f} s"


def state_of(desk: dict[str, Any]) -> tuple[str, str]:
    """The desk's state in words, with why where it is not active; and its colour."""
    status = str(desk["status"])
    codes = [desk.get("halt_code")] if status == "halted" else sorted(desk.get("reductions") or ())
    why = ", ".join(str(code) for code in codes if code)
    return f"{status} ({why})" if why else status, {"active": "green", "reducing": "yellow"}.get(status, "red")


def market_time(ms: int) -> str:
    """Market time to the minute."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M") if ms else "-"


def money(text: str | None) -> str:
    """Two places and thousands apart, or a dash for what is not known."""
    return "-" if text is None else f"{float(text):,.2f}"


def read(client: httpx.Client, stack: Stack, clocks: dict[str, int]) -> Status:
    """One look at everything; what cannot be read now is named in `trouble`."""
    status = Status(clocks=clocks, totals=stack.d1(_TOTALS)[0])
    try:
        for item in _items(client, "/v1/desks"):
            answer = client.get(f"/v1/desks/{item['desk']}")
            if answer.status_code == httpx.codes.OK:
                status.desks.append(answer.json())
        for book in _items(client, "/v1/books"):
            # the freshest book of a venue stands for its feed
            venue = book["instrument"].partition(":")[0]
            known = status.books.get(venue)
            if book["age_ms"] is not None and (known is None or book["age_ms"] < known["age_ms"]):
                status.books[venue] = book
    except httpx.HTTPError as error:
        status.trouble = f"the API did not answer: {error}"
    return status


def _items(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    answer.raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
