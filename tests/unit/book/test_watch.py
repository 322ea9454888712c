from __future__ import annotations

from decimal import Decimal

from shared.book.watch import REFIRE_MS, Watched
from shared.model import Level, LevelKind, Quote, Side


def quote(bid: str, seq: int, instrument: str = "us:AAPL") -> Quote:
    at = Decimal(bid)
    one = Decimal(1)
    return Quote(instrument=instrument, bid=at, ask=at + 1, bid_qty=one, ask_qty=one, ts_ms=1, received_ms=1, seq=seq)


def level(price: str, kind: LevelKind = LevelKind.STOP) -> Level:
    return Level(instrument="us:AAPL", kind=kind, side=Side.SELL, price=Decimal(price))


STOP = level("95")
TARGET = level("110", LevelKind.TARGET)


def test_a_crossed_level_is_pending_until_it_is_answered_for() -> None:
    watched = Watched()
    watched.replace([STOP, TARGET])
    assert not watched.see(quote("100", 1), 0)
    assert watched.see(quote("94", 2), 0)
    assert not watched.see(quote("93", 3), 0)
    assert not watched.see(quote("100", 4), 0)
    crossing = watched.next()
    assert crossing
    assert (crossing.level, crossing.quote.seq) == (STOP, 2)
    assert watched.next() == crossing
    watched.answered(crossing, 0)
    assert watched.next() is None


def test_a_level_still_listed_fires_again_only_for_a_newer_quote_and_not_at_once() -> None:
    watched = Watched()
    watched.replace([STOP])
    watched.see(quote("94", 2), 0)
    watched.answered(watched.next(), 0)  # type: ignore[arg-type]
    watched.replace([STOP])
    assert not watched.see(quote("94", 2), 10 * REFIRE_MS)
    assert not watched.see(quote("94", 3), REFIRE_MS - 1)
    assert watched.see(quote("94", 3), REFIRE_MS)


def test_levels_that_are_no_longer_listed_are_forgotten() -> None:
    watched = Watched()
    watched.replace([STOP, STOP, TARGET])
    watched.see(quote("94", 2), 0)
    watched.replace([TARGET])
    assert watched.next() is None
    assert not watched.see(quote("94", 3), 0)
    assert watched.instruments() == {"us:AAPL"}
    watched.replace([STOP])
    assert watched.see(quote("94", 3), 0)


def test_another_instrument_crosses_nothing() -> None:
    watched = Watched()
    watched.replace([STOP])
    assert not watched.see(quote("1", 2, "us:IBM"), 0)
