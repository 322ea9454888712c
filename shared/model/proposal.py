"""What the brain proposes and the desk may refuse. How much it may be at most is the desk's to say."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from shared.model.base import Model
from shared.model.exact import Positive
from shared.model.ids import HexId
from shared.model.instrument import InstrumentId
from shared.model.order import OrderKind, TimeInForce, check_terms
from shared.model.side import Side
from shared.model.signal import Action, StrategyName


class Size(Model):
    """How much the brain wants, in exactly one of three ways; the desk's own risk and every limit still bound it.

    `risk_bps`: basis points of equity that are lost at the stop; `exposure`: notional as a multiple of equity; `qty`: lots of the
    instrument. Without a size the desk takes its own `risk_per_trade_bps`.
    """

    risk_bps: Positive | None = None
    exposure: Positive | None = None
    qty: Positive | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("risk_bps", "exposure", "qty") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a size is one of risk_bps, exposure and qty, not {', '.join(given) or 'none'}")
        return self


class Proposal(Model):
    """`price` is the bar's close that it was made on; distances are price units from the entry price.

    An entry is a market order unless `kind` says otherwise: then it rests at `limit_price` or sets off at `trigger_price`, until
    `good_till_ms` (market time) if that is given. `why` says what led to it: numbers, votes, rules.
    """

    signal_id: HexId
    strategy: StrategyName
    version: int = Field(ge=1)
    params: HexId
    instrument: InstrumentId
    bar_close_ms: int = Field(ge=0)
    action: Action
    side: Side
    price: Positive
    stop_distance: Positive | None = None
    target_distance: Positive | None = None
    trail_distance: Positive | None = None
    kind: OrderKind = OrderKind.MARKET
    limit_price: Positive | None = None
    trigger_price: Positive | None = None
    good_till_ms: int | None = Field(default=None, ge=0)
    size: Size | None = None
    attempt: int = Field(default=1, ge=1, le=99)
    reason: Annotated[str, StringConstraints(max_length=200)] = ""
    why: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        force = TimeInForce.GTC if self.good_till_ms is None else TimeInForce.GTD
        check_terms(self.kind, self.limit_price, self.trigger_price, force, self.good_till_ms, post_only=False)
        if self.action is Action.EXIT and self.kind is not OrderKind.MARKET:
            raise ValueError(f"kind must be market for an exit, not {self.kind}")
        return self
