"""The settings of the desks that a market needs: those of the cron's own wrangler.toml, or ones for a dataset."""

from __future__ import annotations

import json
from collections import Counter

from tools.replay.bar import INTERVALS_MS
from tools.replay.market import Market

_FILE_DESK = {
    "venue": "file",
    "cash": "100000",
    "strategies": [{"name": "sma_cross"}, {"name": "rsi_reversion"}],
    "limits": {
        "risk_per_trade_bps": 50,
        "max_order_notional": "20000",
        "max_symbol_notional": "25000",
        "max_total_notional": "100000",
        "max_open_positions": 20,
        "max_orders_per_minute": 600,
    },
    "paper": {"fee_bps": "5", "slippage_bps": "2", "volume_share_bps": 1000},
}


def main_interval(market: Market) -> str:
    """The interval that most of a market's symbols have; the shorter one of two."""
    counts = Counter(interval for _, interval in market.series)
    return min(counts, key=lambda interval: (-counts[interval], INTERVALS_MS[interval]))


def cron_vars(markets: list[Market], replay_url: str) -> dict[str, str]:
    """Variables for cron-worker: where the replay venue is and, for a dataset, one venue and one desk named `file`."""
    found = {"REPLAY_URL": replay_url}
    if [market.venue for market in markets] != ["file"]:
        return found
    market = markets[0]
    quotes = Counter(instrument.quote for instrument in market.instruments.values())
    currency = quotes.most_common(1)[0][0]
    venue = {"kind": "replay", "interval": main_interval(market), "calendar": "session"}
    desk = _FILE_DESK | {"currency": currency}
    if len(quotes) > 1:
        same = [instrument.symbol for instrument in market.instruments.values() if instrument.quote == currency]
        desk |= {"symbols": same}
    return found | {"VENUES": json.dumps({"file": venue}), "DESKS": json.dumps({"file": desk})}
