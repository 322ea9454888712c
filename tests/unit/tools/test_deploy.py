"""A deploy refuses what is not ready."""

import tomllib

import pytest

from tools import deploy
from tools.failure import ToolError
from tools.paths import WORKERS

pytestmark = pytest.mark.native


def test_placeholder_ids_are_refused_with_the_remedy() -> None:
    with pytest.raises(ToolError, match="wrangler d1 create"):
        deploy.refuse_placeholders("staging")


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("target", deploy.ENVIRONMENTS)
def test_every_environment_repeats_every_binding(worker: str, target: str) -> None:
    config = tomllib.loads((WORKERS[worker] / "wrangler.toml").read_text())
    inherited = {"name", "main", "compatibility_date", "compatibility_flags", "workers_dev", "preview_urls"}
    inherited |= {"limits", "observability", "placement", "env", "rules"}
    assert config["env"][target].keys() == config.keys() - inherited
    assert config["compatibility_flags"] == ["python_workers"]


def test_a_share_is_of_the_compressed_size() -> None:
    assert deploy.Size("w", raw_kib=9000, gzip_kib=1536).share_of(deploy.FREE_LIMIT_KIB) == 50
