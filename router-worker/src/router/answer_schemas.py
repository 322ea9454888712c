"""The shapes of answers, for OpenAPI only: the answers themselves are written as bytes and never pass through these."""

from __future__ import annotations

from typing import Any

from shared.model import Fill, Instrument, Model, Order, Position, Signal
from shared.model.alert import Alert

MODELS: tuple[type[Model], ...] = (Alert, Fill, Instrument, Order, Position, Signal)
_TEXT = {"type": "string"}
_INT = {"type": "integer"}
_MAYBE_INT = {"type": ["integer", "null"]}
_MAYBE_TEXT = {"type": ["string", "null"]}
_FLAG = {"type": "boolean"}
_ANY = {"type": "object"}
_DECIMAL = {"type": "string", "format": "decimal"}
_LEVELS = {"type": "array", "items": {"type": "array", "items": _DECIMAL}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _optional(schema: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {**schema, "properties": schema["properties"] | properties}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _with(name: str, **properties: Any) -> dict[str, Any]:
    return {"allOf": [_ref(name), _object(**properties)]}


def _page(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return _object(items={"type": "array", "items": item}, next_cursor=_MAYBE_TEXT, **more)


_KEY = {
    "prefix": _TEXT,
    "role": {"enum": ["viewer", "trader", "admin"]},
    "desks": {"type": "array", "items": _TEXT},
    "label": _TEXT,
    "created_ms": _INT,
    "created_by": _TEXT,
}
_BOOK_AGE = {"seq": _INT, "ts_ms": _INT, "received_ms": _INT, "age_ms": _INT, "stale": _FLAG}
_RUN = _object(
    id=_TEXT,
    job=_TEXT,
    scope=_TEXT,
    state={"enum": ["queued", "running", "done", "failed", "skipped"]},
    requested_by=_TEXT,
    queued_ms=_INT,
    started_ms=_MAYBE_INT,
    ended_ms=_MAYBE_INT,
    counts=_ANY,
    operations=_ANY,
    error=_MAYBE_TEXT,
)
_BACKTEST = {
    "id": _TEXT,
    "owner": _TEXT,
    "state": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
    "runs": _INT,
    "done": _INT,
    "best": _MAYBE_INT,
    "verdict": {"type": ["object", "null"]},
    "code": _MAYBE_TEXT,
    "error": _MAYBE_TEXT,
    "created_ms": _INT,
    "started_ms": _MAYBE_INT,
    "ended_ms": _MAYBE_INT,
}
_BACKTEST_RUN = _object(
    number=_INT,
    params=_ANY,
    state={"enum": ["queued", "running", "done", "refused", "failed", "cancelled"]},
    summary={"type": ["object", "null"]},
    code=_MAYBE_TEXT,
    error=_MAYBE_TEXT,
    started_ms=_MAYBE_INT,
    ended_ms=_MAYBE_INT,
)
_STRATEGY = _object(
    name=_TEXT,
    version=_INT,
    doc=_TEXT,
    params={
        "type": "object",
        "additionalProperties": _object(
            default={"type": ["number", "string"]},
            min={"type": ["number", "null"]},
            max={"type": ["number", "null"]},
            kind={"enum": ["int", "float", "symbol"]},
            doc=_TEXT,
        ),
    },
    warmup_bars=_INT,
)
_COVERAGE = _object(
    from_ms=_INT,
    to_ms=_INT,
    symbols={
        "type": "object",
        "additionalProperties": _object(
            bars=_INT,
            first_ms=_MAYBE_INT,
            last_ms=_MAYBE_INT,
            listed_ms=_MAYBE_INT,
            starts_late=_FLAG,
            ends_early=_FLAG,
            missing=_MAYBE_INT,
            holes={"type": "array", "items": {"type": "array", "items": _INT}},
        ),
    },
)
# those that were kept by an older release have neither
_RESULT = _optional(
    _object(
        v=_INT,
        backtest=_TEXT,
        number=_INT,
        params=_ANY,
        strategies={"type": "array", "items": _ANY},
        decisions={"type": ["object", "null"]},
        symbols={"type": "array", "items": _TEXT},
        metrics={"type": ["object", "null"]},
        curve=_ANY,
        trades={"type": "array", "items": _ANY},
        trades_left_out=_INT,
        refused={"type": "array", "items": _ANY},
        fingerprint=_TEXT,
    ),
    doubts={"type": "array", "items": _TEXT},
    coverage={"anyOf": [_COVERAGE, {"type": "null"}]},
)
_CANDLE = _object(open_time_ms=_INT, open=_DECIMAL, high=_DECIMAL, low=_DECIMAL, close=_DECIMAL, volume=_DECIMAL)
_ALERT = _with(
    "Alert",
    seq=_MAYBE_INT,
    state={"enum": ["pending", "delivered", "unreached", "suppressed", "recorded"]},
    reason=_MAYBE_TEXT,
    same_as=_MAYBE_TEXT,
    tries=_INT,
    due_ms=_MAYBE_INT,
    repeats=_INT,
    attempts={
        "type": "array",
        "items": _object(channel=_TEXT, at_ms=_INT, ok=_FLAG, status=_MAYBE_INT, detail=_TEXT),
    },
)
_ROWS = {"type": "array", "items": _ANY}
_HEALTH = _object(
    status={"enum": ["ok", "degraded"]},
    environment=_TEXT,
    trading_mode=_TEXT,
    now_ms=_INT,
    jobs=_ROWS,
    markets=_ROWS,
    desks=_ROWS,
    alerts=_object(waiting=_INT, unreached=_INT),
)
_DESK = _object(desk=_TEXT, venue=_TEXT, currency=_TEXT, mode=_TEXT, opened_ms=_INT, as_of_seq=_INT)
_SIGNAL = _with("Signal", desk=_TEXT, outcome=_TEXT, code=_MAYBE_TEXT, client_id=_MAYBE_TEXT, created_ms=_INT)
_ORDER = _object(order=_ref("Order"))
_EVENT = _object(seq=_INT, v=_INT, at_ms=_INT, kind=_TEXT, body=_ANY, hash=_TEXT)
_HISTORY = _page(_EVENT, as_of_seq=_INT)
_PROTECTIONS = _object(
    desk=_TEXT,
    status=_TEXT,
    since_ms=_MAYBE_INT,
    halt_code=_MAYBE_TEXT,
    halt_reason=_MAYBE_TEXT,
    hold_until_ms=_MAYBE_INT,
    reductions=_ANY,
    protections=_ROWS,
    equity_peak=_MAYBE_TEXT,
    drawdown_bps=_MAYBE_INT,
    day_loss_bps=_MAYBE_INT,
    unresolved=_MAYBE_INT,
    seq=_INT,
)
_RECONCILIATION = _object(
    looked_ms=_MAYBE_INT, clean=_FLAG, failing=_MAYBE_TEXT, differences=_ROWS, venue_silent_ms=_INT
)
_LIVE_GATE = _object(mode=_TEXT, open=_FLAG, items=_ROWS, armed_until_ms=_INT)
_HALTED = _object(desk=_TEXT, status=_TEXT, since_ms=_MAYBE_INT)

PAGES = {("GET", "/v1/backtests/{backtest}/runs/{number}/plot")}
"""Answered as text/html."""
ANSWERS: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/openapi.json"): _ANY,
    ("GET", "/v1/health"): _HEALTH,
    ("GET", "/v1/instruments"): _page(_ref("Instrument")),
    ("GET", "/v1/candles"): _page(_CANDLE, instrument=_TEXT, interval=_TEXT),
    ("GET", "/v1/signals"): _page(_SIGNAL),
    ("GET", "/v1/books"): _page(_object(instrument=_TEXT, **_BOOK_AGE), unavailable=_ROWS),
    ("GET", "/v1/books/{venue}/{symbol}"): _object(instrument=_TEXT, bids=_LEVELS, asks=_LEVELS, **_BOOK_AGE),
    ("GET", "/v1/alerts"): _page(_ALERT),
    ("POST", "/v1/alerts/test"): _object(id=_TEXT),
    ("GET", "/v1/jobs"): _page(_RUN),
    ("POST", "/v1/scan"): _object(run_id=_TEXT, job=_TEXT, scope=_TEXT, queued_ms=_INT),
    ("GET", "/v1/strategies"): _page(_STRATEGY),
    ("POST", "/v1/backtests"): _object(id=_TEXT, runs=_INT, queued_ms=_INT),
    ("GET", "/v1/backtests"): _page(_object(**_BACKTEST, venue=_TEXT, interval=_TEXT)),
    ("GET", "/v1/backtests/{backtest}"): _object(
        **_BACKTEST,
        ended=_object(done=_INT, refused=_INT, failed=_INT, cancelled=_INT),
        request=_ANY,
        items={"type": "array", "items": _BACKTEST_RUN},
    ),
    ("GET", "/v1/backtests/{backtest}/runs/{number}"): _RESULT,
    ("GET", "/v1/backtests/{backtest}/runs/{number}/plot"): _TEXT,
    ("POST", "/v1/backtests/{backtest}/cancel"): _object(id=_TEXT, state=_TEXT),
    ("GET", "/v1/keys"): _page(_object(**_KEY, revoked_ms=_MAYBE_INT)),
    ("POST", "/v1/keys"): _object(key=_MAYBE_TEXT, **_KEY),
    ("POST", "/v1/keys/{prefix}/revoke"): _object(prefix=_TEXT, revoked_ms=_INT),
    ("GET", "/v1/desks"): _page(_DESK),
    ("GET", "/v1/desks/{desk}"): _object(
        desk=_TEXT, venue=_TEXT, mode=_TEXT, status=_TEXT, currency=_TEXT, cash=_DECIMAL, limits=_ANY, seq=_INT
    ),
    ("GET", "/v1/desks/{desk}/orders"): _page(_ref("Order"), seq=_INT),
    ("GET", "/v1/desks/{desk}/orders/{client_id}"): _ORDER,
    ("POST", "/v1/desks/{desk}/orders"): _ORDER,
    ("POST", "/v1/desks/{desk}/orders/{client_id}/cancel"): _ORDER,
    ("PATCH", "/v1/desks/{desk}/orders/{client_id}"): _ORDER,
    ("POST", "/v1/desks/{desk}/orders/{client_id}/resolve"): _ORDER,
    ("PUT", "/v1/desks/{desk}/positions/{instrument}/levels"): _object(
        instrument=_TEXT, stop_price=_MAYBE_TEXT, target_price=_MAYBE_TEXT, trail_distance=_MAYBE_TEXT
    ),
    ("GET", "/v1/desks/{desk}/positions"): _page(_ref("Position"), seq=_INT),
    ("GET", "/v1/desks/{desk}/fills"): _page(_with("Fill", seq=_INT), as_of_seq=_INT),
    ("GET", "/v1/desks/{desk}/journal"): _HISTORY,
    ("GET", "/v1/desks/{desk}/protections"): {"anyOf": [_PROTECTIONS, _HISTORY]},
    ("GET", "/v1/desks/{desk}/reconciliation"): {"anyOf": [_RECONCILIATION, _HISTORY]},
    ("POST", "/v1/desks/{desk}/reconciliation/{difference}/accept"): _object(seq=_INT),
    ("GET", "/v1/desks/{desk}/live-gate"): _LIVE_GATE,
    ("POST", "/v1/desks/{desk}/live-gate/arm"): _object(desk=_TEXT, confirm=_TEXT, expires_ms=_INT),
    ("POST", "/v1/desks/{desk}/live-gate/arm/confirm"): _object(desk=_TEXT, armed_until_ms=_INT),
    ("POST", "/v1/desks/{desk}/live-gate/disarm"): _object(desk=_TEXT, armed_until_ms=_INT),
    ("POST", "/v1/desks/{desk}/halt"): _HALTED,
    ("POST", "/v1/desks/{desk}/resume"): _object(desk=_TEXT),
    ("POST", "/v1/halt"): _page(_object(desk=_TEXT, ok=_FLAG)),
}
