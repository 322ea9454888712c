"""Write the part of docs/strategies.md that describes each strategy, from the strategies themselves.

What stands above the mark in the page is written by hand and stays. With --check it only says whether the page is the one
that it would write.
"""

import argparse
import importlib
from typing import Any, Final

from tools.failure import ToolError, run_main, say
from tools.paths import ROOT
from tools.strategies import refuse_broken

PAGE: Final = ROOT / "docs" / "strategies.md"
MARK: Final = "<!-- From here on made by `python -m tools.strategy_docs` from the strategies; do not edit. -->\n"


def described() -> list[dict[str, Any]]:
    """What the brain says of its strategies; ToolError where one of them could not be loaded."""
    refuse_broken()
    found: list[dict[str, Any]] = importlib.import_module("brain.describe").describe({})["strategies"]
    return found


def paragraphs(strategy: dict[str, Any]) -> list[str]:
    """Its docstring's paragraphs, each on one line."""
    return [" ".join(each.split()) for each in strategy["doc"].split("\n\n")]


def shown(paragraph: str) -> str:
    """With the word that it begins with made bold, where that is one of those that every strategy has."""
    for word in ("The idea:", "It fails", "Score:", "Source:"):
        if paragraph.startswith(word):
            return f"**{word}**{paragraph.removeprefix(word)}"
    return paragraph


def row(name: str, param: dict[str, Any]) -> str:
    """One line of a table of parameters."""
    bounds = "a symbol" if param["kind"] == "symbol" else f"{param['min']} … {param['max']}"
    return f"| `{name}` | {param['default']} | {bounds} | {param['doc']} |\n"


def section(strategy: dict[str, Any]) -> str:
    """What it is, and its parameters."""
    head = f"## {strategy['name']}\nVersion {strategy['version']}; warm after {strategy['warmup_bars']} bars at the defaults."
    told = "\n\n".join([head, *map(shown, paragraphs(strategy))])
    rows = "".join(row(name, param) for name, param in strategy["params"].items())
    return f"\n{told}\n\n| parameter | default | bounds | meaning |\n|---|---|---|---|\n{rows}"


def page(text: str) -> str:
    """The page, from what it is now; ToolError where it has no mark."""
    above, mark, _ = text.partition(MARK)
    if not mark:
        raise ToolError(f"docs/strategies.md has no line {MARK.strip()!r}: put it where the strategies begin")
    strategies = described()
    listed = ", ".join(f"[`{each['name']}`](#{each['name']})" for each in strategies)
    return f"{above}{mark}\n{listed}\n" + "".join(map(section, strategies))


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(prog="python -m tools.strategy_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is not as it should be")
    check = parser.parse_args().check
    now = PAGE.read_text()
    text = page(now)
    if not check:
        PAGE.write_text(text)
        say(f"wrote {PAGE.relative_to(ROOT)}")
    elif now != text:
        raise ToolError("docs/strategies.md is not what the strategies say: run python -m tools.strategy_docs")
    return 0


if __name__ == "__main__":
    run_main(main)
