"""The worked examples the whole way: served over HTTP, pulled, landed, modelled, published.

What the published file says equals what the models say of the same objects landed by hand, and
those are held against METRICS.md, example by example, in test_mrr_examples.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest
from landing_harness import WORK, Warehouse
from mrr_examples import examples
from served_landing import served, store_of

from heirpay_pipelines.land import pull_and_land
from heirpay_pipelines.model.build import build
from heirpay_pipelines.model.project import BuildRequest
from heirpay_pipelines.publish.swap import publish
from heirpay_pipelines.pull import nightly
from heirpay_pipelines.sandbox import api
from heirpay_pipelines.settings import Settings

AS_OF = "2026-10-20T00:00:00"
SELECT = "+path:models/marts/subscriptions"
YEAR_SECONDS = 365 * 86_400
TABLES = {
    "mrr_movements": "occurred_on, customer_id, currency, movement, mrr_before, mrr_after,"
    " mrr_change, mrr_change_reporting, churn_kind",
    "mrr_monthly": "month, currency, mrr, mrr_list, mrr_net_all, active_customers, arpa",
    "churn_monthly": "*",
    "cohort_retention": "*",
    "scheduled_churn": "*",
}


def test_published_figures_are_those_of_the_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worked_examples: Warehouse
) -> None:
    landing = examples()
    # One pull sees the whole event log, as one that pulled every night would have kept it.
    monkeypatch.setattr(api, "EVENT_RETENTION", YEAR_SECONDS)
    monkeypatch.setattr(nightly, "RETENTION_SECONDS", YEAR_SECONDS)
    with served(store_of(landing, AS_OF)) as (url, key):
        settings = Settings(HEIRPAY_HOME=tmp_path / "home", STRIPE_API_BASE=url, STRIPE_API_KEY=key)
        instant = datetime.fromisoformat(AS_OF)
        outcome = pull_and_land(settings, instant.replace(tzinfo=UTC), False, Mock())
    assert outcome.rows["event"] > 1000
    request = BuildRequest(
        database=settings.warehouse_dir / "building" / "r1.duckdb",
        work_dir=Path(WORK.name) / "dbt",
        run_id="r1",
        as_of=instant,
    )
    build(request, settings, SELECT)
    publish(request.database, settings.warehouse, None)

    published = Warehouse(settings.warehouse)
    for table, columns in TABLES.items():
        query = f"select {columns} from finance.{table} order by all"
        expected = worked_examples.rows(query)
        assert expected
        assert published.rows(query) == expected, table
    assert not published.rows(
        "select schema_name from duckdb_schemas() where schema_name in ('landing', 'state')"
    )
