"""The command line: it says what it plays, what it refuses, and why it does not start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.replay.__main__ import arguments, describe, main
from tools.replay.sources.folder import load_folder

pytestmark = pytest.mark.native

ROOT = Path(__file__).parents[3]


def test_help_names_every_option() -> None:
    command = [sys.executable, "-m", "tools.replay", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"--{option}" in shown for option in vars(arguments([])))


def test_a_missing_dataset_ends_with_the_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--dataset", str(tmp_path / "none")]) == 1
    assert "is not a folder" in caplog.text


def test_every_refused_row_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    header = "symbol,interval,open_time_ms,open,high,low,close,volume"
    bad = "A,1h,0,1,1,1,1,-1\n" * 1_200
    (tmp_path / "a.csv").write_text(f"{header}\nA,1h,3600000,1,1,1,1,1\n{bad}")
    with caplog.at_level("INFO"):
        describe(load_folder(tmp_path))
    assert "venue file: 1 instruments, 1 steps" in caplog.text
    assert "a.csv:3: volume='-1': volume must be >= 0" in caplog.text
    assert "and 200 more rows refused" in caplog.text
