"""Trend: its strength, its age, and the line that it ends at."""

from __future__ import annotations

from brain.indicators.extremes import Highest, Lowest
from brain.indicators.indicator import Indicator
from brain.indicators.period import NAN, checked, positive
from brain.indicators.volatility import Atr


class Adx(Indicator):
    """Average directional index: Wilder's average of `100 * |plus_di - minus_di| / (plus_di + minus_di)`, where the
    directional indicators are the share of the moves up and down in the true ranges, in percent.

    Seed: the sums of the first `period - 1` moves and ranges, then `sum - sum / period + new`; the index begins with
    the mean of `period` values, as in TA-Lib. A value without any directional move counts 0 in that mean and leaves the
    index as it is later, as there. A bar that does not move at all leaves both indicators as they were, however many
    such bars there are.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).

    Oracle: TA-Lib ADX, PLUS_DI, MINUS_DI.
    """

    __slots__ = ("_down", "_dx", "_high", "_last", "_low", "_range", "_seen", "_up", "minus_di", "period", "plus_di")

    inputs = ("high", "low", "close")
    lines = ("value", "plus_di", "minus_di")
    keeps = ("_high", "_low", "_last", "_up", "_down", "_range", "_dx", "_seen")

    plus_di: float
    minus_di: float

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period)
        self._high = self._low = self._last = NAN
        self._up = self._down = self._range = self._dx = 0.0
        self._seen = 0

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return 2 * self.period

    def update(self, high: float, low: float, close: float) -> float:
        """0..100; NaN before `2 * period` bars."""
        rise, fall, last = high - self._high, self._low - low, self._last
        self._high, self._low, self._last = high, low, close
        if self._seen < self.warmup:
            self._seen += 1
            if self._seen == 1:
                return self.value
        period, seen = self.period, self._seen
        wide = (high if high > last else last) - (low if low < last else last)
        if seen > period:
            kept = 1.0 - 1.0 / period
            self._up *= kept
            self._down *= kept
            self._range *= kept
        if rise > fall and rise > 0.0:
            self._up += rise
        elif fall > rise and fall > 0.0:
            self._down += fall
        self._range += wide
        if seen > period:
            self._index(seen, wide)
        return self.value

    def _index(self, seen: int, wide: float) -> None:
        """The lines, from the sums."""
        period, up, down = self.period, self._up, self._down
        moved = up + down
        index = 100.0 * (abs(up - down) / moved) if moved > 0.0 else NAN
        if seen < 2 * period:
            self._dx += index if moved > 0.0 else 0.0
            return
        if self.value != self.value:
            self.value = (self._dx + (index if moved > 0.0 else 0.0)) / period
        elif moved > 0.0:
            self.value = (self.value * (period - 1) + index) / period
        if wide > 0.0 or self.plus_di != self.plus_di:
            whole = self._range
            self.plus_di = 100.0 * (up / whole) if whole > 0.0 else 0.0
            self.minus_di = 100.0 * (down / whole) if whole > 0.0 else 0.0


class Aroon(Indicator):
    """Aroon: `up` is 100 when the highest high of the last `period + 1` bars is the newest, 0 when it is the oldest;
    `down` likewise of the lowest low; `value`, the oscillator, is `up - down`. Of equal ones the newest counts, as in
    TA-Lib.

    Source: Tushar Chande, A Time Price Oscillator, Technical Analysis of Stocks & Commodities 13:9 (1995).

    Oracle: TA-Lib AROON, AROONOSC; the formula.
    """

    __slots__ = ("_highest", "_lowest", "down", "period", "up")

    inputs = ("high", "low")
    lines = ("value", "up", "down")
    keeps = ("_highest", "_lowest")

    up: float
    down: float

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period)
        self._highest = Highest(period + 1)
        self._lowest = Lowest(period + 1)

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.period + 1

    def update(self, high: float, low: float) -> float:
        """The oscillator, -100..100; NaN before `period + 1` bars."""
        highest, lowest, period = self._highest, self._lowest, self.period
        newest = highest.update(high)
        lowest.update(low)
        if newest == newest:
            self.up = up = 100.0 * ((period - highest.age) / period)
            self.down = down = 100.0 * ((period - lowest.age) / period)
            self.value = up - down
        return self.value


class SuperTrend(Indicator):
    """SuperTrend: a band `multiple` average true ranges from the middle of the bar, below the price in a rise
    (`direction` 1) and above it in a fall (-1); it only moves towards the price until a close beyond it turns it.

    Seed: a rise, on the first average true range (seeded as in `Atr`), as in TA-Lib.

    Source: Olivier Seban, Tout le monde mérite d'être riche (2008).

    Oracle: TA-Lib SUPERTREND.
    """

    __slots__ = ("_atr", "_last", "_lower", "_upper", "direction", "multiple", "period")

    inputs = ("high", "low", "close")
    lines = ("value", "direction")
    params = ("period", "multiple")
    keeps = ("_atr", "_upper", "_lower", "_last")

    direction: float

    def __init__(self, period: int = 10, multiple: float = 3.0) -> None:
        super().__init__()
        self.period = checked(period)
        self.multiple = positive(multiple, "multiple")
        self._atr = Atr(period)
        self._upper = self._lower = self._last = NAN

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.period + 1

    def update(self, high: float, low: float, close: float) -> float:
        """Price units; NaN before `period` true ranges."""
        half = self.multiple * self._atr.update(high, low, close)
        if half == half:
            middle = 0.5 * (high + low)
            upper, lower, last = middle + half, middle - half, self._last
            if upper > self._upper and last <= self._upper:
                upper = self._upper
            if lower < self._lower and last >= self._lower:
                lower = self._lower
            rising = self.direction != -1.0
            if self.direction == self.direction:
                rising = close >= lower if rising else close > upper
            self.direction = 1.0 if rising else -1.0
            self.value = lower if rising else upper
            self._upper, self._lower = upper, lower
        self._last = close
        return self.value


class ParabolicSar(Indicator):
    """Parabolic stop and reverse: a stop that follows the price, the faster the more new extremes the trend made;
    `direction` is 1 in a rise, -1 in a fall.

    Seed: the first two bars; a fall if the second one's low went down by more than its high went up, otherwise a rise;
    the stop is the first one's high or low, the extreme the second one's low or high, as in TA-Lib.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).

    Oracle: TA-Lib SAR.
    """

    __slots__ = ("_extreme", "_high", "_low", "_speed", "_stop", "acceleration", "direction", "maximum")

    inputs = ("high", "low")
    lines = ("value", "direction")
    params = ("acceleration", "maximum")
    keeps = ("_stop", "_extreme", "_speed", "_high", "_low")

    direction: float

    def __init__(self, acceleration: float = 0.02, maximum: float = 0.2) -> None:
        super().__init__()
        self.acceleration = positive(acceleration, "acceleration")
        self.maximum = positive(maximum, "maximum")
        if self.acceleration > self.maximum:
            raise ValueError(f"acceleration {acceleration!r} must not be above maximum {maximum!r}")
        self._stop = self._extreme = self._high = self._low = NAN
        self._speed = self.acceleration

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return 2

    def update(self, high: float, low: float) -> float:
        """Price units; NaN on the first bar."""
        before_high, before_low = self._high, self._low
        self._high, self._low = high, low
        if before_high != before_high:
            return self.value
        if self.direction != self.direction:
            falling = before_low - low > max(0.0, high - before_high)
            self.direction = -1.0 if falling else 1.0
            self._stop = before_high if falling else before_low
            self._extreme = low if falling else high
            before_high, before_low = high, low
        if self.direction > 0.0:
            self._rise(high, low, before_high, before_low)
        else:
            self._fall(high, low, before_high, before_low)
        return self.value

    def _rise(self, high: float, low: float, before_high: float, before_low: float) -> None:
        if low <= self._stop:
            self.direction = -1.0
            self.value = stop = max(self._extreme, before_high, high)
            self._speed = self.acceleration
            self._extreme = low
            self._stop = max(stop + self._speed * (low - stop), before_high, high)
            return
        self.value = stop = self._stop
        if high > self._extreme:
            self._extreme = high
            self._speed = min(self.maximum, self._speed + self.acceleration)
        self._stop = min(stop + self._speed * (self._extreme - stop), before_low, low)

    def _fall(self, high: float, low: float, before_high: float, before_low: float) -> None:
        if high >= self._stop:
            self.direction = 1.0
            self.value = stop = min(self._extreme, before_low, low)
            self._speed = self.acceleration
            self._extreme = high
            self._stop = min(stop + self._speed * (high - stop), before_low, low)
            return
        self.value = stop = self._stop
        if low < self._extreme:
            self._extreme = low
            self._speed = min(self.maximum, self._speed + self.acceleration)
        self._stop = max(stop + self._speed * (self._extreme - stop), before_high, high)
