"""Files inside installed packages, found without importing the package (its own dependencies are not installed)."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from tools.replay.errors import DatasetError


def packaged_file(package: str, distribution: str, inner: str) -> Path:
    """The path of `inner` inside the installed `package`; raises DatasetError with the remedy when it is not there."""
    spec = find_spec(package)
    roots = list(spec.submodule_search_locations or ()) if spec else []
    remedy = f"pip install --no-deps {distribution} in the version that the lock file names"
    if not roots:
        raise DatasetError(f"package {package} is not installed, and a built-in market is read from it; {remedy}")
    file = Path(roots[0]) / inner
    if not file.is_file():
        raise DatasetError(f"{file}: this file of package {package} is missing; {remedy}")
    return file


def rows(file: Path, header: list[str]) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of a CSV file, gzipped or not, after its header; raises DatasetError when the header differs."""
    with _open(file) as text:
        reader = csv.reader(text)
        found = next(reader, [])
        if found != header:
            raise DatasetError(f"{file}:1: header is {found}, not {header}; install the version in the lock file")
        for fields in reader:
            if len(fields) != len(header):
                rule = f"{len(fields)} fields, not {len(header)}"
                raise DatasetError(f"{file}:{reader.line_num}: {rule}; reinstall the package")
            yield reader.line_num, fields


def _open(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")
