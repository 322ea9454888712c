"""A stage imports only what stands before it, and only the edges touch the runtime."""

from pathlib import Path

import pytest

from tests.contract import source

STAGES = ("model", "venues", "book", "market", "archive", "desk", "edge")
RUNTIME = ("js", "pyodide", "workers")
SHELLS = {f"{worker}-worker/src/entry.py" for worker in source.WORKERS} | {
    "desk-worker/src/desk_object.py",
    "book-worker/src/book_object.py",
}
CLOCKS = ("shared/clock.py", "shared/edge/")


def outside(path: Path, roots: tuple[str, ...]) -> set[str]:
    return {module for module in source.imports(path) if module.split(".")[0] in roots}


def test_every_shell_exists() -> None:
    assert [name for name in sorted(SHELLS) if not (source.ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", list(source.files("shared")), ids=source.name)
def test_a_stage_imports_only_what_stands_before_it(path: Path) -> None:
    stage = path.relative_to(source.ROOT / "shared").parts[0]
    ours = {module.split(".")[1] for module in source.imports(path) if module.startswith("shared.")}
    if stage == "model":
        assert ours <= {"model", "errors"}
    elif stage in STAGES:
        later = set(STAGES[STAGES.index(stage) + 1 :])
        assert not ours & later, f"{source.name(path)} reaches forward"
    else:
        assert not ours & (set(STAGES) - {"model"}), f"{source.name(path)} is common to all stages"


@pytest.mark.parametrize("path", list(source.files(*source.SHIPPED)), ids=source.name)
def test_only_the_edges_touch_the_runtime(path: Path) -> None:
    name = source.name(path)
    if name.startswith("shared/edge/") or name in SHELLS:
        return
    assert not outside(path, RUNTIME)
    assert not any(module.startswith("shared.edge") for module in source.imports(path)), f"{name} reaches into the edge"


def test_the_brain_cannot_reach_out() -> None:
    for path in source.files("brain-worker"):
        assert not outside(path, ("httpx", "socket", "urllib", "asyncio")), source.name(path)
        assert not any(module.startswith("shared.edge") for module in source.imports(path)), source.name(path)


def test_the_desk_has_no_web_framework() -> None:
    for path in [*source.files("desk-worker"), *source.files("shared")]:
        assert not outside(path, ("fastapi", "starlette")), source.name(path)


@pytest.mark.parametrize("path", list(source.files(*source.SHIPPED)), ids=source.name)
def test_there_is_one_clock(path: Path) -> None:
    if source.name(path).startswith(CLOCKS):
        return
    forbidden = {"time", "random", "secrets", "uuid"}
    assert not outside(path, tuple(forbidden)), "wall time and randomness come from shared/clock.py"
    for line, called in source.calls(path):
        assert not called.endswith((".now", ".utcnow", ".today")), f"{source.name(path)}:{line} reads the wall clock"
