"""Volatility breakout: the Bollinger bands lay inside the Keltner channel, and the price leaves upwards."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from brain.bar import Idea
from brain.ideas import SAME, AtrStops, enter, leave
from brain.indicators import Atr, Bollinger, Keltner
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class KeltnerSqueezeParams(AtrStops):
    """The bands, the channel, and how long the one must have lain inside the other."""

    period: int = Field(default=20, ge=3, le=400, description="bars of the middle of bands and channel")
    deviations: float = Field(default=2.0, ge=0.5, le=5.0, description="half width of the bands, standard deviations")
    multiple: float = Field(default=1.5, ge=0.5, le=5.0, description="half width of the channel, average true ranges")
    min_bars: int = Field(default=4, ge=1, le=200, description="bars that the squeeze must have lasted")


class KeltnerSqueeze(Strategy[KeltnerSqueezeParams]):
    """Enter long when a squeeze of at least `min_bars` bars ends with a close above every high in it, exit when the close
    falls below the middle band.

    The idea: volatility comes in waves, and when closes scatter less than the bars' own ranges would let them (the
    Bollinger bands inside the Keltner channel) a wave is due; the first bar outside tells which way. A squeeze that
    ends downwards, or without a new high, is let go.

    It fails when the first move out is the wrong one, which is common, and in markets that are always quiet, where a
    squeeze says nothing. Squeezes are rare: few trades, so a backtest of it proves little.

    Score: of an entry how far above the squeeze the close is, of an exit how far below the middle band; both in average
    true ranges.

    Source: John Bollinger, Bollinger on Bollinger Bands (2001); bands inside the channel: John Carter, Mastering the
    Trade (2005).
    """

    name: ClassVar[str] = "keltner_squeeze"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = KeltnerSqueezeParams
    remembers: ClassVar[tuple[str, ...]] = ("bars", "top", "side")
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """`bars` of the squeeze so far and its highest high; `side` of the middle that the close was last on."""
        params = self.params
        self.bands = self.uses(Bollinger(params.period, params.deviations))
        self.channel = self.uses(Keltner(params.period, params.atr_period, params.multiple))
        self.atr = self.uses(Atr(params.atr_period))
        self.bars = 0
        self.top = 0.0
        self.side: int | None = None

    def on_candle(self, view: View) -> Idea | None:
        """The end of a squeeze, or a close below the middle."""
        bands, channel, atr, bar = self.bands, self.channel, self.atr.value, view.bar
        if bands.value != bands.value or channel.value != channel.value:
            return None
        bars, top, before = self.bars, self.top, self.side
        if bands.upper < channel.upper and bands.lower > channel.lower:
            self.bars, self.top = bars + 1, max(top, bar.high)
        else:
            self.bars, self.top = 0, 0.0
        away = bar.close - bands.value
        if abs(away) > SAME * bar.close:
            self.side = 1 if away > 0.0 else -1
        if before == 1 and self.side == -1:
            return leave(
                -away / atr, "close_below_middle_band", {"close": bar.close, "middle": bands.value, "atr": atr}
            )
        if not self.bars and bars >= self.params.min_bars and bar.close > top:
            evidence = {"close": bar.close, "top": top, "squeezed_bars": float(bars), "width": bands.width}
            return enter(self.params, atr, (bar.close - top) / atr, "squeeze_ended_upwards", evidence)
        return None
