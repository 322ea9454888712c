"""The switch that is let go: nobody calls the desk any more, and its own alarm stops it."""

from __future__ import annotations

from tests.runtime.accounts import Account
from tests.system import System, until

SWITCH = {"dead_man": {"cron_reduce_s": 5, "cron_halt_s": 7, "data_reduce_s": 0, "data_halt_s": 0}}


def test_a_desk_that_nobody_calls_reduces_halts_and_cancels_by_itself(system: System) -> None:
    account = Account(system, "let-go", protections=SWITCH)
    account.bar("100")
    resting = account.place("buy", "1", kind="limit", limit_price="90")["client_id"]

    def told() -> list[tuple[str, str]]:
        # D1, not the desk: a question would be a call
        rows = system.stack.d1("SELECT kind, body FROM journal WHERE desk = ? ORDER BY seq", [account.name])
        return [(str(row["kind"]), str(row["body"])) for row in rows]

    until(lambda: any(kind == "order_cancelled" for kind, _ in told()))
    story = [kind for kind, _ in told()]
    halt = next(body for kind, body in told() if kind == "halted")
    assert "deadman_cron" in halt
    assert story.index("reduced") < story.index("halted") < story.index("order_cancelled")
    assert resting in next(body for kind, body in told() if kind == "order_cancelled")
    assert account.view()["status"] == "halted"
