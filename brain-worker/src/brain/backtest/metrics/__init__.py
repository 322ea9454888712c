"""What a run is judged by; `docs/metrics.md` has each with its unit, formula and source."""

from brain.backtest.metrics.report import Metrics, metrics
from brain.backtest.metrics.undefined import UndefinedError

__all__ = ["Metrics", "UndefinedError", "metrics"]
