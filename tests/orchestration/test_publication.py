"""The step that publishes, made again on the published night's own build."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
from installed import Installation
from nights import copy_home

from heirpay_pipelines.orchestration.closing import PUBLICATION, publication
from heirpay_pipelines.orchestration.night import Night
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
