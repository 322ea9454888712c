"""From the measures to one regime: each rule asks whether a measure has left the band of white noise, and how far."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import log
from typing import Final, Literal, NamedTuple

from brain.dream.bands import BANDS
from brain.dream.measure import Measure
from shared.model import Model

Regime = Literal["trending", "mean_reverting", "noisy", "chaotic"]
Reason = Literal["", "not_measured", "no_bands"]


class Band(NamedTuple):
    """What white noise of that length gives: below `low` once in 100, above `high` once in 100, `middle` on average."""

    low: float
    middle: float
    high: float


class Rule(NamedTuple):
    """Which side of its band a measure has to leave to speak for a regime, and how much it then weighs."""

    measure: str
    side: Literal["above", "below"]
    regime: Regime
    weight: float


RULES: Final = (
    Rule("hurst", "above", "trending", 0.7),
    Rule("dfa", "above", "trending", 0.7),
    Rule("hurst", "below", "mean_reverting", 0.7),
    Rule("dfa", "below", "mean_reverting", 0.7),
    Rule("sample_entropy", "below", "chaotic", 0.6),
    Rule("permutation_entropy", "below", "chaotic", 0.6),
    Rule("determinism", "above", "chaotic", 0.6),
    Rule("missing_patterns", "above", "chaotic", 0.3),
    Rule("correlation_dimension", "below", "chaotic", 1.0),
)
"""The rules of a regime miss it independently of each other: it is there by `1 - (1 - weight * strength) * ...`. The last
is a factor instead, since correlation, linear or of size, moves the other four of chaos too."""
FULL: Final = 0.5
"""How far beyond its edge a rule is at full strength, in distances of the edge from the middle."""
GATE: Final = "correlation_dimension"
MIN_LYAPUNOV: Final = 0.1
"""Nats a step: a series that repeats itself has few dimensions too, but nothing in it comes apart."""


class Evidence(Model):
    """One rule: `strength` is 0 inside the band and 1 half as far again from its middle as the edge is."""

    measure: str
    value: float
    low: float
    middle: float
    high: float
    regime: Regime
    strength: float
    weight: float


class Verdict(Model):
    """`confidence` is the regime's share of all four; a regime of None has a reason and no evidence."""

    regime: Regime | None
    confidence: float
    shares: dict[str, float]
    evidence: tuple[Evidence, ...]
    reason: Reason = ""


def verdict(measures: Mapping[str, Measure], points: int, default: bool) -> Verdict:
    """What so many prices say; `default` tells whether they were measured with the parameters that the bands are for."""
    bands = bands_of(points) if default else None
    if bands is None:
        return Verdict(regime=None, confidence=0.0, shares={}, evidence=(), reason="no_bands")
    values = {name: measure.value for name, measure in measures.items() if measure.value is not None}
    if len(values) < len(measures):
        return Verdict(regime=None, confidence=0.0, shares={}, evidence=(), reason="not_measured")
    evidence = tuple(_evidence(rule, values[rule.measure], bands[rule.measure]) for rule in RULES)
    shares = _shares(evidence, values["lyapunov"], values["autocorrelation"])
    regime: Regime = max(shares, key=shares.__getitem__)
    return Verdict(regime=regime, confidence=shares[regime], shares=dict(shares.items()), evidence=evidence)


def bands_of(points: int) -> dict[str, Band] | None:
    """The bands for so many prices, in between by the logarithm of the length; None outside of what was calibrated."""
    for short, long in pairwise(sorted(BANDS)):
        if short <= points <= long:
            part = log(points / short) / log(long / short)
            return {
                name: Band(*((1.0 - part) * a + part * b for a, b in zip(band, BANDS[long][name], strict=True)))
                for name, band in BANDS[short].items()
            }
    return None


def _evidence(rule: Rule, value: float, band: Band) -> Evidence:
    edge = band.high if rule.side == "above" else band.low
    room = edge - band.middle
    past = value - edge if rule.side == "above" else edge - value
    # noise that never leaves its middle has no room: then any step beyond is a whole one
    strength = min(1.0, past / abs(FULL * room)) if room else 1.0
    return Evidence.model_construct(
        measure=rule.measure,
        value=value,
        low=band.low,
        middle=band.middle,
        high=band.high,
        regime=rule.regime,
        strength=strength if past > 0.0 else 0.0,
        weight=rule.weight,
    )


def _shares(evidence: tuple[Evidence, ...], lyapunov: float, likeness: float) -> dict[Regime, float]:
    """As if the three regimes were found independently: chaos first, for it brings correlation with it; noise is the rest."""
    absent: dict[Regime, float] = {"trending": 1.0, "mean_reverting": 1.0, "chaotic": 1.0}
    gate = 0.0
    for each in evidence:
        if each.measure == GATE:
            gate = each.strength if lyapunov >= MIN_LYAPUNOV else 0.0
        else:
            absent[each.regime] *= 1.0 - each.weight * each.strength
    # what a straight line through the last move explains is no sign of chaos: noise so correlated has few dimensions too
    chaotic = gate * (1.0 - likeness * likeness) * (1.0 - absent["chaotic"])
    up, down = 1.0 - absent["trending"], 1.0 - absent["mean_reverting"]
    rest: dict[Regime, float] = {"trending": up, "mean_reverting": down, "noisy": (1.0 - up) * (1.0 - down)}
    whole = sum(rest.values())
    shares: dict[Regime, float] = {name: (1.0 - chaotic) * part / whole for name, part in rest.items()}
    return {**shares, "chaotic": chaotic}
