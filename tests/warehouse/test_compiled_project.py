"""What the other tests of this folder rest on: the compiled project builds what dbt builds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import compiled_project
import pytest
from compiled_project import compiled, run_models, selected
from landing_harness import Warehouse, prepare
from mrr_examples import EXAMPLES_AS_OF, SUBSCRIPTION_MARTS, examples

from heirpay_pipelines.duck import connect
from heirpay_pipelines.warehouse.project import WITHOUT_TESTS, BuildRequest
from heirpay_pipelines.warehouse.run_dbt import ModelError, run_dbt


def contents(warehouse: Warehouse) -> dict[str, tuple[object, ...]]:
    """Columns and types of each built table, its row count, a hash of its rows."""
    columns = warehouse.rows(
        "select format('{}.{}', schema_name, table_name), string_agg(column_name || ' ' ||"
        " data_type, ', ' order by column_index) from duckdb_columns()"
        " where database_name = 'heirpay' and schema_name not in ('landing', 'state') group by 1"
    )
    return {
        str(table): (
            described,
            *warehouse.rows(f"select count(*), bit_xor(hash(t::varchar)) from {table} t")[0],
        )
        for table, described in columns
    }


def test_the_same_tables_types_and_rows_as_dbt_builds(
    worked_examples: Warehouse, tmp_path: Path
) -> None:
    request = BuildRequest(
        database=tmp_path / "build.duckdb",
        work_dir=compiled_project.work_dir(),
        run_id="test",
        as_of=datetime.fromisoformat(EXAMPLES_AS_OF),
    )
    prepare(request, examples(), tmp_path)
    arguments = ["build", "--no-write-json", *WITHOUT_TESTS, "--select"]
    run_dbt(request, [*arguments, *SUBSCRIPTION_MARTS.split()])
    by_dbt = contents(Warehouse(request.database))
    assert len(by_dbt) > 50
    assert contents(worked_examples) == by_dbt


def broken(path: Path, *statements: str) -> BuildRequest:
    """A database in which the statements have been executed, to be built on."""
    with connect(path, None, read_only=False) as connection:
        for statement in statements:
            connection.execute(statement)
    return BuildRequest(path, path.parent, "test", datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_model_that_cannot_be_built_is_named(tmp_path: Path) -> None:
    request = broken(
        tmp_path / "build.duckdb",
        "create schema landing",
        "create table landing.product as select 'prod_1' as id",
    )
    with pytest.raises(ModelError, match="stg_stripe__products"):
        run_models(request, "stg_stripe__products")
    with pytest.raises(ModelError, match="selects no model"):
        run_models(request, "no_such_model")


def test_a_models_own_test_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seed whose every row is there twice: the test of its key finds them."""
    request = broken(tmp_path / "build.duckdb")
    run_models(request, "currencies", tested=True)
    made = compiled_project._made
    monkeypatch.setattr(
        compiled_project,
        "_made",
        lambda node: f"{made(node)} union all {made(node).split(' as ')[1]}",
    )
    with pytest.raises(ModelError, match=r"unique_currencies_currency: Got [1-9]"):
        run_models(request, "currencies", tested=True)


def test_what_is_selected_comes_after_what_it_reads() -> None:
    project = compiled("UTC", "usd", "")
    chosen = [node.name for node in selected(project, "+mrr_monthly path:models/staging")]
    for before, after in (
        ("currencies", "mrr_monthly"),
        ("stg_stripe__subscriptions", "mrr_monthly"),
    ):
        assert chosen.index(before) < chosen.index(after)
    assert {"stg_stripe__topups", "int_mrr_monthly"} & set(chosen)
    assert "tax_summary" not in chosen
