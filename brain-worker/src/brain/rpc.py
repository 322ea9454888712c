"""JSON text in, an envelope of JSON text out: a refusal travels as a value, only a bug as an exception.

Backtests bring the whole desk along, half of what the brain would otherwise load at start: the first that is asked for imports it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from brain import check as checking
from brain import describe as describing
from brain import scan as scanning
from brain.dream import request as dreaming
from brain.dream.kernel import Kernel
from shared.errors import DeskError, Invalid


def scan(text: str) -> str:
    """`brain.scan.scan` over JSON."""
    return _answer(scanning.scan, text)


def describe(text: str) -> str:
    """`brain.describe.describe` over JSON."""
    return _answer(describing.describe, text)


def check(text: str) -> str:
    """`brain.check.check` over JSON."""
    return _answer(checking.check, text)


def backtest(text: str) -> str:
    """`brain.backtest.call.backtest` over JSON."""
    from brain.backtest import call as backtesting

    return _answer(backtesting.backtest, text)


def judge(text: str) -> str:
    """`brain.backtest.call.judge` over JSON."""
    from brain.backtest import call as backtesting

    return _answer(backtesting.judge, text)


def dream(text: str, kernel: Kernel) -> str:
    """`brain.dream.request.dream` over JSON."""
    return _answer(lambda body: dreaming.dream(body, kernel), text)


def _answer(method: Callable[[Any], dict[str, Any]], text: str) -> str:
    try:
        envelope = {"ok": True, "value": method(_body(text))}
    except DeskError as error:
        envelope = {"ok": False, "error": error.wire()}
    return json.dumps(envelope, separators=(",", ":"), allow_nan=False)


def _body(text: str) -> Any:
    """Read by pydantic's parser: quick, and deep nesting is refused, where `json` overruns Pyodide's stack."""
    try:
        return from_json(text)
    except (TypeError, ValueError) as error:
        raise Invalid.field("body", text, "must be JSON text", type(error).__name__) from None
