"""Opening, halting, resuming, and answering the same twice."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import ledger
from shared.desk.shell import Desk
from shared.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from tests.unit.desk.bench import LIMITS, NOW, PAPER, Bench, candle, instrument, opening, proposal, run


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB", "CCC", "DDD")])
    return made


def test_a_desk_that_was_never_opened_says_so() -> None:
    bench = Bench(opened=False)
    calls: dict[str, dict[str, Any]] = {
        "view": {},
        "orders": {},
        "positions": {},
        "trades": {},
        "verify": {},
        "tick": {},
        "bars": {"candles": []},
        "propose": {"proposals": []},
        "heartbeat": {"quotes": []},
        "halt": {"by": "me", "reason": "x"},
    }
    for method, body in calls.items():
        with pytest.raises(NotFound) as caught:
            bench.call(method, **body)
        assert caught.value.error_code == "desk_not_open"
    bench.fire()
    assert bench.alarm.at_ms is None


def test_opening_again_records_only_what_changed(bench: Bench) -> None:
    start = len(bench.kinds())
    assert run(bench.desk.open(opening())) == {"seq": start, "created": False}
    run(bench.desk.open(opening(limits={**LIMITS, "max_open_positions": 2})))
    run(bench.desk.open(opening("AAA", "EEE", limits={**LIMITS, "max_open_positions": 2})))
    run(bench.desk.open(opening("AAA", "EEE", limits=LIMITS, paper={**PAPER, "fee_bps": "1"})))
    assert bench.kinds()[start:] == ["limits_changed", "instruments_listed", "limits_changed"]
    assert bench.state.delisted == ("us:BBB", "us:CCC", "us:DDD")
    assert bench.call("view")["limits"]["max_open_positions"] == 3


@pytest.mark.parametrize(
    "changes",
    [{"currency": "EUR"}, {"cash": "5"}, {"interval_ms": 60_000}, {"desk": "beta"}],
)
def test_who_the_desk_is_cannot_change(bench: Bench, changes: dict[str, Any]) -> None:
    with pytest.raises(Conflict) as caught:
        run(bench.desk.open(opening(**changes)))
    assert caught.value.error_code == "desk_differs"


OTHERS = [instrument(symbol) for symbol in ("BBB", "CCC", "DDD")]


def test_an_instrument_that_was_traded_keeps_what_its_money_is_counted_in(bench: Bench) -> None:
    bench.held("AAA", 1)
    euro = instrument("AAA", quote="EUR", settle="EUR", base="ABC", multiplier="100", tick="0.05")
    other = instrument("BBB", quote="EUR", settle="EUR")
    before = len(bench.kinds())
    for _ in range(2):
        run(bench.desk.open(opening(instruments=[euro, other, *OTHERS[1:]])))
    assert bench.kinds()[before:] == ["instruments_listed"]
    listed = bench.state.instruments
    assert (listed["us:AAA"].quote, listed["us:AAA"].multiplier) == ("USD", 1)
    assert (listed["us:AAA"].base, listed["us:AAA"].tick) == ("AAA", Decimal("0.05"))
    assert listed["us:BBB"].quote == "EUR"
    bench.place("AAA", "sell", "10", reduce_only=True)
    bench.bars(candle("AAA", 3, "100"))
    assert set(bench.state.cash) == {"USD"}


def test_an_instrument_with_an_open_order_keeps_it_too_and_never_becomes_too_fine(bench: Bench) -> None:
    thin = instrument("AAA", tick="0.0000000001", lot="0.00000001")
    run(bench.desk.open(opening(instruments=[instrument("AAA", multiplier="0.01"), *OTHERS])))
    bench.place("AAA", "buy", "100", kind="limit", limit_price="90")
    run(bench.desk.open(opening(instruments=[thin, *OTHERS])))
    assert bench.state.instruments["us:AAA"].tick == Decimal("0.01")


def test_a_lot_that_grows_leaves_the_stop_watched_and_lets_all_be_sold(bench: Bench) -> None:
    bench.held("AAA", 1, stop_price="95", qty="15")
    run(bench.desk.open(opening(instruments=[instrument("AAA", lot="100", min_qty="100"), *OTHERS])))
    assert [each["price"] for each in bench.call("heartbeat", quotes=[])["levels"]] == ["95"]
    with pytest.raises(Refused) as caught:
        bench.place("AAA", "sell", "14", reduce_only=True)
    assert caught.value.error_code == "lot"
    by_hand = bench.place("AAA", "sell", "15", reduce_only=True)["client_id"]
    bench.call("cancel", client_id=by_hand, by="me", idempotency_key="c1")
    (result,) = bench.propose(proposal("AAA", 2, "100", action="exit", side="sell"))
    assert bench.order(result["client_id"])["qty"] == "15"
    bench.call("cancel", client_id=result["client_id"], by="me", idempotency_key="c2")
    bench.bars(candle("AAA", 3, "94"))
    (order,) = bench.call("orders")["items"]
    assert (order["cause"], order["qty"]) == ("stop", "15")
    bench.bars(candle("AAA", 4, "94"))
    assert bench.call("positions")["items"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"venue": "eu"},
        {"mode": "live"},
        {"interval_ms": 61_000},
        {"cash": 1000.0},
        {"cash": "1e400"},
        {"cash": "-1"},
        {"cash": float("nan")},
        {"instruments": []},
        {"instruments": [instrument("AAA", settle="BTC")]},
        {"instruments": [instrument("AAA", tick="0.0000000001", lot="0.0000000001")]},
        {"desk": "x'; DROP TABLE events; --"},
        {"surprise": 1},
    ],
)
def test_what_cannot_be_opened_is_invalid(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        run(Bench(opened=False).desk.open(opening(**changes)))


def test_an_object_with_a_name_opens_only_as_that() -> None:
    bench = Bench(opened=False)
    named = Desk(bench.sql, bench.alarm, bench.d1, bench.clock, bench.venue, name="beta")
    with pytest.raises(Invalid, match="beta"):
        run(named.open(opening()))


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("propose", {"proposals": [{}]}),
        ("propose", {"proposals": [{**proposal("AAA", 0, "100"), "price": 100.0}]}),
        (
            "place",
            {
                "order": {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "-1"},
                "by": "me",
                "idempotency_key": "k",
            },
        ),
        (
            "place",
            {
                "order": {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "NaN"},
                "by": "me",
                "idempotency_key": "k",
            },
        ),
        (
            "place",
            {
                "order": {"instrument": "us:AAA", "side": "buy", "kind": "limit", "qty": "1", "limit_price": "0"},
                "by": "me",
                "idempotency_key": "k",
            },
        ),
        ("cancel", {"client_id": "' OR 1=1 --", "by": "me", "idempotency_key": "k"}),
        ("halt", {"by": "", "reason": "x"}),
        ("order", {"client_id": 5}),
        ("view", {"x": 1}),
        ("bars", {"candles": [candle("AAA", 1, "100", "90", "80")]}),
    ],
)
def test_a_malformed_body_is_invalid_and_changes_nothing(bench: Bench, method: str, body: dict[str, Any]) -> None:
    before = bench.kinds()
    with pytest.raises(Invalid):
        bench.call(method, **body)
    assert bench.kinds() == before


@pytest.mark.parametrize("kind", ["market", "limit"])
def test_a_limit_price_belongs_to_a_limit_order_and_only_to_it(bench: Bench, kind: str) -> None:
    price = {"limit_price": "100"} if kind == "market" else {}
    with pytest.raises(Invalid):
        bench.place("AAA", "buy", "1", kind=kind, **price)


def test_sql_in_a_string_is_a_string(bench: Bench) -> None:
    text = "'); DROP TABLE events; --"
    bench.call("halt", by=text, reason=text, idempotency_key=text)
    assert bench.call("view")["halt_reason"] == text
    assert bench.call("verify")["seq"] == bench.state.seq


def test_a_halt_cancels_entries_and_keeps_exits_possible(bench: Bench) -> None:
    bench.held("AAA", 1, stop_price="95")
    entry = bench.place("BBB", "buy", "1")["client_id"]
    resting = bench.place("AAA", "sell", "2", kind="limit", limit_price="105", reduce_only=True)["client_id"]
    leaving = bench.place("AAA", "sell", "3", reduce_only=True)["client_id"]
    answer = bench.call("halt", by="edk_a", reason="too much")
    assert answer == {"status": "halted", "since_ms": NOW}
    assert [bench.order(name)["status"] for name in (entry, resting, leaving)] == [
        "cancelled",
        "cancelled",
        "acknowledged",
    ]
    with pytest.raises(Refused) as caught:
        bench.place("BBB", "buy", "1")
    assert caught.value.error_code == "halted"
    with pytest.raises(Refused):
        bench.place("AAA", "sell", "1")
    assert bench.place("AAA", "sell", "1", reduce_only=True)
    (level,) = bench.call("heartbeat", quotes=[])["levels"]
    assert level["price"] == "95"
    bench.bars(candle("AAA", 3, "94"))
    assert bench.kinds().count("level_triggered") == 1
    assert bench.call("halt", by="edk_b", reason="again") == answer
    assert bench.kinds().count("halted") == 1


def test_resuming_takes_two_steps_and_the_right_word(bench: Bench) -> None:
    with pytest.raises(Conflict) as caught:
        bench.call("resume_request", by="adm", reason="x")
    assert caught.value.error_code == "not_halted"
    with pytest.raises(Conflict):
        bench.call("resume_confirm", by="adm", confirm="x")
    bench.call("halt", by="me", reason="x")
    with pytest.raises(Conflict) as caught:
        bench.call("resume_confirm", by="adm", confirm="x")
    assert caught.value.error_code == "no_resume_request"
    asked = bench.call("resume_request", by="adm", reason="all clear")
    assert asked["expires_ms"] == NOW + 300_000
    with pytest.raises(Forbidden) as wrong:
        bench.call("resume_confirm", by="adm", confirm="x")
    assert wrong.value.error_code == "confirm_wrong"
    assert bench.call("resume_confirm", by="adm", confirm=asked["confirm"]) == {"status": "active"}
    assert not [body for (body,) in bench.sql.rows("SELECT body FROM events") if asked["confirm"] in body]
    assert asked["confirm"] not in bench.state.json_text()
    said = "SELECT json_extract(body, '$.by'), json_extract(body, '$.reason') FROM events WHERE kind = ?"
    assert bench.sql.rows(said, "resume_requested") == bench.sql.rows(said, "resumed") == [("adm", "all clear")]
    with pytest.raises(Conflict):
        bench.call("resume_confirm", by="adm", confirm=asked["confirm"])


def test_a_resume_request_expires_by_its_timer(bench: Bench) -> None:
    bench.call("halt", by="me", reason="x")
    asked = bench.call("resume_request", by="adm", reason="y")
    bench.clock.advance(300_000)
    with pytest.raises(Conflict) as caught:
        bench.call("resume_confirm", by="adm", confirm=asked["confirm"])
    assert caught.value.error_code == "resume_expired"
    bench.fire()
    assert bench.kinds()[-1] == "resume_expired"
    assert bench.state.resume is None
    bench.fire()
    assert bench.kinds().count("resume_expired") == 1


def test_a_newer_request_moves_the_expiry(bench: Bench) -> None:
    bench.call("halt", by="me", reason="x")
    bench.call("resume_request", by="adm", reason="y")
    bench.clock.advance(200_000)
    bench.call("resume_request", by="adm", reason="z")
    bench.clock.advance(100_000)
    bench.fire()
    assert bench.state.resume is not None
    bench.clock.advance(200_000)
    bench.fire()
    assert bench.state.resume is None


def test_the_same_key_and_body_get_the_same_answer(bench: Bench) -> None:
    first = bench.place("AAA", "buy", "1", key="k")
    bench.bars(candle("AAA", 1, "100"))
    assert bench.place("AAA", "buy", "1", key="k") == first
    with pytest.raises(Conflict) as caught:
        bench.place("AAA", "buy", "2", key="k")
    assert caught.value.error_code == "idempotency_conflict"
    bench.reborn()
    assert bench.place("AAA", "buy", "1", key="k") == first
    assert bench.kinds().count("order_intended") == 1


def test_a_refusal_is_answered_the_same_again(bench: Bench) -> None:
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            bench.place("AAA", "buy", "501", key="k")
        assert caught.value.error_code == "max_order_notional"
    assert bench.kinds().count("order_refused") == 1


def test_an_answer_is_kept_for_seven_days(bench: Bench) -> None:
    bench.call("halt", by="me", reason="x", idempotency_key="k")
    bench.clock.advance(7 * 86_400_000 - 1)
    bench.fire()
    with pytest.raises(Conflict):
        bench.call("halt", by="me", reason="y", idempotency_key="k")
    bench.clock.advance(86_400_000)
    bench.fire()
    assert bench.sql.rows("SELECT * FROM idempotency") == []
    bench.call("halt", by="me", reason="y", idempotency_key="k")


def test_five_proposals_at_once_are_one_order(bench: Bench) -> None:
    async def at_once() -> list[dict[str, Any]]:
        body = {"proposals": [proposal("AAA", 0, "100")]}
        return await asyncio.gather(*[bench.desk.propose(body) for _ in range(5)])

    outcomes = sorted(answer["results"][0]["outcome"] for answer in run(at_once()))
    assert outcomes == ["duplicate"] * 4 + ["intended"]
    assert bench.kinds().count("order_intended") == 1


def test_five_equal_posts_are_one_order(bench: Bench) -> None:
    async def at_once() -> list[dict[str, Any]]:
        order = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}
        body = {"order": order, "by": "me", "idempotency_key": "k"}
        return await asyncio.gather(*[bench.desk.place(body) for _ in range(5)])

    answers = run(at_once())
    assert all(answer == answers[0] for answer in answers)
    assert bench.kinds().count("order_intended") == 1


def test_an_asset_without_a_known_price_leaves_equity_unknown_and_one_with_a_price_counts(bench: Bench) -> None:
    marks = bench.desk.engine.market.marks
    state = bench.state
    paid_in_shares = state.but(cash={**state.cash, "AAA": Decimal("-2")})
    assert ledger.equity(paid_in_shares, marks) == Decimal(99_800)
    assert ledger.equity(state.but(cash={**state.cash, "BNB": Decimal(1)}), marks) is None
