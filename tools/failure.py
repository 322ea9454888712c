"""How a tool fails: one line that says what is wrong and what to do about it."""

import sys
from collections.abc import Callable


class ToolError(Exception):
    """A tool cannot go on. The message says the remedy."""


def run_main(main: Callable[[], int]) -> None:
    """Exit with what `main` returns; a ToolError becomes one line on stderr and 1."""
    try:
        code = main()
    except ToolError as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1
    except KeyboardInterrupt:
        code = 130
    raise SystemExit(code)


def say(text: str) -> None:
    """Write one line of progress, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Write one line on stderr: what is wrong here, and does not stop the tool."""
    sys.stderr.write(f"warning: {text}\n")
