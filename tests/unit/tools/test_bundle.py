"""The glue is adapted in full, or refused."""

import pytest

from tools import bundle
from tools.failure import ToolError

pytestmark = pytest.mark.native

GLUE = (bundle.PYODIDE / "pyodide.asm.mjs").read_text() if bundle.PYODIDE.is_dir() else ""


def test_nothing_forbidden_is_left_in_the_glue() -> None:
    adapted = bundle.adapt_glue(GLUE)
    for forbidden in ("new WebAssembly.Module(", "WebAssembly.instantiate(", "Date.now(", "crypto.getRandomValues("):
        assert forbidden not in adapted
    assert "export{_createPyodideModule,_createPyodideModule as default}" in adapted


@pytest.mark.parametrize("patch", bundle.PATCHES, ids=lambda patch: patch.name)
def test_a_glue_that_lacks_a_patch_site_is_refused(patch: bundle.Patch) -> None:
    with pytest.raises(ToolError, match="patch"):
        bundle.adapt_glue(GLUE.replace(patch.old, "", 1))


def test_a_glue_without_load_lib_data_is_refused() -> None:
    with pytest.raises(ToolError, match="loadLibData"):
        bundle.adapt_glue(GLUE.replace(bundle.LIBRARY_START, "function other(){"))


def test_a_workerd_without_the_wrappers_is_refused() -> None:
    with pytest.raises(ToolError, match="addEventListener"):
        bundle.check_workerd(b"nothing of use")


def test_the_installed_workerd_has_every_wrapper() -> None:
    bundle.check_workerd(bundle.WORKERD.read_bytes())
