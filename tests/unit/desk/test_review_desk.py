"""Findings of the review, each a failing scenario: `strict` turns a test red once its finding is mended; then drop the mark."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path

import pytest

from shared.errors import DeskError, Refused
from shared.model import Fill, Money, OrderStatus
from shared.venues.paper import PaperVenue
from shared.venues.venue import OrderReport
from tests.unit.desk.bench import DAY, T0, Bench, candle, instrument, opening, proposal, quote, run

FINE = ("100.000000000000000001", "100.000000000000000002")
FAR_MS = 2**53 - 1


def finding(name: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, reason=f"review finding {name}")


def levels_of(bench: Bench) -> list[tuple[str, str]]:
    found = bench.call("heartbeat", quotes=[])["levels"]
    return [(each["kind"], each["price"]) for each in found]


@finding("D1: only the last bar of a delivery is looked at for stops")
def test_a_stop_crossed_by_any_bar_of_one_delivery_is_followed() -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95")
    bench.bars(candle("AAA", 2, "100", low="50"), candle("AAA", 3, "100"), candle("AAA", 4, "100"))
    assert bench.kinds().count("level_triggered") == 1


@finding("D1")
def test_one_delivery_of_many_bars_ends_like_many_deliveries_of_one() -> None:
    story = [candle("AAA", 1, "100"), candle("AAA", 2, "100", low="10", close="20"), candle("AAA", 3, "60")]
    ends = []
    for groups in ([story], [[bar] for bar in story]):
        bench = Bench()
        bench.bars(candle("AAA", 0, "100"))
        bench.propose(proposal("AAA", 0, "100"))
        for group in groups:
            bench.bars(*group)
        ends.append((bench.call("positions")["items"], bench.call("view")["cash"]))
    assert ends[0] == ends[1]


@finding("D2: an addition with only one level erases the other")
@pytest.mark.parametrize(("first", "second"), [("stop_price", "target_price"), ("target_price", "stop_price")])
def test_an_addition_with_one_level_keeps_the_other(first: str, second: str) -> None:
    prices = {"stop_price": "95", "target_price": "150"}
    bench = Bench()
    bench.held("AAA", 0, **{first: prices[first]})
    (before,) = levels_of(bench)
    bench.place("AAA", "buy", "1", **{second: prices[second]})
    bench.bars(candle("AAA", 2, "100"))
    assert before in levels_of(bench)


@finding("D3: a resting sell order disarms the stop")
def test_a_resting_sell_does_not_disarm_the_stop() -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95")
    bench.place("AAA", "sell", "10", kind="limit", limit_price="300")
    for day, price in ((2, "90"), (3, "50"), (4, "40")):
        bench.bars(candle("AAA", day, price))
    assert bench.call("positions")["items"] == []


@finding("D3")
def test_a_resting_sell_does_not_block_the_strategys_exit() -> None:
    bench = Bench()
    bench.held("AAA", 0)
    bench.place("AAA", "sell", "10", kind="limit", limit_price="300")
    (result,) = bench.propose(proposal("AAA", 1, "100", action="exit", side="sell", stop_distance=None))
    assert result["outcome"] == "intended"


class TooLate(PaperVenue):
    """Has filled the order and will not cancel it, as real venues say."""

    async def cancel(self, client_id: str) -> OrderReport:
        raise Refused("it is filled", code="too_late")

    async def order(self, client_id: str) -> OrderReport | None:
        held = self._working(client_id)
        assert held is not None
        fee = Money(amount=Decimal(0), asset="USD")
        fill = Fill(
            fill_id="f1",
            client_id=client_id,
            instrument=held.instrument,
            side=held.side,
            qty=held.qty,
            price=Decimal(90),
            fee=fee,
            ts_ms=1,
        )
        return OrderReport(client_id, held.venue_order_id, OrderStatus.FILLED, (fill,))


@finding("D4: an order whose cancel is refused is never asked about")
def test_a_refused_cancel_leads_to_the_question() -> None:
    bench = Bench(venue=TooLate)
    bench.bars(candle("AAA", 0, "100"))
    order = bench.place("AAA", "buy", "10", kind="limit", limit_price="90")
    bench.call("cancel", client_id=order["client_id"], by="me", idempotency_key="c")
    for _ in range(5):
        bench.clock.advance(60_000)
        bench.fire()
    assert bench.kinds().count("order_filled") == 1


@finding("D5: a mark of 19 places is stored and never read again")
def test_a_quote_finer_than_the_tick_does_not_end_the_desk(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "desk.sqlite")
    bench.held("AAA", 0, stop_price="95")
    bench.clock.advance(20_000)
    bench.call("heartbeat", quotes=[quote("AAA", *FINE, T0 + 3 * DAY)])
    assert bench.reborn().call("view")["status"] == "active"


@finding("D5: nor can the order that was decided on it")
def test_an_order_decided_on_a_fine_mark_can_be_read_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "desk.sqlite")
    bench.held("AAA", 0, stop_price="95")
    bench.call("heartbeat", quotes=[quote("AAA", *FINE, T0 + 3 * DAY)])
    bench.place("AAA", "sell", "5", reduce_only=True)
    bench.sql.rows("DELETE FROM marks")
    assert bench.reborn().call("view")["status"] == "active"


@finding("D6: one quote from the far future freezes the price for ever")
def test_a_quote_from_the_far_future_does_not_freeze_the_price() -> None:
    bench = Bench()
    bench.held("AAA", 0)
    bench.call("heartbeat", quotes=[quote("AAA", "99", "101", FAR_MS)])
    bench.bars(candle("AAA", 2, "50"))
    assert bench.call("positions")["items"][0]["mark"] == "50"


@finding("D6: and what is sold by hand then never fills")
def test_a_way_out_by_hand_fills_after_a_quote_from_the_far_future() -> None:
    bench = Bench()
    bench.held("AAA", 0)
    bench.call("heartbeat", quotes=[quote("AAA", "99", "101", FAR_MS)])
    bench.place("AAA", "sell", "10", reduce_only=True)
    bench.bars(candle("AAA", 2, "90"))
    bench.bars(candle("AAA", 3, "80"))
    assert bench.call("positions")["items"] == []


@finding("D7: an instrument may change its currency while it is held")
def test_an_instrument_that_is_held_keeps_its_currency() -> None:
    bench = Bench()
    bench.held("AAA", 0)
    others = [instrument(symbol) for symbol in ("BBB", "CCC", "DDD")]
    try:
        run(bench.desk.open(opening(instruments=[instrument("AAA", quote="EUR", settle="EUR"), *others])))
    except DeskError:
        return
    bench.place("AAA", "sell", "10", reduce_only=True)
    bench.bars(candle("AAA", 2, "100"))
    assert set(bench.state.cash) == {"USD"}


@finding("D7: a lot that grows leaves a position without its stop")
def test_a_lot_that_grows_leaves_the_stop_watched() -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95", qty="15")
    others = [instrument(symbol) for symbol in ("BBB", "CCC", "DDD")]
    run(bench.desk.open(opening(instruments=[instrument("AAA", lot="100", min_qty="100"), *others])))
    assert ("stop", "95") in levels_of(bench)


@finding("D8: no limit on open orders: snapshot row over 2 MB, halt too slow")
def test_open_orders_are_limited() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    codes = set()
    for _ in range(1001):
        bench.clock.advance(60)
        try:
            bench.place("AAA", "buy", "1", kind="limit", limit_price="20")
        except Refused as refusal:
            codes.add(refusal.error_code)
    assert codes - {"order_rate", "stale_data", "free_balance", "max_symbol_notional"}


@finding("D9: a proposal sized on a later quote fills on an earlier bar")
def test_what_was_priced_on_a_later_quote_never_fills_on_an_earlier_bar() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    bench.call("heartbeat", quotes=[quote("AAA", "109.99", "110.01", T0 + 4 * DAY)])
    bench.propose(proposal("AAA", 0, "100"))
    bench.bars(candle("AAA", 1, "100"))
    assert "order_filled" not in bench.kinds()


@finding("D10: a snapshot of another release's shape ends the desk, though the log could be replayed")
def test_a_snapshot_that_cannot_be_read_falls_back_to_the_log(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "desk.sqlite")
    bench.bars(candle("AAA", 0, "100"))
    for n in range(90):
        order = bench.place("AAA", "buy", "1", kind="limit", limit_price="50")
        bench.call("cancel", client_id=order["client_id"], by="me", idempotency_key=f"c{n}")
    ((seq, body),) = bench.sql.rows("SELECT seq, body FROM snapshots")
    old = json.dumps({**json.loads(body), "a_field_of_then": 1})
    digest = hashlib.sha256(old.encode()).hexdigest()
    bench.sql.rows("UPDATE snapshots SET body = ?, body_hash = ? WHERE seq = ?", old, digest, seq)
    assert bench.reborn().call("view")["status"] == "active"
