"""The nouns of the desk: immutable, validated at birth. Of ours this package imports only `shared.errors`."""

from shared.model.base import Model
from shared.model.candle import Candle
from shared.model.entry import Entry
from shared.model.exact import Exact, NotNegative, Positive
from shared.model.fill import Fill
from shared.model.ids import HexId
from shared.model.instrument import Instrument, InstrumentId, Symbol, VenueName, symbol_of, venue_of
from shared.model.interval import Interval
from shared.model.level import Level, LevelKind
from shared.model.money import Money
from shared.model.order import Cause, Order, OrderKind, OrderStatus, TimeInForce
from shared.model.outcome import Outcome
from shared.model.position import Position
from shared.model.proposal import Proposal, Size
from shared.model.quote import Quote
from shared.model.side import Side
from shared.model.signal import Action, Signal, StrategyName
from shared.model.ticket import Ticket
from shared.model.trade import Trade

__all__ = [
    "Action",
    "Candle",
    "Cause",
    "Entry",
    "Exact",
    "Fill",
    "HexId",
    "Instrument",
    "InstrumentId",
    "Interval",
    "Level",
    "LevelKind",
    "Model",
    "Money",
    "NotNegative",
    "Order",
    "OrderKind",
    "OrderStatus",
    "Outcome",
    "Position",
    "Positive",
    "Proposal",
    "Quote",
    "Side",
    "Signal",
    "Size",
    "StrategyName",
    "Symbol",
    "Ticket",
    "TimeInForce",
    "Trade",
    "VenueName",
    "symbol_of",
    "venue_of",
]
