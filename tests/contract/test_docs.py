"""The documents and the code say the same: settings, tables, jobs, codes, limits, links."""

import re
import sqlite3
import tomllib
from pathlib import Path

import pytest

from shared import config
from tests.contract import source

DOCS = source.ROOT / "docs"
ROW = re.compile(r"^\| `([^`|]+)`", re.M)
MODELS = {
    "Every worker": config.Settings,
    "router-worker": config.RouterSettings,
    "cron-worker": config.CronSettings,
    "book-worker": config.BookSettings,
    "A venue in `VENUES`": config.VenueConfig,
    "A desk in `DESKS`": config.DeskConfig,
    "A desk's `limits`": config.Limits,
    "A desk's `paper`": config.Paper,
}


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next one of any depth."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert found, f"there is no heading {title!r}"
    return found[1]


def names(text: str) -> set[str]:
    return set(ROW.findall(text))


@pytest.mark.parametrize("title", MODELS)
def test_every_setting_is_documented_and_no_other(title: str) -> None:
    model = MODELS[title]
    inherited = set() if model is config.Settings else set(config.Settings.model_fields)
    documented = names(section((DOCS / "settings.md").read_text(), title))
    assert documented == set(model.model_fields) - inherited


def test_every_setting_of_the_tools_is_documented() -> None:
    documented = names(section((DOCS / "settings.md").read_text(), "`make dev` and `make test`"))
    read = set(re.findall(r'env(?:, |\.get\()"([A-Z_]+)"', (source.ROOT / "tools/dev/options.py").read_text()))
    assert documented == read


def tables() -> dict[str, set[str]]:
    """Tables and their columns, as the migrations make them."""
    database = sqlite3.connect(":memory:")
    for path in sorted((source.ROOT / "migrations").glob("*.sql")):
        database.executescript(path.read_text())
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for (name,) in found.fetchall()}


def test_every_table_is_documented_and_no_other() -> None:
    documented = names(section((DOCS / "storage.md").read_text(), "D1 tables"))
    assert documented == set(tables())


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((source.ROOT / "migrations").glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_cron_of_the_config_is_the_documented_one() -> None:
    config_text = (source.ROOT / "cron-worker/wrangler.toml").read_text()
    crons = tomllib.loads(config_text)["triggers"]["crons"]
    assert crons == ["* * * * *"]
    assert "`* * * * *`" in (DOCS / "jobs.md").read_text()


def test_every_job_is_documented_and_no_other() -> None:
    from cron.table import JOBS

    documented = names(section((DOCS / "jobs.md").read_text(), "The jobs"))
    assert documented == {job.name for job in JOBS}


def pages() -> list[Path]:
    return [source.ROOT / "README.md", source.ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_is_reached_from_the_readme_or_the_architecture() -> None:
    linked = "".join((source.ROOT / name).read_text() for name in ("README.md", "docs/architecture.md"))
    for page in DOCS.glob("*.md"):
        assert page.name in linked, f"nothing leads to docs/{page.name}"


@pytest.mark.parametrize("worker", source.WORKERS)
def test_every_environment_repeats_every_binding(worker: str) -> None:
    folder = source.ROOT if worker == "router" else source.ROOT / f"{worker}-worker"
    whole = tomllib.loads((folder / "wrangler.toml").read_text())
    for environment in ("staging", "production"):
        assert bindings(whole["env"][environment]) == bindings(whole), f"{worker} {environment}"


def bindings(table: dict[str, object]) -> set[str]:
    """Every binding's own name, and every variable's."""
    found = set(re.findall(r"'(?:binding|name)': '([A-Z_]+)'", repr({k: v for k, v in table.items() if k != "env"})))
    variables = table.get("vars", {})
    assert isinstance(variables, dict)
    return found | set(variables)


@pytest.mark.parametrize("worker", source.WORKERS)
def test_production_configs_hold_nothing_that_only_local_running_needs(worker: str) -> None:
    folder = source.ROOT if worker == "router" else source.ROOT / f"{worker}-worker"
    whole = tomllib.loads((folder / "wrangler.toml").read_text())
    assert whole["compatibility_flags"] == ["python_workers"]
    assert whole.get("workers_dev", worker == "router") is (worker == "router")
