"""One exchange with a venue: whatever leaves the answer unknown is `VenueUnavailable`, a plain no is `Refused`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx
from pydantic_core import from_json

from shared.errors import Refused, VenueUnavailable

MAX_BYTES = 16 * 1024 * 1024
"""No page of candles comes near it; a longer answer is not worth the memory of a worker."""


class Answer(NamedTuple):
    """What a venue answered: any status but 429 and 5xx."""

    status: int
    body: bytes


async def get_json(client: httpx.AsyncClient, url: str, params: Mapping[str, str | int], timeout_s: float) -> Any:
    """The decoded body. `timeout_s` is over the whole exchange.

    Raises `VenueUnavailable` for a time-out, a broken connection, 429 (with `retry_after_s`), 5xx, or a body that is
    not JSON; `Refused` for any other status but 200.
    """
    response = await _sent(client, client.build_request("GET", url, params=dict(params), timeout=timeout_s), timeout_s)
    _check_known(response, url)
    if response.status_code != 200:
        text = response.text[:200]
        raise Refused(
            f"{url}: answered {response.status_code}: {text}", code="venue_refused", http=response.status_code
        )
    return _decoded(response.content, url)


async def ask(
    client: httpx.AsyncClient, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
) -> Answer:
    """One request with any method, sent once and never again. The caller reads the body and judges the status.

    Raises `VenueUnavailable` for a time-out, a broken connection, 429 (with `retry_after_s`), 5xx, or a body too long to read:
    after each of these the venue may or may not have done what was asked.
    """
    request = client.build_request(method, url, headers=dict(headers), content=body, timeout=timeout_s)
    shown = url.partition("?")[0]
    response = await _sent(client, request, timeout_s)
    _check_known(response, shown)
    _check_size(response.content, shown)
    return Answer(response.status_code, response.content)


async def _sent(client: httpx.AsyncClient, request: httpx.Request, timeout_s: float) -> httpx.Response:
    url = str(request.url.copy_with(query=None))
    try:
        async with asyncio.timeout(timeout_s):
            return await client.send(request)
    except (TimeoutError, httpx.TimeoutException):
        raise VenueUnavailable(f"{url}: no answer within {timeout_s} s", url=url) from None
    except httpx.HTTPError as error:
        raise VenueUnavailable(f"{url}: {type(error).__name__}: {error}", url=url) from None


def _check_known(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status == 429 or status >= 500:
        wait_s = _retry_after_s(response)
        raise VenueUnavailable(f"{url}: answered {status}", retry_after_s=wait_s, url=url, http=status)


def _check_size(body: bytes, url: str) -> None:
    if len(body) > MAX_BYTES:
        raise VenueUnavailable(f"{url}: {len(body)} bytes are more than the {MAX_BYTES} allowed", url=url)


def _retry_after_s(response: httpx.Response) -> float | None:
    # The header may also hold a date; a venue clock that cannot be trusted is worth less than our own backoff.
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) <= 6 else None


def _decoded(body: bytes, url: str) -> Any:
    _check_size(body, url)
    try:
        # pydantic's parser: in Pyodide, the C code of `json` overruns the stack when nesting is deep.
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise VenueUnavailable(f"{url}: the answer is not JSON: {str(error)[:120]}", url=url) from None
