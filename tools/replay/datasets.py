"""Which markets are played: the built-in ones, or those of a folder instead."""

from __future__ import annotations

from pathlib import Path

from tools.replay.market import Market
from tools.replay.sources.folder import load_folder
from tools.replay.sources.fx import fx_market
from tools.replay.sources.us import us_market


def builtin_markets() -> list[Market]:
    """The recorded markets `us` and `fx`; raises DatasetError when a package they are read from is missing."""
    return [us_market(), fx_market()]


def markets_for(dataset: Path | None) -> list[Market]:
    """The folder's market `file` when `dataset` is given, the built-in markets otherwise; raises DatasetError."""
    return [load_folder(dataset)] if dataset else builtin_markets()
