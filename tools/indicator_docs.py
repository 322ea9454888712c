"""Write docs/indicators.md from the indicators themselves: what they take and give, their warm-up, source and oracle.

With --check it only says whether the page is the one that it would write.
"""

import argparse
import importlib
import inspect
import re
import sys
from typing import Any, Final

from tools.failure import ToolError, run_main, say
from tools.paths import ROOT, source_folder

PAGE: Final = ROOT / "docs" / "indicators.md"

HEAD: Final = """# Indicators

Made by `python -m tools.indicator_docs` from the docstrings in `brain-worker/src/brain/indicators/`; do not edit.

An indicator takes one closed bar after another and costs the same however long it has run:

```python
from brain.indicators import Bollinger, batch

bands = Bollinger(20, 2.0)
middle = bands.update(101.5)  # the newest value; bands.upper, bands.lower, … are its other lines
columns = batch(Bollinger(20, 2.0), {"close": closes})  # {"value": […], "upper": […], …}: the same numbers
```

- **Warm-up.** Every line is NaN until `warmup` updates, and a number from then on, all lines from the same bar.
- **Speed.** O(1) an update on average, about a microsecond each: highest and lowest are monotonic queues, window sums
  and moments are queues of two stacks. The one exception is CCI, whose mean deviation has no such form: it keeps its
  window sorted (O(log n) to find a place) and adds up the part above the mean anew, in one call: 2 µs with a period of
  20, 5 µs with 200, 26 µs with 2000. A balanced tree would be O(log n), and in Python slower below some thousand bars.
- **No drift.** What leaves a window leaves nothing of itself behind, however large it was: sums are either kept with what
  rounding took from them, or never subtract. Seeds of recursive averages stand below.
- **State.** `state()` is one text, its numbers packed as doubles in base64: equal knowledge is equal text. `restore(state)`
  goes on with the same numbers to the last bit; a state of another indicator, of other settings, of a release that kept
  other things, or with a number that cannot be raises ValueError, TypeError or LookupError.
- **Bad input.** Settings are checked at birth (ValueError). Bars are checked where they come in: an indicator sees only
  finite prices above 0. `batch` refuses columns that are missing, differ in length or are not finite.
- **Adding one.** A file holds a family; a class its formula. It names its `inputs`, `lines`, `params` and `keeps`, says
  `Source:` and `Oracle:` in its docstring and joins `INDICATORS`; the tests over all indicators then hold it to all of
  the above, and fail until something judges its numbers.

The oracle is what the tests hold the numbers to: TA-Lib's function to 1e-9 of the number after the warm-up, on recorded,
made-up (flat, huge, tiny, one spike, one crash, bars that did not trade) and generated markets, and "the formula": the
definition written down once more, the whole window anew for every bar, in exact fractions. The formula judges where
TA-Lib has no such function, keeps what rounding left in its running sums, or differs on purpose. With TA-Lib and the
formulas every line has a judge, so no second package is installed for it.

| name | inputs | lines | warm-up at the defaults | source | oracle |
|---|---|---|---|---|---|
"""


def paragraphs(indicator: Any) -> list[str]:
    """The docstring's paragraphs, each on one line."""
    return [" ".join(each.split()) for each in inspect.cleandoc(indicator.__doc__ or "").split("\n\n")]


def said(indicator: Any, word: str) -> str:
    """The paragraph that begins with a word; ToolError where there is none."""
    for each in paragraphs(indicator):
        if each.startswith(f"{word}: "):
            return each.removeprefix(f"{word}: ").removesuffix(".")
    raise ToolError(f"{indicator.__name__} does not say its {word}: add a paragraph `{word}: …` to its docstring")


def code(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def row(indicator: Any) -> str:
    """One line of the table."""
    made = indicator()
    cells = (
        f"[`{indicator.__name__}`](#{indicator.__name__.lower()})",
        code(made.inputs),
        code(made.lines),
        str(made.warmup),
        said(indicator, "Source"),
        said(indicator, "Oracle"),
    )
    return f"| {' | '.join(cells)} |\n"


def section(indicator: Any) -> str:
    """What its docstring says, below its call."""
    told = [each for each in paragraphs(indicator) if not re.match("(Source|Oracle): ", each)]
    parameters = ", ".join(str(each) for each in inspect.signature(indicator, eval_str=True).parameters.values())
    return f"\n## {indicator.__name__}\n`{indicator.__name__}({parameters})`\n\n" + "\n\n".join(told) + "\n"


def page() -> str:
    """The whole page."""
    sys.path.insert(0, str(source_folder("brain")))
    indicators = importlib.import_module("brain.indicators").INDICATORS.values()
    return HEAD + "".join(map(row, indicators)) + "".join(map(section, indicators))


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(prog="python -m tools.indicator_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is not as it should be")
    text = page()
    if not parser.parse_args().check:
        PAGE.write_text(text)
        say(f"wrote {PAGE.relative_to(ROOT)}")
    elif not PAGE.is_file() or PAGE.read_text() != text:
        raise ToolError("docs/indicators.md is not what the docstrings say: run python -m tools.indicator_docs")
    return 0


if __name__ == "__main__":
    run_main(main)
