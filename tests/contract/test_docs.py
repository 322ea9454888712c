"""The documents and the code say the same: settings, tables, jobs, codes, limits, costs, dependencies, links."""

import json
import re
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bench.prices import PRICES
from shared import config
from tests.contract import source
from tools.dev.options import Options
from tools.failure import ToolError

DOCS = source.ROOT / "docs"
ROW = re.compile(r"^\| `([^`|]+)`", re.M)
MODELS: dict[str, type[BaseModel]] = {
    "Every worker": config.Settings,
    "router-worker": config.RouterSettings,
    "cron-worker": config.CronSettings,
    "desk-worker": config.DeskSettings,
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


def cells(text: str) -> dict[str, list[str]]:
    """Of each row of a table: what its first cell names -> its other cells."""
    rows = [line for line in text.splitlines() if ROW.match(line)]
    return {ROW.findall(row)[0]: [cell.strip() for cell in row.split("|")[2:-1]] for row in rows}


def settings(title: str) -> dict[str, tuple[str, str]]:
    """Setting -> its default and its rule, as documented."""
    rows = cells(section((DOCS / "settings.md").read_text(), title))
    return {name: (default, rule) for name, (default, rule) in rows.items()}


def worker_config(worker: str) -> dict[str, Any]:
    folder = source.ROOT if worker == "router" else source.ROOT / f"{worker}-worker"
    return tomllib.loads((folder / "wrangler.toml").read_text())


@pytest.mark.parametrize("title", MODELS)
def test_every_setting_is_documented_and_no_other(title: str) -> None:
    model = MODELS[title]
    inherited = set() if model is config.Settings else set(config.Settings.model_fields)
    documented = names(section((DOCS / "settings.md").read_text(), title))
    assert documented == set(model.model_fields) - inherited


WORDS = {"true": True, "false": False, "all": ()}
"""What a documented default means where it is not the value itself."""


@pytest.mark.parametrize("title", MODELS)
def test_a_documented_default_is_that_of_the_model(title: str) -> None:
    for name, (documented, _) in settings(title).items():
        field = MODELS[title].model_fields[name]
        assert (documented == "–") is field.is_required(), f"{name}: say – where there is no default, and only there"
        if not field.is_required():
            assert _told(documented.strip("`"), field) == field.get_default(call_default_factory=True), name


def _told(text: str, field: FieldInfo) -> Any:
    """What a documented default says, as a value of the field's own type."""
    default = field.get_default(call_default_factory=True)
    if text == "none":
        # nothing, whatever nothing is there
        return default if default is None or default in ("", {}) or default == SecretStr("") else "something"
    if isinstance(default, BaseModel):
        return type(default).model_validate_json(text)
    return WORDS[text] if text in WORDS else type(default)(text)


def bounds(field: FieldInfo) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in field.metadata:
        found |= {side: getattr(each, side) for side in ("ge", "gt", "le") if getattr(each, side, None) is not None}
    return found


@pytest.mark.parametrize("title", MODELS)
def test_the_bounds_of_a_number_are_documented(title: str) -> None:
    for name, (_, rule) in settings(title).items():
        field = MODELS[title].model_fields[name]
        if field.annotation not in (int, float):
            continue
        match bounds(field):
            case {"ge": low, "le": high}:
                words = rf"\b{low} to {high}\b"
            case {"gt": low, "le": high}:
                words = rf"\babove {low} and at most {high}\b"
            case {"ge": low, **rest} if not rest:
                words = rf"\bat least {low}\b"
            case other:
                pytest.fail(f"{name} has the bounds {other}, which nobody has put into words yet")
        assert re.search(words, rule), f"{name}: {rule!r} does not say {words}"


def test_the_defaults_of_the_tools_are_documented() -> None:
    documented = {name: default.strip("`") for name, (default, _) in settings("`make dev` and `make test`").items()}
    options = Options.read({})
    assert int(documented["PORT"]) == options.port
    assert int(documented["ALERT_PORT"]) == options.alert_port
    assert (source.ROOT / documented["STATE_DIR"]).resolve() == options.state_dir
    assert float(documented["REPLAY_SPEED"]) == options.speed
    assert documented["DATASET"] == "built-in"
    assert options.dataset is None


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("PORT", ("1024", "65535"), ("1023", "65536")),
        ("ALERT_PORT", ("1024", "65535"), ("1023", "65536")),
        ("REPLAY_SPEED", ("0.01", "20"), ("0", "20.01")),
    ],
)
def test_the_documented_bounds_of_the_tools_hold(name: str, inside: tuple[str, ...], outside: tuple[str, ...]) -> None:
    words = {"PORT": "1024 to 65535", "ALERT_PORT": "1024 to 65535", "REPLAY_SPEED": "above 0 and at most 20"}
    assert words[name] in settings("`make dev` and `make test`")[name][1]
    for value in inside:
        Options.read({name: value})
    for value in outside:
        with pytest.raises(ToolError, match=name):
            Options.read({name: value})


def test_every_setting_of_a_deploy_is_documented() -> None:
    read = re.findall(r'environ\.get\("([A-Z_]+)"', (source.ROOT / "tools/deploy.py").read_text())
    assert set(settings("`make deploy`")) == set(read)


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


def test_our_own_limits_are_those_of_the_configs() -> None:
    documented = {
        name: row[0] for name, row in cells(section((DOCS / "limits.md").read_text(), "Our own limits")).items()
    }
    router = worker_config("router")
    for table in (router, *router["env"].values()):
        (guard,) = table["ratelimits"]
        simple = guard["simple"]
        assert documented["LIMITER"] == f"{simple['limit']} requests per {simple['period']} s per key"
        assert guard["name"] == "LIMITER"
    rows = re.findall(r"^\| `cpu_ms` of (\w+)-worker \| (\d+) \|", (DOCS / "limits.md").read_text(), re.M)
    assert {worker: int(ms) for worker, ms in rows} == {
        worker: worker_config(worker)["limits"]["cpu_ms"] for worker in source.WORKERS
    }
    assert len(rows) == len(source.WORKERS)


WITH_ANOTHER = {"starlette": "fastapi", "miniflare": "wrangler", "workerd": "wrangler"}
"""Documented, though nobody asks for it: it comes with the one that is named."""


def asked_for(requirements: list[str]) -> set[str]:
    return {re.split(r"[=<>~!\[; ]", each, maxsplit=1)[0].lower() for each in requirements}


def runtime_dependencies(worker: str) -> set[str]:
    folder = source.ROOT if worker == "router" else source.ROOT / f"{worker}-worker"
    return asked_for(tomllib.loads((folder / "pyproject.toml").read_text())["project"]["dependencies"])


def test_every_dependency_is_documented_and_no_other() -> None:
    first = re.findall(r"^\| ([^|]*`[^|]*) \|", (DOCS / "dependencies.md").read_text(), re.M)
    documented = {name.lower() for cell in first for name in re.findall(r"`([^`]+)`", cell)}
    groups = tomllib.loads((source.ROOT / "pyproject.toml").read_text())["dependency-groups"]
    asked = asked_for([each for group in groups.values() for each in group])
    asked |= set(json.loads((source.ROOT / "package.json").read_text())["devDependencies"])
    for worker in source.WORKERS:
        asked |= runtime_dependencies(worker)
    assert set(WITH_ANOTHER.values()) <= asked
    assert documented == asked | set(WITH_ANOTHER)


def test_what_comes_with_another_does() -> None:
    packages = json.loads((source.ROOT / "package-lock.json").read_text())["packages"]
    for name in ("miniflare", "workerd"):
        assert name in packages[f"node_modules/{WITH_ANOTHER[name]}"]["dependencies"]
    assert re.search(r"^starlette==", (source.ROOT / "requirements/router.txt").read_text(), re.M)


def test_the_dependencies_of_each_worker_are_the_documented_ones() -> None:
    rows = cells(section((DOCS / "dependencies.md").read_text(), "In the workers"))
    for worker in source.WORKERS:
        documented = {name for name, (where, _) in rows.items() if {"all", worker} & set(where.split(", "))}
        assert documented == runtime_dependencies(worker), worker


def test_the_costs_of_the_readme_are_the_measured_ones() -> None:
    together = re.search(r"^\| \*\*together\*\* (.*)$", (DOCS / "cost.md").read_text(), re.M)
    assert together
    measured = re.findall(r"\*\*([\d.]+)\*\*", together[1])
    told = re.findall(r"\$([\d.]+) a month for 20 symbols, \$([\d.]+) for 250", (source.ROOT / "README.md").read_text())
    assert told == [tuple(measured)]


def test_the_prices_of_the_cost_page_are_those_it_was_counted_with() -> None:
    page = (DOCS / "cost.md").read_text()
    for price in PRICES.values():
        assert f"| {price.title} | {price.included:,.0f} | {price.dollars:g} |" in page
        assert f"`{price.page.removeprefix('/')}`" in page
