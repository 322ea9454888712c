"""Volume, and where in the bar it traded."""

from __future__ import annotations

from typing import Final

from brain.indicators.indicator import Indicator
from brain.indicators.momentum import NEUTRAL
from brain.indicators.period import NAN, checked
from brain.indicators.window import WindowSum

DAY_MS: Final = 86_400_000
_SAME: Final = 1e-14


class Obv(Indicator):
    """On-balance volume: the volume of bars that closed higher less that of bars that closed lower, since the start,
    the first bar counted as a rise, as in TA-Lib. Rounding is kept apart (two-sum), so it does not drift.

    Source: Joseph Granville, New Key to Stock Market Profits (1963).

    Oracle: TA-Lib OBV.
    """

    __slots__ = ("_last", "_lost", "_sum")

    inputs = ("close", "volume")
    params = ()
    keeps = ("_last", "_sum", "_lost")

    def __init__(self) -> None:
        super().__init__()
        self._last = NAN
        self._sum = 0.0
        self._lost = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return 1

    def update(self, close: float, volume: float) -> float:
        """Units of volume."""
        if close < self._last:
            volume = -volume
        elif close == self._last:
            volume = 0.0
        self._last = close
        before = self._sum
        self._sum = total = before + volume
        part = total - before
        self._lost += (before - (total - part)) + (volume - part)
        self.value = total + self._lost
        return self.value


class Mfi(Indicator):
    """Money flow index: `100 * rising / (rising + falling)`, the turnover (typical price * volume) of the last `period`
    bars whose typical price, (high + low + close) / 3, rose and fell.

    Typical prices that differ by less than 1e-14 of themselves are equal: rounding moves no money, as in TA-Lib. One case
    differs from TA-Lib on purpose: where nothing flowed, TA-Lib says 0, "deeply oversold"; here that is 50.

    Source: Quong, Soudack, Volume-Weighted RSI: Money Flow, Technical Analysis of Stocks & Commodities 7:3 (1989).

    Oracle: TA-Lib MFI; the formula.
    """

    __slots__ = ("_falling", "_last", "_rising", "period")

    inputs = ("high", "low", "close", "volume")
    keeps = ("_last", "_rising", "_falling")

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period)
        self._last = NAN
        self._rising = WindowSum(period)
        self._falling = WindowSum(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    def update(self, high: float, low: float, close: float, volume: float) -> float:
        """0..100; NaN before `period` changes."""
        typical = (high + low + close) / 3.0
        last = self._last
        self._last = typical
        if last == last:
            flow, change, same = typical * volume, typical - last, _SAME * typical
            rising = self._rising.update(flow if change > same else 0.0)
            falling = self._falling.update(flow if change < -same else 0.0)
            if rising == rising:
                both = rising + falling
                self.value = 100.0 * (rising / both) if both > 0.0 else NEUTRAL
        return self.value


class Cmf(Indicator):
    """Chaikin money flow: the sum of `volume * ((close - low) - (high - close)) / (high - low)` over that of the
    volume, of `period` bars; -1..1. A bar without a range counts as in its middle; where nothing traded it is 0.

    The same as TA-Lib's but for what rounding leaves in its running sums.

    Source: Marc Chaikin; Achelis, Technical Analysis from A to Z (2000).

    Oracle: TA-Lib CMF; the formula.
    """

    __slots__ = ("_flow", "_volume", "period")

    inputs = ("high", "low", "close", "volume")
    keeps = ("_flow", "_volume")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._flow = WindowSum(period)
        self._volume = WindowSum(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, high: float, low: float, close: float, volume: float) -> float:
        """-1..1; NaN before `period` bars."""
        wide = high - low
        flow = self._flow.update(volume * (((close - low) - (high - close)) / wide) if wide > 0.0 else 0.0)
        traded = self._volume.update(volume)
        if traded == traded:
            self.value = flow / traded if traded > 0.0 else 0.0
        return self.value


class Vwap(Indicator):
    """Volume-weighted average price since the session began: `sum(typical * volume) / sum(volume)`, the typical price
    being (high + low + close) / 3; before anything traded, the typical price of the bar.

    A session is `session_ms` long, by default a UTC day, and begins `anchor_ms` after the epoch or any number of
    sessions later (14.5 hours for a session from 14:30 UTC). Within one session the same as TA-Lib's, which knows no
    sessions.

    Source: Berkowitz, Logue, Noser, The Total Cost of Transactions on the NYSE, Journal of Finance 43 (1988).

    Oracle: TA-Lib VWAP; the formula.
    """

    __slots__ = ("_session", "_turnover", "_volume", "anchor_ms", "session_ms")

    inputs = ("high", "low", "close", "volume", "open_time_ms")
    params = ("session_ms", "anchor_ms")
    keeps = ("_session", "_turnover", "_volume")

    def __init__(self, session_ms: int = DAY_MS, anchor_ms: int = 0) -> None:
        super().__init__()
        self.session_ms = checked(session_ms, "session_ms")
        self.anchor_ms = checked(anchor_ms, "anchor_ms", 0)
        self._session = NAN
        self._turnover = 0.0
        self._volume = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return 1

    def update(self, high: float, low: float, close: float, volume: float, open_time_ms: int) -> float:
        """Price units."""
        session = (open_time_ms - self.anchor_ms) // self.session_ms
        if session != self._session:
            self._session = float(session)
            self._turnover = self._volume = 0.0
        typical = (high + low + close) / 3.0
        self._turnover += typical * volume
        self._volume += volume
        self.value = self._turnover / self._volume if self._volume > 0.0 else typical
        return self.value
