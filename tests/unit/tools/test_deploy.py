"""A deploy refuses what is not ready, and does what it does in one order."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools import deploy, strategies
from tools.failure import ToolError
from tools.paths import WORKERS

pytestmark = pytest.mark.native

URL = "https://replay.example"


class Wrangler:
    """Records what it is asked to do; `secrets` is what its secret list prints, or how it fails."""

    def __init__(self) -> None:
        self.secrets: str | ToolError = json.dumps([{"name": "KEY_PEPPER", "type": "secret_text"}])
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, worker: str, *arguments: str) -> str:
        self.calls.append((worker, *arguments))
        if arguments[:2] == ("secret", "list"):
            if isinstance(self.secrets, ToolError):
                raise self.secrets
            return self.secrets
        return ""


@pytest.fixture
def wrangler(monkeypatch: pytest.MonkeyPatch) -> Wrangler:
    recorder = Wrangler()
    monkeypatch.setattr(deploy, "wrangler", recorder)
    monkeypatch.setattr(deploy.vendor, "vendor_all", dict)
    return recorder


@pytest.fixture
def configs(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Every wrangler.toml, with real ids and a replay venue in staging; a test may spoil them."""
    found = {name: tomllib.loads((folder / "wrangler.toml").read_text()) for name, folder in WORKERS.items()}
    for config in found.values():
        for item in config["env"]["staging"].get("d1_databases", []):
            item["database_id"] = "8d3f0c52-5e7a-4c1b-9f10-2b6a7c9e4d31"
        for item in config["env"]["staging"].get("kv_namespaces", []):
            item["id"] = "a1" * 16
    found["cron"]["env"]["staging"]["vars"]["REPLAY_URL"] = URL
    monkeypatch.setattr(deploy, "config_of", found.__getitem__)
    return found


@pytest.mark.usefixtures("configs")
def test_secrets_are_checked_then_d1_migrated_then_the_workers_deployed_in_order(wrangler: Wrangler) -> None:
    deploy.deploy("staging")
    assert wrangler.calls == [
        ("router", "secret", "list", "--format", "json", "--env", "staging"),
        ("router", "d1", "migrations", "apply", "DB", "--remote", "--env", "staging"),
        *((worker, "deploy", "--env", "staging") for worker in ("brain", "desk", "book", "cron", "router")),
    ]


CHANNELS = json.dumps({"channels": {"chat": {"kind": "slack"}}})


def with_sandbox(configs: dict[str, dict[str, Any]], url: str | None = URL) -> None:
    """One desk of staging trades at the sandbox."""
    texts = configs["cron"]["env"]["staging"]["vars"]
    desks = json.loads(texts["DESKS"])
    name = next(iter(desks))
    desks[name] |= {"mode": "demo", "trading": {"kind": "sandbox"}}
    texts |= {"DESKS": json.dumps(desks), "TRADING_MODE": "demo"}
    if url is not None:
        configs["desk"]["env"]["staging"]["vars"]["SANDBOX_URL"] = url


@pytest.mark.parametrize("held", [[], ["SANDBOX_KEY"], ["SANDBOX_SECRET"]])
def test_a_desk_at_the_sandbox_needs_the_secrets_of_its_account(
    wrangler: Wrangler, configs: dict[str, dict[str, Any]], held: list[str]
) -> None:
    with_sandbox(configs)
    wrangler.secrets = json.dumps([{"name": name} for name in ("KEY_PEPPER", *held)])
    missing = min({"SANDBOX_KEY", "SANDBOX_SECRET"} - set(held))
    with pytest.raises(ToolError, match=f"desk has no {missing}: .*secret put {missing} .*desk-worker/wrangler.toml"):
        deploy.deploy("staging")
    assert {call[1] for call in wrangler.calls} == {"secret"}
    wrangler.secrets = json.dumps([{"name": name} for name in ("KEY_PEPPER", "SANDBOX_KEY", "SANDBOX_SECRET")])
    deploy.deploy("staging")


@pytest.mark.parametrize("url", [None, ""])
def test_a_desk_at_the_sandbox_needs_its_address(
    wrangler: Wrangler, configs: dict[str, dict[str, Any]], url: str | None
) -> None:
    with_sandbox(configs, url)
    with pytest.raises(ToolError, match=r"desk-worker/wrangler\.toml: SANDBOX_URL in .* must be set"):
        deploy.deploy("staging")
    assert wrangler.calls == []


def test_channels_need_their_secrets(wrangler: Wrangler, configs: dict[str, dict[str, Any]]) -> None:
    configs["cron"]["env"]["staging"]["vars"]["ALERTS"] = CHANNELS
    with pytest.raises(ToolError, match=r"cron has no ALERT_SECRETS: .*secret put ALERT_SECRETS .*cron-worker"):
        deploy.deploy("staging")
    assert {call[1] for call in wrangler.calls} == {"secret"}
    wrangler.secrets = json.dumps([{"name": name} for name in ("KEY_PEPPER", "ALERT_SECRETS")])
    deploy.deploy("staging")


def test_without_channels_and_sandbox_only_the_router_has_a_secret(configs: dict[str, dict[str, Any]]) -> None:
    assert deploy.secrets_for("staging") == deploy.SECRETS
    with_sandbox(configs)
    configs["cron"]["env"]["staging"]["vars"]["ALERTS"] = CHANNELS
    assert deploy.secrets_for("staging") == {
        "router": ("KEY_PEPPER",),
        "desk": ("SANDBOX_KEY", "SANDBOX_SECRET"),
        "cron": ("ALERT_SECRETS",),
    }


NOT_FOUND = 'wrangler secret failed for router:\n✘ [ERROR] Worker "edgedesk-router-staging" (env: staging) not found.\n'
BY_CODE = "wrangler secret failed for router:\nThis Worker does not exist on your account. [code: 10007]"


@pytest.mark.usefixtures("configs")
@pytest.mark.parametrize("answer", ["[]", '[{"name": "OTHER"}]', ToolError(NOT_FOUND), ToolError(BY_CODE)])
def test_without_a_secret_or_a_worker_the_remedy_is_named_and_nothing_done(
    wrangler: Wrangler, answer: str | ToolError
) -> None:
    wrangler.secrets = answer
    with pytest.raises(
        ToolError, match=r"npx wrangler secret put KEY_PEPPER --env staging -c wrangler\.toml"
    ) as caught:
        deploy.deploy("staging")
    assert "wrangler secret failed" not in str(caught.value)
    assert [call[1] for call in wrangler.calls] == ["secret"]


@pytest.mark.usefixtures("configs")
@pytest.mark.parametrize("way", [deploy.deploy, deploy.rehearse])
def test_a_strategy_that_could_not_be_loaded_is_refused_before_anything_is_done(
    wrangler: Wrangler, monkeypatch: pytest.MonkeyPatch, way: Any
) -> None:
    line = "brain/strategies/foo.py could not be loaded: ImportError: no such thing, line 3"
    registry = strategies.registry()
    monkeypatch.setattr(registry, "BROKEN", {"foo": line})
    with pytest.raises(ToolError) as refused:
        way("staging")
    assert str(refused.value) == f"the brain has strategies that are not good:\n  {line}: mend it"
    assert wrangler.calls == []


def test_the_strategies_that_stand_here_can_be_deployed() -> None:
    assert strategies.broken() == []


@pytest.mark.usefixtures("configs")
def test_another_failure_of_wrangler_stays_what_it_is(wrangler: Wrangler) -> None:
    wrangler.secrets = ToolError("wrangler secret failed for router:\nYou are not logged in.")
    with pytest.raises(ToolError, match="not logged in"):
        deploy.deploy("staging")
    assert len(wrangler.calls) == 1


def test_placeholder_ids_are_refused_with_the_remedy(wrangler: Wrangler) -> None:
    with pytest.raises(ToolError, match="wrangler d1 create"):
        deploy.deploy("staging")
    assert wrangler.calls == []


@pytest.mark.parametrize("url", [None, ""])
def test_a_replay_venue_without_its_url_is_refused_before_anything_is_done(
    wrangler: Wrangler, configs: dict[str, dict[str, Any]], url: str | None
) -> None:
    texts = configs["cron"]["env"]["staging"]["vars"]
    texts.pop("REPLAY_URL")
    if url is not None:
        texts["REPLAY_URL"] = url
    with pytest.raises(ToolError) as caught:
        deploy.deploy("staging")
    for part in ("cron-worker/wrangler.toml", "REPLAY_URL", "must be set", "us, fx", "write the base URL"):
        assert part in str(caught.value)
    assert wrangler.calls == []


@pytest.mark.parametrize(
    ("worker", "name", "value", "said"),
    [
        ("router", "MAX_BODY_BYTES", "12", "MAX_BODY_BYTES"),
        ("router", "MAX_BODY_BYTES", 65536, "put it in quotes"),
        ("desk", "TRADING_MODE", "real", "paper"),
        ("book", "TYPO", "1", "TYPO"),
        ("cron", "DESKS", "{", "DESKS"),
        ("cron", "ENVIRONMENT", "production", 'write "staging"'),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_done(
    wrangler: Wrangler, configs: dict[str, dict[str, Any]], worker: str, name: str, value: object, said: str
) -> None:
    configs[worker]["env"]["staging"]["vars"][name] = value
    with pytest.raises(ToolError, match=said) as caught:
        deploy.deploy("staging")
    assert "[env.staging.vars]" in str(caught.value)
    assert wrangler.calls == []


@pytest.mark.parametrize("target", deploy.ENVIRONMENTS)
def test_every_migration_applies(target: str) -> None:
    paths = deploy.migrations(target)
    assert paths[0].name == "0001_foundation.sql"
    assert deploy.rehearse_migrations(paths) > 0


def test_a_migration_that_does_not_apply_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "0002_wrong.sql"
    wrong.write_text("ALTER TABLE nowhere ADD COLUMN x TEXT;")
    with pytest.raises(ToolError, match=r"0002_wrong\.sql.*nowhere"):
        deploy.rehearse_migrations([*deploy.migrations("staging"), wrong])


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
