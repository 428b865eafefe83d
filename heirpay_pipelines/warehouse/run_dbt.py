"""Running the dbt project in this process, for tests and the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from heirpay_pipelines.warehouse.project import BuildRequest


class ModelError(Exception):
    """dbt could not build the models. The message names the models and their first errors."""


def run_dbt(request: BuildRequest, arguments: Sequence[str] = ("build",)) -> None:
    """Run a dbt command (`build --select …`) against the request's build database.

    Raises ModelError naming each node that failed.
    """
    # dbt takes seconds to import; nothing else of the package needs it.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    variables = json.dumps(request.variables())
    with dbt_environment(request.environment()):
        try:
            result = dbtRunner().invoke([*arguments, "--vars", variables, "--quiet"])
        finally:
            # The adapter keeps its connection for the process; the file must be free now.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if result.success:
        return
    if isinstance(result.exception, KeyboardInterrupt):
        raise KeyboardInterrupt  # a person ended it: dbt did not fail
    if result.exception is not None:
        raise ModelError(f"dbt failed: {result.exception}") from result.exception
    failed = [
        f"{node.node.name}: {node.message or node.status}"
        for node in getattr(result.result, "results", [])
        if node.status in ("error", "fail", "runtime error")
    ]
    raise ModelError("dbt failed: " + "; ".join(failed))


@contextmanager
def dbt_environment(variables: dict[str, str]) -> Iterator[None]:
    """The process's environment with these variables, until the block ends."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
