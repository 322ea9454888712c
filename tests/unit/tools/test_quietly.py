"""pip on one line, and all that it said where it fails."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from tools.paths import ROOT

pytestmark = pytest.mark.native

PIP = "echo Collecting a==1; echo '  Downloading a.whl'; echo Processing b-2.whl; echo Installing collected packages: a, b"


def ran(script: str) -> subprocess.CompletedProcess[str]:
    command = ["tools/quietly.sh", "2", "sh", "-c", script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_goes_well_is_one_line() -> None:
    done = ran(PIP)
    assert (done.returncode, done.stdout.rstrip(), done.stderr) == (0, "  2 of 2 packages", "")


def test_on_a_terminal_one_line_counts_along() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(["tools/quietly.sh", "2", "sh", "-c", PIP], cwd=ROOT, stdout=theirs, check=False)
    said = os.read(ours, 10_000).decode()
    assert done.returncode == 0
    assert said.startswith("\r  1 of 2 packages\r  2 of 2 packages\r")
    assert said.count("\n") == 1


def test_what_fails_is_told_whole() -> None:
    done = ran("echo Collecting a==1; echo no such package >&2; exit 3")
    assert done.returncode == 1
    assert "no such package" in done.stderr
    assert "failed with 3" in done.stderr


def test_setup_runs_pip_in_no_other_way() -> None:
    setup = (ROOT / "tools/setup.sh").read_text()
    assert [line for line in setup.splitlines() if "-m pip" in line] == [
        next(line for line in setup.splitlines() if line.startswith("pip() { tools/quietly.sh "))
    ]
