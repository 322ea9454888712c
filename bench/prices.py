"""Cloudflare's price list (Workers Paid, US dollars, 2026-11), and what a month of operations comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PLAN_DOLLARS = 5.0
"""A month of Workers Paid; everything below is beyond what it includes."""

DAYS = 30
MILLION = 1_000_000
OBJECT_GB = 0.128
DOCS = "https://developers.cloudflare.com"


class Price(NamedTuple):
    """Of one kind of operation: how many a month are included, dollars a million beyond, and where that stands."""

    title: str
    included: float
    dollars: float
    page: str


PRICES = {
    "requests": Price("Workers requests", 10 * MILLION, 0.30, "/workers/platform/pricing"),
    "cpu_ms": Price("Workers CPU ms", 30 * MILLION, 0.02, "/workers/platform/pricing"),
    "d1_rows_read": Price("D1 rows read", 25_000 * MILLION, 0.001, "/d1/platform/pricing"),
    "d1_rows_written": Price("D1 rows written", 50 * MILLION, 1.00, "/d1/platform/pricing"),
    "kv_reads": Price("KV reads", 10 * MILLION, 0.50, "/kv/platform/pricing"),
    "kv_writes": Price("KV writes", 1 * MILLION, 5.00, "/kv/platform/pricing"),
    "r2_class_a": Price("R2 class A (put, list)", 1 * MILLION, 4.50, "/r2/pricing"),
    "r2_class_b": Price("R2 class B (get)", 10 * MILLION, 0.36, "/r2/pricing"),
    "queue_operations": Price("Queues operations", 1 * MILLION, 0.40, "/queues/platform/pricing"),
    "object_requests": Price("Durable Object requests", 1 * MILLION, 0.15, "/durable-objects/platform/pricing"),
    "object_gb_s": Price("Durable Object GB-s", 400_000, 12.50, "/durable-objects/platform/pricing"),
    "object_rows_read": Price("Durable Object rows read", 25_000 * MILLION, 0.001, "/durable-objects/platform/pricing"),
    "object_rows_written": Price(
        "Durable Object rows written", 50 * MILLION, 1.00, "/durable-objects/platform/pricing"
    ),
}


class Charge(NamedTuple):
    """A month of one kind of operation."""

    price: Price
    a_month: float
    dollars: float


def charges(a_day: Mapping[str, float]) -> list[Charge]:
    """Of `DAYS` such days, in the order of the list; KeyError for an operation that has no price."""
    unknown = set(a_day) - set(PRICES)
    if unknown:
        raise KeyError(f"no price for {sorted(unknown)}")
    found = []
    for name, price in PRICES.items():
        a_month = a_day.get(name, 0.0) * DAYS
        found.append(Charge(price, a_month, max(0.0, a_month - price.included) / MILLION * price.dollars))
    return found


def total(found: list[Charge]) -> float:
    """Dollars a month, the plan included."""
    return PLAN_DOLLARS + sum(each.dollars for each in found)
