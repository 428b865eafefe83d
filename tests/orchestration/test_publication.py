"""The step that publishes, made again on the published night's own build."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
from installed import Installation
from nights import copy_home

from heirpay_pipelines.orchestration.closing import publication
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.orchestration.past_nights import NIGHTS
from heirpay_pipelines.orchestration.placing import PUBLICATION
from heirpay_pipelines.state import open_state


def test_incidents_that_cannot_be_made_keep_no_figures_from_being_published(
    published: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = Installation(tmp_path / "home", published.account)
    copy_home(published.home / "state", again.home / "state")
    with open_state(again.settings.state_file) as state:
        (run,) = state.rows("select run_id from runs")
        state.connection.execute("update runs set is_evaluated = 0, outcome = 'running'")
    night = Night(again.settings, run["run_id"])
    night.build.parent.mkdir(parents=True)
    shutil.copy2(published.settings.warehouse, night.build)

    def broken(*_: object) -> None:
        raise RuntimeError("a check of incidents broke")

    monkeypatch.setattr("heirpay_pipelines.orchestration.closing.evaluate", broken)
    instance = dg.DagsterInstance.ephemeral()
    result = dg.materialize([publication], resources={"night": night}, instance=instance)
    assert result.asset_materializations_for_node("publish")[-1].asset_key == PUBLICATION
    assert again.rows("select count(*) from finance.mrr_monthly") == published.rows(
        "select count(*) from finance.mrr_monthly"
    )
    # The step that lists the incidents sees that they still have to be made.
    assert not night.run().is_evaluated
    assert night.run().outcome == "published"


def test_a_night_of_the_past_is_published_and_is_its_dates_partition_too(
    published: Installation, tmp_path: Path
) -> None:
    again = Installation(tmp_path / "home", published.account)
    for name in ("state", "landing"):
        copy_home(published.home / name, again.home / name)
    with open_state(again.settings.state_file) as state:
        (run,) = state.rows("select run_id from runs")
        state.connection.execute(
            "update runs set is_evaluated = 1, outcome = 'running',"
            " as_of = '2026-10-31T20:00:00+00:00'"
        )
    night = Night(again.settings, run["run_id"])
    night.build.parent.mkdir(parents=True)
    shutil.copy2(published.settings.warehouse, night.build)
    instance = dg.DagsterInstance.ephemeral()
    assert dg.materialize([publication], resources={"night": night}, instance=instance).success
    assert instance.get_materialized_partitions(NIGHTS) == {"2026-10-31"}
    asked = again.heirpay("query", "--night", "2026-10-31", "select 7 as seven", "--format", "csv")
    assert asked.stdout.split() == ['"seven"', "7"], asked.stderr
    assert again.settings.warehouse.is_file()
