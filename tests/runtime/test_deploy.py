"""`make deploy`: offline it builds and weighs every worker; for real it refuses what is not ready."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tools.paths import DEPLOY_ORDER, ROOT

PAID_KIB, FREE_KIB = 10 * 1024, 3 * 1024


def deploy(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.deploy"]
    environ = {**os.environ, "COLUMNS": "200", **environment}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_a_dry_run_shows_every_step_and_each_worker_is_under_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    result = deploy(ENV="staging", DRY_RUN="1")
    assert result.returncode == 0, result.stdout + result.stderr
    steps = ["0001_foundation.sql", "KEY_PEPPER", *(f"building edgedesk-{name}-staging" for name in DEPLOY_ORDER)]
    places = [result.stdout.find(step) for step in (*steps, "upload sizes")]
    assert -1 not in places, result.stdout
    assert places == sorted(places), result.stdout
    rows = re.findall(r"│\s*(\w+)\s*│\s*(\d+)\s*│\s*(\d+)\s*│\s*(\d+) %\s*│\s*(\d+) %", result.stdout)
    assert [row[0] for row in rows] == list(DEPLOY_ORDER)
    with capsys.disabled():
        sys.stdout.write("\n")
        for worker, _, packed, of_free, _ in rows:
            left = FREE_KIB - int(packed)
            far = f"{left} KiB below" if left >= 0 else f"{-left} KiB above"
            sys.stdout.write(f"{worker}: {packed} KiB compressed, {of_free} % of 3 MB ({far})\n")
    for worker, raw, packed, of_free, of_paid in rows:
        assert 0 < int(packed) < PAID_KIB, worker
        assert int(packed) < int(raw)
        assert abs(int(of_free) - 100 * int(packed) / FREE_KIB) <= 1
        assert abs(int(of_paid) - 100 * int(packed) / PAID_KIB) <= 1


def test_a_real_deploy_refuses_placeholder_ids() -> None:
    for target in ("staging", "production"):
        result = deploy(ENV=target, DRY_RUN="")
        assert result.returncode == 1
        assert "placeholders" in result.stderr
        assert "wrangler d1 create" in result.stderr


def test_an_unknown_environment_is_refused() -> None:
    for target in ("", "local", "prod"):
        result = deploy(ENV=target, DRY_RUN="1")
        assert result.returncode == 1
        assert "ENV=staging" in result.stderr
