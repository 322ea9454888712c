"""One GET that answers JSON: whatever leaves the answer unknown is `VenueUnavailable`, a plain no is `Refused`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic_core import from_json

from shared.errors import Refused, VenueUnavailable

MAX_BYTES = 16 * 1024 * 1024
"""No page of candles comes near it; a longer answer is not worth the memory of a worker."""


async def get_json(client: httpx.AsyncClient, url: str, params: Mapping[str, str | int], timeout_s: float) -> Any:
    """The decoded body. `timeout_s` is over the whole exchange.

    Raises `VenueUnavailable` for a time-out, a broken connection, 429 (with `retry_after_s`), 5xx, or a body that is
    not JSON; `Refused` for any other status but 200.
    """
    try:
        async with asyncio.timeout(timeout_s):
            response = await client.get(url, params=dict(params), timeout=timeout_s)
    except (TimeoutError, httpx.TimeoutException):
        raise VenueUnavailable(f"{url}: no answer within {timeout_s} s", url=url) from None
    except httpx.HTTPError as error:
        raise VenueUnavailable(f"{url}: {type(error).__name__}: {error}", url=url) from None
    _check_status(response, url)
    return _decoded(response.content, url)


def _check_status(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status == 429 or status >= 500:
        wait_s = _retry_after_s(response)
        raise VenueUnavailable(f"{url}: answered {status}", retry_after_s=wait_s, url=url, http=status)
    if status != 200:
        raise Refused(f"{url}: answered {status}: {response.text[:200]}", code="venue_refused", http=status)


def _retry_after_s(response: httpx.Response) -> float | None:
    # The header may also hold a date; a venue clock that cannot be trusted is worth less than our own backoff.
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) <= 6 else None


def _decoded(body: bytes, url: str) -> Any:
    if len(body) > MAX_BYTES:
        raise VenueUnavailable(f"{url}: {len(body)} bytes are more than the {MAX_BYTES} allowed", url=url)
    try:
        # pydantic's parser: in Pyodide, the C code of `json` overruns the stack when nesting is deep.
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise VenueUnavailable(f"{url}: the answer is not JSON: {str(error)[:120]}", url=url) from None
