"""The published night as Dagster shows it: its own instance is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from installed import Installation
from nights import ran_at

from heirpay_pipelines.warehouse.project import PROJECT_DIR

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ("finance", "compliance", "operations")


@pytest.fixture(scope="module")
def instance(published: Installation) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(published.settings.dagster_home))
        with dg.DagsterInstance.get() as found:
            yield found


def metadata(instance: dg.DagsterInstance, *path: str) -> dict[str, dg.MetadataValue]:
    event = instance.get_latest_materialization_event(dg.AssetKey(path))
    assert event is not None, path
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def marts(loaded: dg.Definitions) -> list[dg.AssetKey]:
    folder = PROJECT_DIR / "models" / "marts"
    names = {path.stem for path in folder.rglob("*.sql")}
    return [
        spec.key
        for asset in loaded.resolve_asset_graph().assets_defs
        for spec in asset.specs
        if spec.key.path[0] in SCHEMAS and spec.key.path[-1] in names
    ]


def test_the_page_of_the_job_lists_the_run_that_the_command_line_started(
    instance: dg.DagsterInstance, loaded: dg.Definitions
) -> None:
    (location,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    repository = loaded.get_repository_def().name
    tag = f"{repository}@{location['python_module']['location_name']}"
    listed = dg.RunsFilter(job_name="nightly", tags={".dagster/repository": tag})
    assert len(instance.get_runs(listed)) == 1


def test_every_mart_shows_a_chart_its_rows_and_its_columns(
    instance: dg.DagsterInstance, loaded: dg.Definitions
) -> None:
    keys = marts(loaded)
    assert len(keys) == len(list((PROJECT_DIR / "models" / "marts").rglob("*.sql")))
    for key in keys:
        shown = metadata(instance, *key.path)
        rows = shown["dagster/row_count"].value
        assert "chart" in shown, key.to_user_string()
        text = str(shown["chart"].value)
        drawn = "](data:image/png;base64," in text
        assert drawn or "no rows" in text, f"{key.to_user_string()}: {text[:200]}"
        assert drawn or key.path[-1] == "incidents" or rows == 0, key.to_user_string()
        assert "dagster/column_schema" in shown


def test_a_framework_shows_each_of_its_controls_with_what_it_found(
    instance: dg.DagsterInstance, published: Installation
) -> None:
    by_framework = published.rows(
        "select framework, count(*), count(*) filter (status in ('fail', 'not_evaluated'))"
        " from compliance.control_results where checked_at ="
        " (select max(checked_at) from compliance.control_results) group by 1"
    )
    assert len(by_framework) == 6
    for framework, controls, not_passed in by_framework:
        shown = metadata(instance, "controls", str(framework))
        assert shown["controls"].value == controls
        assert shown["not passed"].value == not_passed
        assert len(shown["results"].records) == controls  # type: ignore[attr-defined]


def test_a_planted_problem_is_a_failed_check_on_the_table_it_sits_in(
    instance: dg.DagsterInstance,
) -> None:
    key = dg.AssetCheckKey(dg.AssetKey(["finance", "reconciliation_breaks"]), "no_open_breaks")
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    evaluation = record.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert evaluation.metadata["violations"].value == 9
    assert "heirpay breaks" in str(evaluation.metadata["what_to_do"].value)


def test_the_published_warehouse_is_the_assets_newest_state(
    instance: dg.DagsterInstance, published: Installation
) -> None:
    assert metadata(instance, "publish", "decision")["outcome"].value == "published"
    shown = metadata(instance, "publish", "publication")
    assert shown["warehouse"].value == str(
        ran_at() / "warehouse" / published.settings.warehouse.name
    )
