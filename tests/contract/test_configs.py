"""The wrangler configs hold nothing secret, local or experimental, all name one runtime, and the brain has no bindings."""

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from shared.config import CronSettings
from shared.desk import guards
from shared.desk.registry import PROTECTIONS
from tests.contract import source
from tools import snapshot

CONFIGS = source.tracked("wrangler.toml", "*/wrangler.toml")
EACH = pytest.mark.parametrize("name", CONFIGS)
PLAIN = {
    "name",
    "main",
    "compatibility_date",
    "compatibility_flags",
    "workers_dev",
    "preview_urls",
    "rules",
    "limits",
    "observability",
    "env",
}
"""Keys that bind nothing."""


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((source.ROOT / name).read_text())


def entries(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Every key with its value, at any depth; what is in a list stands under the key of the list."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from entries(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from entries(each, key)
    else:
        yield key, value


def test_all_configs_are_looked_at() -> None:
    ours = {"wrangler.toml", *(f"{worker}-worker/wrangler.toml" for worker in source.WORKERS if worker != "router")}
    assert ours <= set(CONFIGS)


@pytest.mark.parametrize("environment", ["", "staging", "production"])
def test_the_desks_of_the_configs_have_settings_that_a_desk_accepts(environment: str) -> None:
    whole = read("cron-worker/wrangler.toml")
    found = CronSettings.load((whole["env"][environment] if environment else whole)["vars"]).DESKS
    assert found.keys() == {"stocks", "fx"} | ({"drill"} if not environment else set())
    for name, desk in found.items():
        acting = {each.name for each in guards.read(desk.protections).acting}
        # an example that leaves one out would teach to leave it out
        assert name == "drill" or acting == set(desk.protections) == set(PROTECTIONS)


def test_the_brain_has_no_bindings_at_all() -> None:
    brain = read("brain-worker/wrangler.toml")
    assert set(brain) <= PLAIN
    assert brain["env"] == {"staging": {}, "production": {}}


@pytest.mark.parametrize("environment", ["", "staging", "production"])
def test_the_router_reaches_no_more_of_the_brain_than_what_tells_and_checks_strategies(environment: str) -> None:
    whole = read("wrangler.toml")
    (service,) = (whole["env"][environment] if environment else whole)["services"]
    name = "-".join(["edgedesk-brain", *filter(None, [environment])])
    assert service == {"binding": "BRAIN", "service": name, "entrypoint": "Strategies"}
    tree = ast.parse((source.ROOT / "brain-worker/src/entry.py").read_text())
    (door,) = [each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == "Strategies"]
    assert [each.name for each in door.body if isinstance(each, ast.AsyncFunctionDef)] == ["check", "describe"]


def test_only_cron_takes_from_the_queue_and_the_others_may_only_send() -> None:
    sending, taking = set(), set()
    for name, suffix in product(CONFIGS, ("", "-staging", "-production")):
        whole = read(name)
        queues = (whole.get("env", {}).get(suffix[1:], {}) if suffix else whole).get("queues", {})
        sending |= {(name, suffix, each["binding"], each["queue"]) for each in queues.get("producers", [])}
        taking |= {(name, suffix, each["queue"]) for each in queues.get("consumers", [])}
    queue_of = {suffix: f"jobs{suffix}" for suffix in ("", "-staging", "-production")}
    cron, desk = "cron-worker/wrangler.toml", "desk-worker/wrangler.toml"
    assert taking == {(cron, suffix, queue) for suffix, queue in queue_of.items()}
    assert sending == {
        (name, suffix, "JOBS", queue) for name in ("wrangler.toml", cron, desk) for suffix, queue in queue_of.items()
    }


@EACH
def test_a_config_names_nothing_local(name: str) -> None:
    for key, value in entries(read(name)):
        if key == "REPLAY_URL":
            assert not re.search(r"localhost|127\.0\.0\.1", str(value)), f"{name}: {key} = {value!r}"


@EACH
def test_a_config_holds_no_secret(name: str) -> None:
    assert "KEY_PEPPER" not in {key for key, _ in entries(read(name))}


@EACH
def test_a_config_asks_for_nothing_experimental(name: str) -> None:
    text = (source.ROOT / name).read_text()
    assert "python_workers_development" not in text
    assert "experimental" not in text


def test_one_compatibility_date_everywhere() -> None:
    dates = {name: read(name)["compatibility_date"] for name in CONFIGS}
    wanted = tomllib.loads(snapshot.CONFIG)["compatibility_date"]
    assert {name: date for name, date in dates.items() if date != wanted} == {}
    # a date of an environment would win over that of the whole
    for name in CONFIGS:
        assert [value for key, value in entries(read(name)) if key == "compatibility_date"] == [wanted], name
