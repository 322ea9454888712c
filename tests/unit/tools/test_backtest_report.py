"""`make backtest` shows how far it is, and writes the very report that the API gives for the same bars and account."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from brain.backtest.call import backtest
from tests.unit.brain.backtest.support import walk
from tools.backtest import __main__ as tool
from tools.backtest import options, show
from tools.backtest.data import load

pytestmark = pytest.mark.native
START_MS = 1_704_067_200_000
BARS = 5000
PARAMS: dict[str, Any] = {"fast": 4, "slow": 12, "stop_atr": 1.5}


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "made.csv"
    lines = [",".join(map(str, (START_MS + bar.open_time_ms, *bar[1:]))) for bar in walk(4, BARS)]
    file.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    return file


@pytest.fixture
def argv(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(tool, "BUILD", tmp_path / "build")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    params = " ".join(f"{name}={value}" for name, value in PARAMS.items())
    return ["--data", str(csv), "--params", params, "--warmup", "30", "--slippage-bps", "2", "--name", "made"]


def run(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["backtest", *argv])
    assert tool.main() == 0


def test_a_bar_on_a_terminal_shows_how_far_it_is(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    seen: list[float] = []
    bar = tool.Progress

    class Watched(bar):  # type: ignore[misc, valid-type]
        def advance(self, task_id: Any, advance: float = 1) -> None:
            super().advance(task_id, advance)
            seen.append(self.tasks[0].completed)
            self.refresh()

    monkeypatch.setattr(tool, "Progress", Watched)
    run(argv, monkeypatch)
    # it moves while it runs, and ends where all is done
    assert len(seen) >= 2
    assert seen == sorted(set(seen))
    assert seen[-1] == BARS
    told = capsys.readouterr()
    assert f"{BARS}/{BARS}" in told.err
    assert "bars" in told.err
    assert f"{BARS}/{BARS}" not in told.out


def test_where_nobody_watches_no_bar_is_in_the_way(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(argv, monkeypatch)
    assert f"{BARS}/{BARS}" not in capsys.readouterr().out


def test_the_report_is_the_one_of_the_api(argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(argv, monkeypatch)
    [file] = (tmp_path / "build").rglob("report.json")
    told = json.loads(file.read_text())
    asked = options.arguments(argv)
    data = load(asked.data)
    answer = backtest(
        json.loads(
            json.dumps(
                {
                    "venue": data.venue,
                    "interval": data.interval.value,
                    "strategies": [{"name": "sma_cross", "params": PARAMS}],
                    "account": options.account(asked, data.currency),
                    "instruments": list(data.instruments),
                    "market": dict(data.columns),
                    "warmup_bars": 30,
                }
            )
        )
    )
    wanted = json.loads(json.dumps(answer["report"]))
    assert wanted["metrics"]["trades"] > 20
    assert {name: told[name] for name in wanted} == wanted
    page = file.with_name("report.html").read_text()
    assert wanted["fingerprint"] in page
    assert page.count("<svg") == 3, "equity, drawdown and the trades on the price"


def test_trades_can_be_read_on_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    trade = {"symbol": "BTC-USD", "qty": 12345.0, "entry_ms": 0, "exit_ms": 86_400_000, "entry_price": 1234.56}
    trade |= {"exit_price": 1300.25, "pnl": -12345.67, "fees": 12.5, "bars": 12, "reason": "proposal"}
    told = {"metrics": None, "trades": [trade], "trades_left_out": 0, "refused": [], "open_symbols": []}
    show.report(Console(width=80), "wide", told | {"halted": "", "carry": 0.0, "fingerprint": "f"}, [])
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("BTC-USD")]
    assert line.split() == [
        "BTC-USD",
        "12345",
        "1970-01-01",
        "1234.56",
        "1970-01-02",
        "1300.25",
        "-12,345.67",
        "proposal",
    ]
