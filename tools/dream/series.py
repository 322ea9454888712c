"""Made-up returns of known kinds, to calibrate on and to test with."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise

Make = Callable[[random.Random, int], list[float]]
WARM_UP = 200


def prices(returns: list[float], step: float = 0.01) -> list[float]:
    """Prices from 100 whose log returns are these, scaled; one more than there are returns."""
    return [100.0 * math.exp(step * height) for height in accumulate(returns, initial=0.0)]


def white(chance: random.Random, length: int) -> list[float]:
    """Independent normal draws."""
    return [chance.gauss(0.0, 1.0) for _ in range(length)]


def autoregressive(memory: float) -> Make:
    """`x' = memory * x + noise`."""

    def make(chance: random.Random, length: int) -> list[float]:
        found = [0.0]
        while len(found) < length + WARM_UP:
            found.append(memory * found[-1] + chance.gauss(0.0, 1.0))
        return found[-length:]

    return make


def fractional(exponent: float) -> Make:
    """Fractional Gaussian noise of that Hurst exponent, exactly, by Hosking's recursion."""

    def make(chance: random.Random, length: int) -> list[float]:
        double = 2.0 * exponent
        cov = [((k + 1) ** double - 2 * k**double + abs(k - 1) ** double) / 2 for k in range(length)]
        found, phi, variance = [chance.gauss(0.0, 1.0)], [0.0] * length, 1.0
        for n in range(1, length):
            tip = (cov[n] - sum(phi[j] * cov[n - 1 - j] for j in range(n - 1))) / variance
            phi[: n - 1] = [phi[j] - tip * phi[n - 2 - j] for j in range(n - 1)]
            phi[n - 1] = tip
            variance *= 1.0 - tip * tip
            found.append(sum(phi[j] * found[n - 1 - j] for j in range(n)) + chance.gauss(0.0, math.sqrt(variance)))
        return found

    return make


def clustered(chance: random.Random, length: int) -> list[float]:
    """GARCH(1, 1): independent in sign, calm and wild days in turns."""
    found, variance = [0.0], 1.0
    while len(found) < length + WARM_UP:
        found.append(math.sqrt(variance) * chance.gauss(0.0, 1.0))
        variance = 0.05 + 0.1 * found[-1] ** 2 + 0.85 * variance
    return found[-length:]


def reverting_level(half_life: float) -> Make:
    """Returns of a log price that goes back to its mean, half of the way in so many steps."""
    keep = 0.5 ** (1.0 / half_life)

    def make(chance: random.Random, length: int) -> list[float]:
        levels = autoregressive(keep)(chance, length + 1)
        return [after - before for before, after in pairwise(levels)]

    return make


def logistic_orbit(start: float) -> Iterator[float]:
    """The logistic map at r = 4, whose exponent is ln 2."""
    value = start
    while True:
        value = 4.0 * value * (1.0 - value)
        yield value


def logistic(chance: random.Random, length: int) -> list[float]:
    """A stretch of the logistic map, around 0."""
    orbit = logistic_orbit(chance.uniform(0.1, 0.9))
    return [next(orbit) - 0.5 for _ in range(length + WARM_UP)][-length:]


def henon(chance: random.Random, length: int) -> list[float]:
    """The first coordinate of the Hénon map (1.4, 0.3), whose exponent is 0.419."""
    x, y = chance.uniform(-0.1, 0.1), chance.uniform(-0.1, 0.1)
    found: list[float] = []
    while len(found) < length + WARM_UP:
        x, y = 1.0 - 1.4 * x * x + y, 0.3 * x
        found.append(x)
    return [value - 0.257 for value in found[-length:]]


def lorenz(chance: random.Random, length: int, step: float = 0.05, parts: int = 10) -> list[float]:
    """x of the Lorenz system (10, 28, 8/3) every `step`, by Runge and Kutta; its exponent is 0.906 a unit of time."""

    def flow(x: float, y: float, z: float) -> tuple[float, float, float]:
        return 10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z

    point = (chance.uniform(0.5, 1.5), 1.0, 20.0)
    found: list[float] = []
    h = step / parts
    for at in range((length + WARM_UP) * parts):
        a = flow(*point)
        b = flow(*(p + h / 2 * d for p, d in zip(point, a, strict=True)))
        c = flow(*(p + h / 2 * d for p, d in zip(point, b, strict=True)))
        e = flow(*(p + h * d for p, d in zip(point, c, strict=True)))
        slopes = (h / 6 * (k + 2 * m + 2 * n + q) for k, m, n, q in zip(a, b, c, e, strict=True))
        x, y, z = (p + slope for p, slope in zip(point, slopes, strict=True))
        point = (x, y, z)
        if at % parts == parts - 1:
            found.append(point[0])
    return found[-length:]


def with_noise(make: Make, share: float) -> Make:
    """The same with so many standard deviations of noise laid over it."""

    def noisy(chance: random.Random, length: int) -> list[float]:
        found = make(chance, length)
        mean = sum(found) / length
        unit = math.sqrt(sum((value - mean) ** 2 for value in found) / length)
        return [value + chance.gauss(0.0, share * unit) for value in found]

    return noisy


KINDS: dict[str, Make] = {
    "white noise": white,
    "GARCH (0.1, 0.85)": clustered,
    "returns of AR(1), 0.2": autoregressive(0.2),
    "returns of AR(1), 0.5": autoregressive(0.5),
    "returns of AR(1), 0.9": autoregressive(0.9),
    "returns of AR(1), -0.5": autoregressive(-0.5),
    "fractional noise, H 0.3": fractional(0.3),
    "fractional noise, H 0.7": fractional(0.7),
    "level that reverts, half-life 10": reverting_level(10.0),
    "logistic map": logistic,
    "logistic map, noise 0.2": with_noise(logistic, 0.2),
    "logistic map, noise 0.5": with_noise(logistic, 0.5),
    "Hénon map": henon,
    "Hénon map, noise 0.2": with_noise(henon, 0.2),
    "Lorenz, every 0.2": lambda chance, length: lorenz(chance, length, 0.2, 40),
    "Lorenz, every 0.4": lambda chance, length: lorenz(chance, length, 0.4, 80),
}
