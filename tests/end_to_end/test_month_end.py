"""The end of a month as finance lives it, on a published night of the whole company."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from installed import NOW, Installation
from logged_in import logged_in
from nights import copy_home

from heirpay_pipelines.sandbox import bank
from heirpay_pipelines.state.database import open_state

PLANTED = Path(bank.__file__).with_name("planted.yaml")
KINDS = Path(__file__).parents[2] / "dbt" / "seeds" / "break_kinds.csv"


@pytest.fixture(scope="module")
def books(
    published: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The night's home, copied: closing and resolving change it."""
    home = tmp_path_factory.mktemp("books") / "home"
    copy_home(published.home, home)
    yield Installation(home, published.account, published.extra)


def planted() -> list[dict[str, str]]:
    """Those of the planted problems that are breaks."""
    with KINDS.open(newline="") as file:
        kinds = {row["kind"] for row in csv.DictReader(file)}
    return [each for each in yaml.safe_load(PLANTED.read_text()) if each["kind"] in kinds]


def test_the_planted_breaks_are_found_named_and_aged_and_no_other(
    published: Installation,
) -> None:
    rows = published.rows(
        "select kind, first_seen_on, age_days, severity, owner from finance.reconciliation_breaks"
    )
    assert sorted(row[0] for row in rows) == sorted(each["kind"] for each in planted())
    as_of = NOW[:10]
    for kind, first_seen_on, age_days, severity, owner in rows:
        days = published.rows(f"select date '{as_of}' - date '{first_seen_on}'")
        assert days == [(age_days,)], kind
        assert 0 < int(str(age_days)) < 90
        assert severity in ("critical", "high", "medium", "low")
        assert owner in ("finance", "payment")


def test_a_month_without_breaks_is_closed_approved_and_verified(books: Installation) -> None:
    for login, arguments, code, said in (
        ("ada", ("--check",), 0, "0 things block"),
        ("ada", ("--by", "Ada L."), 0, "2026-08 is closed by ada (Ada L.)"),
        ("ada", ("--approve", "--by", "Grace"), 1, "another person"),
        ("grace", ("--approve", "--by", "ADA L."), 1, "another person"),
        ("grace", ("--approve",), 0, "approved by grace"),
        ("ada", ("--verify",), 0, "as it was frozen; 0 figures"),
        ("ada", ("--by", "ada"), 1, "closed already"),
    ):
        result = books.heirpay("close", "2026-08", *arguments, **logged_in(login))
        assert result.returncode == code, (arguments, result.stdout, result.stderr)
        assert said in result.stdout + result.stderr


def test_a_frozen_figure_that_is_changed_is_found(books: Installation, tmp_path: Path) -> None:
    copy = Installation(tmp_path / "home", books.account, books.extra)
    copy_home(books.home, copy.home)
    assert copy.heirpay("close", "2026-07", "--by", "ada").returncode == 0
    with open_state(copy.settings.state_file) as state:
        state.connection.execute("drop trigger period_figures_no_update")
        state.connection.execute(
            "update period_figures set value = '1.000' where month = '2026-07'"
        )
    broken = copy.heirpay("close", "2026-07", "--verify")
    assert broken.returncode == 1
    assert "state file was changed" in broken.stderr


def test_breaks_block_a_month_until_they_are_resolved_with_a_reason(books: Installation) -> None:
    blocked = books.heirpay("close", "2026-09", "--check")
    assert blocked.returncode == 1
    listed = json.loads(books.heirpay("breaks", "list", "--json").stdout)
    serious = [row for row in listed if row["severity"] in ("critical", "high")]
    for row in serious:
        assert row["break_id"] in blocked.stdout
        shown = books.heirpay("breaks", "show", row["break_id"])
        assert row["object_id"] in shown.stdout
        bare = books.heirpay("breaks", "resolve", row["break_id"], "--reason", " ")
        assert bare.returncode == 1
        done = books.heirpay(
            "breaks", "resolve", row["break_id"], "--reason", "explained", "--by", "ada"
        )
        assert done.returncode == 0, done.stderr
    left = books.heirpay("close", "2026-09", "--check")
    assert "0 things block" in left.stderr, left.stdout
    with open_state(books.settings.state_file) as state:
        told = state.rows("select subject from audit_log where action = 'break_resolved'")
    assert {row["subject"] for row in told} == {row["break_id"] for row in serious}
