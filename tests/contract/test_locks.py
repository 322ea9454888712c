"""Everything that is installed is pinned to one version and held to a hash."""

import json
import re

import pytest

from tests.contract import source
from tools.lock import LOCKS, NAMES, lock_file, wanted
from tools.paths import WORKERS

PINNED = re.compile(r"([A-Za-z0-9._-]+)==([^\s;]+)(?: *;[^#]*?)?((?: +--hash=sha256:[0-9a-f]{64})+)")
WITHOUT_INTEGRITY = {
    "node_modules/@cloudflare/workerd-darwin-64",
    "node_modules/@cloudflare/workerd-darwin-arm64",
    "node_modules/@cloudflare/workerd-windows-64",
}
"""Optional builds of workerd for macOS and Windows. Not every registry publishes them, and npm writes no integrity for
what it could not see. Everything runs on Linux, whose builds are held to theirs."""


def requirements(name: str) -> list[str]:
    """Each requirement of a lock on one line."""
    text = re.sub(r"\\\n\s*", " ", lock_file(name).read_text())
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def pins(name: str) -> dict[str, str]:
    """Package -> version."""
    found = [PINNED.fullmatch(line) for line in requirements(name)]
    return {normal(each[1]): each[2] for each in found if each}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_lock_is_one_that_the_tool_writes() -> None:
    assert {path.stem for path in LOCKS.glob("*.txt")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_has_one_version_and_a_hash(name: str) -> None:
    lines = requirements(name)
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []
    assert len(pins(name)) == len(lines), "a package stands there twice"


@pytest.mark.parametrize("worker", WORKERS)
def test_what_a_worker_asks_for_stands_in_its_lock_at_that_version(worker: str) -> None:
    locked = pins(worker)
    asked = wanted(worker)
    assert asked
    for requirement in asked:
        package, _, version = requirement.partition("==")
        assert version, f"{requirement} is not pinned"
        assert locked.get(normal(package)) == version, f"{worker}: run python -m tools.lock {worker}"


def test_every_npm_package_has_an_integrity() -> None:
    packages = json.loads((source.ROOT / "package-lock.json").read_text())["packages"]
    without = {name for name, package in packages.items() if name and "integrity" not in package}
    assert without == WITHOUT_INTEGRITY
    for name in without:
        assert packages[name]["optional"], name
        assert "linux" not in packages[name]["os"], name


def test_the_npm_dependencies_are_pinned() -> None:
    packages = json.loads((source.ROOT / "package-lock.json").read_text())["packages"]
    asked = json.loads((source.ROOT / "package.json").read_text())["devDependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked
