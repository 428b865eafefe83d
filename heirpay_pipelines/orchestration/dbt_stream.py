"""dbt's command line as a child of ours, and what it says of each node while it works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirpay_pipelines.host.child_environment import child_environment
from heirpay_pipelines.host.with_parent import PARENT, parent_token
from heirpay_pipelines.warehouse.project import WITHOUT_TESTS, BuildRequest
from heirpay_pipelines.warehouse.run_dbt import ModelError

FINISHED = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult"})
FAULTS = frozenset({"RunResultError", "RunResultFailure", "MainEncounteredError"})
GOOD = ("success", "pass")
END_SECONDS = 10
"""Given to dbt to let go of the database when the run ends before it does."""


@dataclass(frozen=True)
class NodeResult:
    """A node that dbt is done with."""

    unique_id: str
    status: str
    seconds: float
    place: int
    of: int
    """It is the nth of so many."""

    @property
    def is_built(self) -> bool:
        return self.status in GOOD


def stream_build(request: BuildRequest, models: Sequence[str] = ()) -> Iterator[NodeResult]:
    """Build the models of these names and all that they read, or without names every model; yield
    each node as soon as it is done. Raises ModelError, when dbt has ended, naming what failed.

    dbt is given the build's variables and no key of a gateway's.
    """
    variables = json.dumps(request.variables())
    # Nobody reads dbt's own account of the run, and writing it costs seconds. Its log file says
    # what its lines to us say; each SQL statement, too, would cost a tenth of the run.
    arguments = ["build", "--no-write-json", "--log-level-file", "info"]
    arguments += [*WITHOUT_TESTS, "--vars", variables]
    arguments += ["--select", *(f"+{name}" for name in models)] if models else []
    given = request.environment() | {PARENT: parent_token(), "DBT_LOG_FORMAT": "json"}
    program = str(Path(sys.executable).with_name("heirpay-dbt"))
    process = subprocess.Popen(  # noqa: S603
        [program, *arguments],
        env=child_environment() | {"PYTHONUNBUFFERED": "1"} | given,
        cwd=given["DBT_PROJECT_DIR"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    faults: list[str] = []
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        for line in process.stdout:
            result, fault = _read(line)
            if result is not None:
                yield result
            elif fault:
                faults.append(" ".join(fault.split()))
        code = process.wait()
    finally:
        _end(process)
    if code != 0:
        raise ModelError("dbt failed: " + ("; ".join(faults) or f"it ended with exit code {code}"))


def _read(line: str) -> tuple[NodeResult | None, str | None]:
    """The node that a line of dbt's log is about, if it is done, or the error that the line says.
    A line that is no event is what Python prints before dbt logs, or after."""
    try:
        event = json.loads(line)
        info: dict[str, Any] = event["info"]
        data: dict[str, Any] = event["data"]
    except (ValueError, KeyError, TypeError):
        return None, None
    if info["name"] in FINISHED:
        node = data["node_info"]
        return NodeResult(
            unique_id=node["unique_id"],
            status=str(node["node_status"]).lower(),
            seconds=float(data.get("execution_time") or 0),
            place=int(data.get("index") or 0),
            of=int(data.get("total") or 0),
        ), None
    return None, str(info["msg"]) if info["name"] in FAULTS else None


def _end(process: subprocess.Popen[str]) -> None:
    """dbt never outlives its step: the database would stay locked."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=END_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
