"""What people ask of the desk by its methods: answered once, and told in full."""

from __future__ import annotations

from typing import Any

import pytest

from shared.desk.line import Line
from shared.errors import Invalid, NotFound, Refused, VenueUnavailable
from tests.unit.desk.bench import NOW, Bench, candle, run
from tests.unit.desk.remote import Remote, down, far


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB")])
    return made


def test_an_order_is_replaced_by_one_that_waits_for_its_end(bench: Bench) -> None:
    old = bench.place("AAA", "buy", "10", kind="limit", limit_price="90")["client_id"]
    body = {"client_id": old, "limit_price": "91", "by": "me", "idempotency_key": "r"}
    new = bench.call("replace", **body)["order"]
    assert (new["status"], new["limit_price"], new["replaces"]) == ("created", "91", old)
    assert bench.order(old)["status"] == "cancelled"
    assert bench.order(new["client_id"])["status"] == "acknowledged"
    before = bench.kinds()
    assert bench.call("replace", **body)["order"] == new
    assert bench.kinds() == before


@pytest.mark.parametrize(
    ("change", "error"),
    [({}, Invalid), ({"qty": "0"}, Invalid), ({"limit_price": "1"}, Refused), ({"kind": "market"}, Invalid)],
)
def test_a_replacement_that_cannot_be_leaves_the_order_alone(
    bench: Bench, change: dict[str, Any], error: type[Exception]
) -> None:
    old = bench.place("AAA", "buy", "10", kind="limit", limit_price="90")["client_id"]
    with pytest.raises(error):
        bench.call("replace", client_id=old, by="me", idempotency_key="r", **change)
    assert bench.order(old)["status"] == "acknowledged"


def test_an_order_that_never_was_cannot_be_replaced(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.call("replace", client_id="0" * 32, qty="1", by="me", idempotency_key="r")


def test_levels_are_set_all_at_once(bench: Bench) -> None:
    bench.held("AAA", 1, stop_price="95")
    told = bench.call("set_levels", instrument="us:AAA", target_price="120", by="me", idempotency_key="l")
    assert told == {"instrument": "us:AAA", "stop_price": None, "target_price": "120", "trail_distance": None}
    assert [each["price"] for each in bench.call("heartbeat", quotes=[])["levels"]] == ["120"]


def test_a_halt_can_sell_what_is_held(bench: Bench) -> None:
    bench.held("AAA", 1)
    bench.call("halt", by="me", reason="out", flatten=True)
    (order,) = bench.call("orders")["items"]
    assert (order["cause"], order["side"], order["qty"], order["reduce_only"]) == ("flatten", "sell", "10", True)
    view = bench.call("view")
    assert (view["halt_code"], view["hold_until_ms"]) == ("asked", 0)


def test_the_view_tells_what_was_lost_and_what_guards_the_desk() -> None:
    bench = Bench(protections={"max_drawdown": {}, "daily_loss": {}})
    assert bench.call("view")["drawdown_bps"] is None
    bench.held("AAA", 0, qty="100")
    bench.bars(candle("AAA", 2, "98"))
    view = bench.call("view")
    assert view["equity_peak"] is not None
    assert view["drawdown_bps"] > 0
    assert {"max_drawdown", "stale_data"} <= {each["name"] for each in view["protections"]}
    by_name = {each["name"]: each for each in view["protections"]}
    assert (by_name["max_drawdown"]["configured"], by_name["stale_data"]["configured"]) == (True, False)
    assert (view["reductions"], view["unresolved"]) == ({}, 0)


def test_a_paper_desk_tells_what_going_live_would_still_ask_for(bench: Bench) -> None:
    told = bench.call("live_gate")
    assert (told["mode"], told["open"]) == ("paper", False)
    missing = {item["code"] for item in told["items"] if not item["ok"]}
    assert missing == {"setting", "protections", "record", "armed"}


def test_a_paper_desk_agrees_with_its_own_venue_whatever_it_trades(bench: Bench) -> None:
    bench.held("AAA", 1, qty="10")
    bench.place("AAA", "sell", "4", reduce_only=True)
    bench.bars(candle("AAA", 3, "103"))
    bench.clock.advance(1)
    assert run(bench.reborn().desk.engine.looking.look())
    assert bench.call("reconciliation") == {
        "looked_ms": NOW + 1,
        "clean": True,
        "failing": None,
        "differences": [],
        "venue_silent_ms": 0,
    }


def test_a_difference_of_another_amount_is_another_difference() -> None:
    bench = far()
    bench.remote.balances["USD"] += 5
    run(bench.desk.engine.looking.look())
    bench.remote.balances["USD"] += 1
    run(bench.desk.engine.looking.look())
    (difference,) = bench.state.differences.values()
    assert difference.detail == "the venue has 6 more"
    rows = bench.sql.rows("SELECT body FROM events WHERE kind = 'difference_resolved'")
    assert len(rows) == 1
    assert '"how":"changed"' in rows[0][0]


# --- the line to the venue ---


def test_silence_begins_with_the_first_call_without_an_answer_and_a_no_ends_it() -> None:
    bench = far()
    line = Line(bench.clock)
    remote = Remote()
    line.take(remote)
    remote.trouble.extend([*down(2), Refused("no"), None])

    def ask(error: type[Exception] | None) -> int:
        if error is None:
            run(line.account(0))
        else:
            with pytest.raises(error):
                run(line.account(0))
        bench.clock.advance(10)
        return line.silent_ms

    assert [ask(error) for error in (VenueUnavailable, VenueUnavailable, Refused, None)] == [NOW, NOW, 0, 0]


def test_a_line_that_leads_nowhere_never_answers() -> None:
    line = Line(far().clock)
    with pytest.raises(VenueUnavailable) as caught:
        run(line.credentials())
    assert (caught.value.error_code, line.silent_ms) == ("venue_not_set_up", NOW)
    assert not line.offers.client_ids
    assert line.on_bars([]) == []
