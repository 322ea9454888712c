"""Multiplicative weights with bounds.

    w_i <- w_i exp(-eta loss_i), then projected onto {floor <= w_i <= cap, sum 1}

Hedge: Freund and Schapire, A decision-theoretic generalization of on-line learning, Journal of Computer and System Sciences 55
(1997). With losses in 0..1 over T rounds and N experts its expected loss is above that of the best expert by at most
`ln N / eta + eta T / 8`, so `sqrt(T ln N / 2)` with `eta = sqrt(8 ln N / T)` (Cesa-Bianchi and Lugosi, Prediction, Learning, and
Games, 2006, theorem 2.2). The projection is that of relative entropy (Herbster and Warmuth, Tracking the best linear predictor,
Journal of Machine Learning Research 1, 2001): against every fixed weighting within the bounds the same holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum


def update(weights: Sequence[float], losses: Sequence[float], rate: float, floor: float, cap: float) -> list[float]:
    """The weights after one round. `weights` are above 0, or 0 for an expert that is out for good; `losses` in 0..1."""
    least = min(losses)
    return project([w * exp(-rate * (loss - least)) for w, loss in zip(weights, losses, strict=True)], floor, cap)


def project(weights: Sequence[float], floor: float, cap: float) -> list[float]:
    """The weighting within the bounds that is nearest by relative entropy: `min(cap, max(floor, c w))` with the `c` that makes the
    sum 1. Bounds that so many weights cannot keep give way: each may have its equal share."""
    count = len(weights)
    floor, cap = min(floor, 1.0 / count), max(cap, 1.0 / count)
    if not fsum(weights) > 0.0:
        return [1.0 / count] * count
    total = fsum(weights)
    shares = [w / total for w in weights]
    low: set[int] = set()
    high: set[int] = set()
    while True:
        scaled = _scaled(shares, low, high, floor, cap)
        under = {at for at, w in enumerate(scaled) if at not in low and at not in high and w < floor}
        over = {at for at, w in enumerate(scaled) if at not in low and at not in high and w > cap}
        if not under and not over:
            return scaled
        missing = fsum(floor - scaled[at] for at in under)
        surplus = fsum(scaled[at] - cap for at in over)
        # the bound that is broken by more holds in the end for certain; the other may not be broken any more by then
        if missing >= surplus:
            low |= under
        if surplus >= missing:
            high |= over


def _scaled(shares: Sequence[float], low: set[int], high: set[int], floor: float, cap: float) -> list[float]:
    """Those at a bound stand there; the others share what is left, in their own proportion."""
    free = [at for at in range(len(shares)) if at not in low and at not in high]
    left = 1.0 - len(low) * floor - len(high) * cap
    among = fsum(shares[at] for at in free)
    found = [floor if at in low else cap for at in range(len(shares))]
    for at in free:
        found[at] = shares[at] * left / among if among > 0.0 else left / len(free)
    return found
