"""A run that failed says in its record which step failed and why, in the words of the cause."""

# No postponed annotations here: Dagster reads them.

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from heirpay_pipelines.gateways.errors import KeyRefusedError
from heirpay_pipelines.orchestration.night import night_resource
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.runs import read_run


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (KeyRefusedError("Stripe refused the key: give it read access"), "refused the key: give"),
        (DagsterExecutionInterruptedError(), "it was interrupted"),
        (OSError(28, "No space left on device", "/x/build"), "No space left on device: '/x/build'"),
    ],
)
def test_the_record_of_a_failed_run_names_the_cause(
    tmp_path: Path, cause: Exception, said: str
) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path)

    @dg.op(required_resource_keys={"night"})
    def pull(context: dg.OpExecutionContext) -> None:
        context.resources.night.begin(None)
        raise RuntimeError("of a library") from cause

    @dg.job(resource_defs={"night": night_resource(settings)})
    def nightly() -> None:
        pull()

    result = nightly.execute_in_process(raise_on_error=False)
    with open_state(settings.state_file) as state:
        run = read_run(state, result.run_id)
    # What a person ended is no failure of what the run did, and no incident.
    assert run.outcome == ("interrupted" if "interrupted" in said else "failed")
    assert str(run.reason).startswith("pull: ")
    assert said in str(run.reason)
    assert "heirpay_pipelines" not in str(run.reason)
