"""Takes secrets out of whatever is told of a channel: some of them are part of an address."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, urlsplit

STARS = "***"
SHORTEST = 6
"""Shorter parts of an address are words such as `api`, and give nothing away."""


class Mask:
    """Made of every secret of one channel; prints as nothing."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            for part in {secret, *_parts(secret)}:
                forms |= {part, quote(part), quote(part, safe=""), quote_plus(part), json.dumps(part)[1:-1]}
        # the longest first, so that no part of one is left standing
        self._forms = sorted(filter(None, forms), key=lambda form: (-len(form), form))

    def __repr__(self) -> str:
        return f"Mask({STARS})"

    def __call__(self, text: str) -> str:
        """`text` with stars in place of every secret."""
        for form in self._forms:
            text = text.replace(form, STARS)
        return text


def _parts(secret: str) -> set[str]:
    """Of an address what follows the host, whole and in pieces."""
    if "://" not in secret:
        return set()
    address = urlsplit(secret)
    after = address.path + (f"?{address.query}" if address.query else "")
    pieces = {piece for each in address.path.split("/") for piece in each.split(":")}
    pieces |= {value for each in address.query.split("&") for value in each.split("=")}
    return {piece for piece in {after, *pieces} if len(piece) >= SHORTEST}
