"""Numbers that describe a book: floats, for analytics; nothing here decides about money. All pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shared.book.ladder import Top


def mid(top: Top) -> float:
    """(bid + ask) / 2, in quote units."""
    return (float(top.bid) + float(top.ask)) / 2


def spread_bps(top: Top) -> float:
    """The quoted spread relative to the mid, in basis points: 10,000 (ask - bid) / mid.

    Source: L. Harris, Trading and Exchanges (2003), chapter 14.
    """
    return 10_000 * (float(top.ask) - float(top.bid)) / mid(top)


def imbalance(bid_qtys: Sequence[float], ask_qtys: Sequence[float]) -> float:
    """(B - A) / (B + A) over the summed quantities of the levels given, in -1..1; 0 where both are empty.

    Source: A. Cartea, S. Jaimungal, J. Penalva, Algorithmic and High-Frequency Trading (2015), chapter 12.
    """
    bid, ask = math.fsum(bid_qtys), math.fsum(ask_qtys)
    total = bid + ask
    return (bid - ask) / total if total else 0.0


def microprice(top: Top) -> float:
    """The weighted mid, (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty): nearer to the side that is thinner.

    Source: J. Gatheral and R. Oomen, Zero-intelligence realized variance estimation (2010). S. Stoikov, The micro-price
    (2018), estimates a martingale on top of it; this is the plain one. With no quantity at all it is the mid.
    """
    bid_qty, ask_qty = float(top.bid_qty), float(top.ask_qty)
    total = bid_qty + ask_qty
    return (float(top.bid) * ask_qty + float(top.ask) * bid_qty) / total if total else mid(top)
