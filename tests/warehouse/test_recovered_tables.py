"""What a home's tables are after it lost a pull with its files: the twin's, but for what
Stripe does not tell again (docs/how-to/recovery.md)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from compiled_project import run_models
from landing_harness import Warehouse

sys.path.append(str(Path(__file__).resolve().parents[1] / "gateways" / "stripe"))

from served_account import Account, served

from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.warehouse.build import prepare_build
from heirpay_pipelines.warehouse.project import BuildRequest

TABLES = ("daily_revenue", "payout_reconciliation", "revenue_recognition", "mrr_monthly")
SELECT = "+mrr_movements +balance_reconciliation " + " ".join(f"+{name}" for name in TABLES)
EVENT_DAYS = 30
MOVED = "select * exclude (is_estimated) from finance.mrr_movements order by all"
ESTIMATED = "select occurred_on from finance.mrr_movements where is_estimated"
MOVEMENTS_OF_DAYS = (
    "select date, currency, opening_balance, activity, payouts, closing_balance"
    " from finance.balance_reconciliation order by all"
)
STATED = "select date from finance.balance_reconciliation where difference is not null"


def third_night(account: Account, home: Path) -> tuple[Warehouse, list[dict[str, Any]]]:
    as_of = account.now()
    outcome = account.pull(home, as_of)
    request = BuildRequest(
        database=home / "third.duckdb",
        work_dir=home / "dbt",
        run_id="third",
        as_of=as_of.replace(tzinfo=None),
    )
    prepare_build(request, account.settings(home))
    run_models(request, SELECT)
    return Warehouse(request.database), list(outcome.manifest.coverage)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, Path, Warehouse]]:
    """The account, a home as after its second night, and the twin's tables of the third."""
    folder = tmp_path_factory.mktemp("nights")
    with served(days=40) as account:
        account.pull(folder / "two")
        account.advance(1)
        account.pull(folder / "two")
        account.advance(1)
        shutil.copytree(folder / "two", folder / "twin")
        twin, _ = third_night(account, folder / "twin")
        yield account, folder / "two", twin


def lose(home: Path, number: int) -> None:
    """A pull's manifest and all of its files."""
    landing = Landing(home / "landing")
    manifest = landing.manifests()[number]
    (landing.manifests_dir / f"{manifest.pull_id}.json").unlink()
    for file in manifest.files:
        (landing.root / file.path).unlink()


def lose_state(home: Path) -> None:
    shutil.rmtree(home / "state")


@pytest.mark.parametrize(
    ("damage", "days_lost"),
    [
        (lambda home: lose(home, 1), [1]),
        (lambda home: lose(home, 0), [2]),
        (lose_state, []),
    ],
    ids=["a later pull", "the first pull", "the state file"],
)
def test_a_home_that_lost_a_part_has_the_twins_tables(
    account: tuple[Account, Path, Warehouse],
    tmp_path: Path,
    damage: Callable[[Path], None],
    days_lost: list[int],
) -> None:
    served_account, two, twin = account
    home = tmp_path / "home"
    shutil.copytree(two, home)
    damage(home)
    found, coverage = third_night(served_account, home)
    for table in TABLES:
        query = f"select * from finance.{table} order by all"
        assert found.rows(query) == twin.rows(query), table
    for query in (MOVED, MOVEMENTS_OF_DAYS):
        assert found.rows(query) == twin.rows(query) != []
    today = served_account.now().date()
    # Estimated are only changes of which no event is left.
    more = {day for (day,) in found.rows(ESTIMATED)} - {day for (day,) in twin.rows(ESTIMATED)}
    assert all(day <= today - timedelta(days=EVENT_DAYS) for day in more)
    assert unstated(twin, found) == {today - timedelta(days=days) for days in days_lost}
    reasons = [line["reason"] for line in coverage if line["mode"] == "lost"]
    assert len(reasons) == len(days_lost)
    assert all("balances of that time" in reason for reason in reasons)


def unstated(twin: Warehouse, found: Warehouse) -> set[date]:
    """Days of which the twin alone knows what Stripe's balance was."""
    return {day for (day,) in twin.rows(STATED)} - {day for (day,) in found.rows(STATED)}
