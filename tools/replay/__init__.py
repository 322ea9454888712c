"""Recorded markets, and the server side of the replay venue that plays them over loopback HTTP and WebSocket.

    markets = builtin_markets()                    # or load_folder(path), or generated_market(symbols=250)
    server = ReplayServer(markets, state_file)
    base_url = server.start()                      # http://127.0.0.1:<port>
    server.step("us")                              # one bar on; depth has been handed to every socket
    server.stop()

The protocol, the depth rule and where the data comes from: docs/replay.md.
"""

from tools.replay.clock import ClockReading
from tools.replay.datasets import builtin_markets, markets_for
from tools.replay.errors import DatasetError, ReplayError, ServerError, StateError
from tools.replay.faults import CandleFault, Faults
from tools.replay.generator import generated_market
from tools.replay.market import Market
from tools.replay.server import ReplayServer
from tools.replay.sources.folder import load_folder

__all__ = [
    "CandleFault",
    "ClockReading",
    "DatasetError",
    "Faults",
    "Market",
    "ReplayError",
    "ReplayServer",
    "ServerError",
    "StateError",
    "builtin_markets",
    "generated_market",
    "load_folder",
    "markets_for",
]
