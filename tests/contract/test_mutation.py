"""The list of changes that nobody could notice is held to the code."""

import pytest

from tests.contract import source
from tools.failure import ToolError
from tools.mutate import equivalent
from tools.mutate.mutants import mutants


def test_every_entry_is_a_change_that_can_still_be_made() -> None:
    entries = equivalent.read()
    modules = {change.module for change in entries}
    paths = {name: source.ROOT / f"{name.replace('.', '/')}.py" for name in modules}
    assert {name for name, path in paths.items() if not path.is_file()} == set()
    found = [mutant for path in paths.values() for mutant in mutants(path)]
    assert equivalent.stale(entries, found) == []


def test_an_entry_without_a_reason_is_refused(tmp_path: source.Path) -> None:
    path = tmp_path / "equivalent.toml"
    path.write_text('[[equivalent]]\nmodule = "a"\nfunction = ""\nbefore = "1"\nafter = "2"\nreason = " "\n')
    with pytest.raises(ToolError, match="a reason"):
        equivalent.read(path)
