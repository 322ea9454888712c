"""docs/alerts.md names every kind of channel with its fields and secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from cron import asking, failures
from shared.alerts import config as cf

pytestmark = pytest.mark.native
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("config", get_args(get_args(cf.AnyChannel)[0]), ids=lambda config: config.__name__)
def test_a_kind_of_channel_is_documented_with_its_fields(config: type[cf.ChannelConfig]) -> None:
    (kind,) = get_args(config.model_fields["kind"].annotation)
    (row,) = re.findall(rf"^\| `{kind}` \|(.*?)\|(.*?)\|", PAGE, re.M)
    fields = {
        name if field.is_required() else f"{name}?"
        for name, field in config.model_fields.items()
        if name not in {"kind", "per_minute"}
    }
    assert set(re.findall(r"`([^`]+)`", row[0])) == fields
    assert set(re.findall(r"`([^`]+)`", row[1])) == set(cf.SECRETS[kind].model_fields)


def test_the_fields_of_the_setting_are_documented() -> None:
    table = PAGE[PAGE.index("| field of `ALERTS`") : PAGE.index("| kind | fields")]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == set(cf.AlertChannels.model_fields)
    assert set(cf.AlertRoutes.model_fields) == {"critical", "warning", "info"}


def test_what_a_scan_files_is_listed_with_its_severity() -> None:
    (row,) = re.findall(r"^\| `warning` \|.*\|$", PAGE, re.M)
    assert {asking.CODE, failures.CODE} <= set(re.findall(r"`([^`]+)`", row))
    assert all(f"`{code}` is a scan's" in PAGE for code in (asking.CODE, failures.CODE))
