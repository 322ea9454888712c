"""Which object keeps which books: the symbols of a venue in alphabetical order, so many to an object."""

from __future__ import annotations

SYMBOLS_A_SHARD = 200


def shard_name(venue: str, rank: int) -> str:
    """The object of the symbol at this place, from 0, among the venue's symbols in alphabetical order."""
    return f"{venue}:{rank // SYMBOLS_A_SHARD}"
