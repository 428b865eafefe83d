"""What a night says when it cannot begin: the cause, in one line, without a class of Dagster's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from heirpay_pipelines.console.errors import known
from heirpay_pipelines.orchestration import launch
from heirpay_pipelines.settings import Settings

CAUSES = {
    "database is locked": "another program",
    "database table is locked": "another program",
    "database or disk is full": "full",
    "disk I/O error": "disk",
    "attempt to write a readonly database": "may not be written",
    "unable to open database file": "cannot be opened",
}


@pytest.mark.parametrize("said", CAUSES)
@pytest.mark.parametrize("through_dagster", [False, True])
def test_a_locked_file_is_no_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, through_dagster: bool
) -> None:
    refused: Exception = sqlite3.OperationalError(said)
    if through_dagster:
        refused = OperationalError("insert into runs", {}, refused)

    def refuse(*_: object) -> None:
        raise refused

    monkeypatch.setattr(launch, "cannot_pull", lambda *_: None)
    monkeypatch.setattr(launch, "_run_job", refuse)
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr("sys.unraisablehook", None)
    ended = launch.run_nightly(Settings(HEIRPAY_HOME=tmp_path), None, full=False)
    command = known(refused, tmp_path)
    assert ended.exit_code == 1
    assert command is not None
    for line in (str(ended.error), command.line.replace(str(tmp_path), "HOME")):
        assert CAUSES[said] in line
        assert ("full" in line) is ("full" in said or "I/O" in said or "open" in said)
        assert "agster" not in line
        assert "OperationalError" not in line


@dg.op
def refuse_publication() -> None:
    raise dg.Failure("Publication was refused: a blocking control failed", allow_retries=False)


@dg.op
def nothing_there() -> None:
    raise LookupError("no such night: 2026-10-31")


@dg.op
def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("op", "line"),
    [
        (refuse_publication, "refuse_publication: Publication was refused: a blocking control"),
        (nothing_there, "nothing_there: LookupError: no such night: 2026-10-31"),
        (interrupted, "interrupted: it was interrupted (Ctrl-C, or"),
    ],
)
def test_a_failed_step_is_named_without_a_class_of_dagsters(op: dg.OpDefinition, line: str) -> None:
    @dg.job(executor_def=dg.in_process_executor)
    def night() -> None:
        op()

    with dg.DagsterInstance.ephemeral() as instance:
        ended = night.execute_in_process(instance=instance, raise_on_error=False)
    said = launch._first_error(ended.all_events)
    assert said.startswith(line)
    assert "agster" not in said
    assert "Failure" not in said


def test_what_no_step_was_begun_for_is_said_too() -> None:
    @dg.resource
    def refusing(_: dg.InitResourceContext) -> None:
        raise RuntimeError("Another run is under way: the job `nightly` by ada (pid 7)")

    @dg.op(required_resource_keys={"night"})
    def step() -> None: ...

    @dg.job(resource_defs={"night": refusing}, executor_def=dg.in_process_executor)
    def night() -> None:
        step()

    with dg.DagsterInstance.ephemeral() as instance:
        ended = night.execute_in_process(instance=instance, raise_on_error=False)
    said = launch._first_error(ended.all_events)
    assert "Another run is under way: the job `nightly` by ada (pid 7)" in said
    assert "agster" not in said
