"""The stack itself: state outlives SIGKILL, and nothing outlives stop()."""

import os
from pathlib import Path

import pytest

from tools.failure import ToolError
from tools.stack import Stack

pytestmark = pytest.mark.native


def test_a_stack_that_does_not_run_says_so(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    stack.stop()
    assert not stack.running
    with pytest.raises(ToolError, match=r"start\(\) it first"):
        stack.d1("SELECT 1")


def test_state_outlives_sigkill_and_no_process_outlives_stop(tmp_path: Path) -> None:
    stack = Stack(tmp_path, workers=("brain",), extra_configs=(made_worker(tmp_path),)).start()
    try:
        assert stack.fetch("pong", "/put?v=7").status == 200
        stack.kill()
        stack.start()
        assert stack.fetch("pong", "/get").body == b"7"
        group = stack.pid
    finally:
        stack.stop()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def made_worker(folder: Path) -> Path:
    worker = folder / "pong"
    worker.mkdir()
    (worker / "main.mjs").write_text(
        """export default { async fetch(request, env) {
          const url = new URL(request.url);
          if (url.pathname === "/put") await env.KEPT.put("v", url.searchParams.get("v"));
          return new Response(await env.KEPT.get("v"));
        } };"""
    )
    config = worker / "wrangler.toml"
    config.write_text(
        'name = "pong"\nmain = "main.mjs"\ncompatibility_date = "2026-11-01"\n'
        '[[kv_namespaces]]\nbinding = "KEPT"\nid = "a"\n'
    )
    return config
