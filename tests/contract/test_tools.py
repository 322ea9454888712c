"""Every tool says what it does when asked."""

import subprocess
import sys

import pytest

from tests.contract import source

TOOLS = (
    "bundle",
    "vendor",
    "snapshot",
    "stack",
    "lock",
    "test",
    "check",
    "deploy",
    "keys",
    "replay",
    "dev",
    "drill",
    "pyodide_tests",
    "mutate",
    "simulate",
    "chaos",
    "backtest",
    "dream",
    "indicator_docs",
    "strategy_docs",
)


@pytest.mark.parametrize(
    "module", [*(f"tools.{name}" for name in TOOLS), "bench", "bench.cost", "bench.load", "bench.load.client"]
)
def test_a_tool_explains_itself(module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]
    told = subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.startswith("usage:")
    # more than what argparse says by itself
    assert len(told.splitlines()) > 4


def test_no_tool_was_forgotten() -> None:
    runnable = {
        path.stem for path in (source.ROOT / "tools").glob("*.py") if '__name__ == "__main__"' in path.read_text()
    }
    packages = {path.parent.name for path in (source.ROOT / "tools").glob("*/__main__.py")}
    assert runnable | packages == set(TOOLS)
