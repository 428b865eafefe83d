"""Controls that read tables, as Great Expectations expectations pushed down into DuckDB."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any, cast

import duckdb

from heirpay_pipelines.controls.engine import engine_arguments
from heirpay_pipelines.controls.register import Control
from heirpay_pipelines.controls.results import (
    EVIDENCE_IDS,
    Outcome,
    RunContext,
    not_applicable,
    not_evaluated,
)
from heirpay_pipelines.home import Home

TABLES_AT_A_TIME = 25
"""So often whoever watches hears how far it is."""


def bind(sql: str, run: RunContext) -> str:
    """A control's SQL with the run's parameters in it, as literals."""
    return bind_to(sql, run.as_of, run.settings)


def bind_to(sql: str, as_of: datetime, home: Home) -> str:
    """A control's SQL as of an aware UTC instant, with the installation's settings in it."""
    values = {
        "$as_of": f"timestamp '{as_of.replace(tzinfo=None).isoformat(sep=' ')}'",
        "$timezone": f"'{home.timezone}'",
        "$reporting_currency": f"'{home.reporting_currency}'",
    }
    for name, value in values.items():
        sql = sql.replace(name, value)
    return sql.strip().rstrip(";")


def evaluate_tables(
    connection: duckdb.DuckDBPyConnection,
    controls: Sequence[Control],
    run: RunContext,
    data_docs: Path | None = None,
    tell: Callable[[int], object] = lambda _: None,
) -> dict[str, Outcome]:
    """Outcome by key. What one control raises makes that one `not_evaluated`; others go on. `tell`
    hears how many are evaluated."""
    outcomes: dict[str, Outcome] = {}
    due: list[tuple[Control, int]] = []
    for control in controls:
        try:
            reason = _inapplicable(connection, control, run)
            if reason:
                outcomes[control.key] = not_applicable(reason)
            else:
                due.append((control, _checked(connection, control, run)))
        except duckdb.Error as error:
            outcomes[control.key] = not_evaluated(first_line(error))
    validations = _validate(connection, [control for control, _ in due], run, data_docs, tell)
    for control, checked in due:
        try:
            outcomes[control.key] = _outcome(
                connection, control, run, checked, validations[control.key]
            )
        except (duckdb.Error, KeyError) as error:
            outcomes[control.key] = not_evaluated(first_line(error))
    return outcomes


def first_line(error: BaseException) -> str:
    """An error's type and first line: what follows in it may quote data."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:300]


def _inapplicable(
    connection: duckdb.DuckDBPyConnection, control: Control, run: RunContext
) -> str | None:
    if control.applies is None:
        return None
    row = connection.execute(bind(control.applies, run)).fetchone()
    return None if row and row[0] else control.otherwise


def _checked(connection: duckdb.DuckDBPyConnection, control: Control, run: RunContext) -> int:
    sql = bind(control.checked, run) if control.checked else f"select count(*) from {control.table}"
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _validate(
    connection: duckdb.DuckDBPyConnection,
    controls: Sequence[Control],
    run: RunContext,
    data_docs: Path | None,
    tell: Callable[[int], object],
) -> dict[str, Mapping[str, Any]]:
    """Run every expectation in Great Expectations checkpoints of `TABLES_AT_A_TIME`; results by
    control key."""
    if not controls:
        return {}
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Ten seconds of imports: nothing else of the package pays for them.
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # By itself it builds a second site, in clear, in a temporary folder that it has given back.
    ours_alone = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = gx.get_context(
        mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=ours_alone)
    )
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = cast(Any, context.data_sources).add_sql(
        name="build",
        connection_string="duckdb:///:memory:",
        create_temp_table=False,
        kwargs=engine_arguments(connection),
    )
    by_table: dict[str, list[Control]] = defaultdict(list)
    for control in controls:
        by_table[str(control.table)].append(control)
    # It prints, each time it reads one, that a query has no `{batch}`; a control's SQL names its
    # tables itself.
    with redirect_stdout(StringIO()):
        definitions = [
            _definition(gx, context, source, table, members, run)
            for table, members in by_table.items()
        ]
        run_id = gx.RunIdentifier(run_name=run.run_id, run_time=run.checked_at)
        found: list[Any] = []
        for first in range(0, len(definitions), TABLES_AT_A_TIME):
            checkpoint = context.checkpoints.add(
                gx.Checkpoint(
                    name=f"controls {first}",
                    validation_definitions=definitions[first : first + TABLES_AT_A_TIME],
                    result_format="SUMMARY",
                )
            )
            suites = checkpoint.run(run_id=run_id).run_results.values()
            found += [result for suite in suites for result in suite.results]
            tell(len(found))
        if data_docs is not None:
            from heirpay_pipelines.controls.data_docs import write_data_docs

            write_data_docs(context, data_docs, run.encryption_key)
    return {
        cast(Any, result.expectation_config).meta["control"]: result.to_json_dict()
        for result in found
    }


def _definition(
    gx: Any, context: Any, source: Any, table: str, controls: Sequence[Control], run: RunContext
) -> Any:
    # A table asset would lose its schema on the way to DuckDB.
    asset = source.add_query_asset(name=table, query=f"select * from {table}")
    batch = asset.add_batch_definition_whole_table("whole")
    suite = context.suites.add(gx.ExpectationSuite(name=table))
    for control in controls:
        suite.add_expectation(_expectation(gx, control, run))
    return context.validation_definitions.add(
        gx.ValidationDefinition(name=table, data=batch, suite=suite)
    )


def _expectation(gx: Any, control: Control, run: RunContext) -> Any:
    meta = {
        "control": control.key,
        "control_id": control.identifier(run.settings.project),
        "clause": control.requirement,
    }
    described = {"meta": meta, "description": control.title}
    if control.native:
        name = "".join(part.capitalize() for part in control.native.type.split("_"))
        return getattr(gx.expectations, name)(**control.native.kwargs, **described)
    return gx.expectations.UnexpectedRowsExpectation(
        unexpected_rows_query=bind(str(control.rows), run), **described
    )


def _outcome(
    connection: duckdb.DuckDBPyConnection,
    control: Control,
    run: RunContext,
    checked: int,
    result: Mapping[str, Any],
) -> Outcome:
    raised = result.get("exception_info") or {}
    for item in [raised, *(v for v in raised.values() if isinstance(v, Mapping))]:
        if item.get("raised_exception"):
            return not_evaluated(str(item.get("exception_message", "")).strip()[:300])
    body = result["result"]
    if control.native:
        # A table without rows has no count, nor anything unexpected.
        count = body.get("unexpected_count") or (0 if result["success"] else 1)
        values = [str(v) for v in body.get("partial_unexpected_list", [])]
        ids = list(dict.fromkeys(values))[:EVIDENCE_IDS]
    else:
        count = int(body["observed_value"])
        ids = _ids(connection, control, run) if count else []
    return Outcome(
        "pass" if result["success"] else "fail", checked, int(count), {"ids": ids} if ids else {}
    )


def _ids(connection: duckdb.DuckDBPyConnection, control: Control, run: RunContext) -> list[str]:
    found = connection.execute(
        f"select distinct id from ({bind(str(control.rows), run)}) order by id limit {EVIDENCE_IDS}"
    ).fetchall()
    return [str(row[0]) for row in found]
