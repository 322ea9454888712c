"""What a worker vendors: all that it imports of ours, and nothing else."""

import ast
from pathlib import Path

import pytest

from tools import vendor
from tools.failure import ToolError

pytestmark = pytest.mark.native


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "shared/__init__.py": "",
        "shared/a/__init__.py": "from .one import X\n",
        "shared/a/one.py": "import shared.b.two\nX = 1\n",
        "shared/b/__init__.py": "",
        "shared/b/two.py": "from ..c import three\n",
        "shared/c/__init__.py": "",
        "shared/c/three.py": "",
        "shared/c/unused.py": "",
        "w/src/entry.py": "def f():\n    from shared.a import X\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(vendor, "ROOT", tmp_path)
    return tmp_path


def test_the_closure_follows_every_kind_of_import_and_no_further(tree: Path) -> None:
    names = {path.as_posix() for path in vendor.shared_closure(tree / "w" / "src")}
    assert names == {
        "shared/__init__.py",
        "shared/a/__init__.py",
        "shared/a/one.py",
        "shared/b/__init__.py",
        "shared/b/two.py",
        "shared/c/__init__.py",
        "shared/c/three.py",
    }


def test_a_package_whose_modules_are_found_at_run_time_is_taken_whole(tree: Path) -> None:
    (tree / "shared/b/two.py").write_text("import pkgutil\nfrom shared import c\nfrom shared.a import X\n")
    (tree / "shared/a/unused.py").write_text("import shared.b.other\n")
    names = {path.as_posix() for path in vendor.shared_closure(tree / "w" / "src")}
    assert names >= {"shared/c/three.py", "shared/c/unused.py"}
    assert "shared/a/unused.py" not in names, "what was imported from it is no package"


def test_what_several_workers_share_is_parsed_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = ast.parse
    monkeypatch.setattr(vendor.ast, "parse", lambda text, path: parsed.append(path) or parse(text, path))
    vendor._imports.cache_clear()
    first = vendor.shared_closure(tree / "w" / "src")
    assert vendor.shared_closure(tree / "w" / "src") == first
    assert sorted(set(parsed)) == sorted(parsed)
    (tree / "shared/c/three.py").write_text("import shared.c.unused\n")
    assert Path("shared/c/unused.py") in vendor.shared_closure(tree / "w" / "src"), "an edit is seen"


def test_a_syntax_error_is_named_by_file_and_line(tree: Path) -> None:
    (tree / "shared/a/one.py").write_text("x = 1\ny = (\n")
    with pytest.raises(ToolError, match=r"shared/a/one.py:2"):
        vendor.shared_closure(tree / "w" / "src")


BAD = {
    "syntax": (b"x = 1\ny = (\n", ":2: "),
    "text": (b"x = '\xff'\n", ":1: "),
    "null": (b"x = 1\n\0", ": "),
    "deep": (b"-" * 100_000 + b"1", ": "),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_strategy_that_cannot_be_read_is_warned_of_and_stops_nothing(
    tree: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    source, place = BAD[kind]
    good = vendor.shared_closure(tree / "w" / "src")
    for folder in ("w/src/brain/strategies", "w/src/other"):
        (tree / folder).mkdir(parents=True)
    bad = tree / "w/src/brain/strategies/bad.py"
    bad.write_bytes(source)
    assert vendor.shared_closure(tree / "w" / "src") == good
    told = capsys.readouterr().err
    assert told.startswith(f"warning: w/src/brain/strategies/bad.py{place}")
    assert told.endswith(": mend the file\n")
    bad.rename(tree / "w/src/other/bad.py")
    with pytest.raises(ToolError, match=f"^w/src/other/bad.py{place}.*: mend the file$"):
        vendor.shared_closure(tree / "w" / "src")


def test_what_a_worker_cannot_use_is_stripped(tmp_path: Path) -> None:
    kept = ("p/__init__.py", "p/x.so", "p-1.dist-info/METADATA", "p-1.dist-info/entry_points.txt")
    gone = ("p/x.pyi", "p/tests/t.py", "p/__pycache__/x.pyc", "p-1.dist-info/RECORD", "bin/p")
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    vendor.strip(tmp_path)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == set(kept)


def test_stale_missing_and_superfluous_files_are_found_and_mended(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "packages").mkdir()
    monkeypatch.setattr(vendor, "packages", lambda name: tree / "packages")
    monkeypatch.setattr(vendor, "WORKERS", {"w": tree / "w"})
    monkeypatch.setattr(vendor, "source_folder", lambda worker: tree / "w" / "src")
    assert vendor.vendor("w") == 7
    assert vendor.differences("w") == []
    modules = tree / "w" / "python_modules"
    (modules / "shared/a/one.py").write_text("stale")
    (modules / "shared/b/two.py").unlink()
    (modules / "shared/extra.py").touch()
    assert len(vendor.differences("w")) == 3
    vendor.vendor("w")
    assert vendor.differences("w") == []
