"""The published night's own report, and documents built anew from a changed copy of its tables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from heirpay_pipelines.controls.store import read_results
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.document import build_document
from heirpay_pipelines.report.figures import key_figures
from heirpay_pipelines.report.page import render
from heirpay_pipelines.report.reading import Reader, bring, parameters_of
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.runs import read_run

FILES = ("report.html", "report.json", "finance.xlsx")


@dataclass
class Facts:
    """What a report is written of; `sql` changes the tables for one document."""

    settings: Settings
    run: RunFacts
    controls: Sequence[Mapping[str, Any]]
    warehouse: Path

    @contextmanager
    def context(self, sql: str = "", **run: Any) -> Iterator[ReportContext]:
        """The report's context, with other tables and other facts of the run."""
        facts = replace(self.run, **run)
        with duckdb.connect(self.warehouse) as connection:
            connection.execute("begin")
            connection.execute(sql or "select 1")
            bring(connection, facts, self.controls)
            reader = Reader(connection, parameters_of(self.settings, facts), True)
            yield ReportContext(self.settings, facts, reader)
            connection.execute("rollback")

    def document(self, sql: str = "", **run: Any) -> dict[str, Any]:
        """report.json as it would be."""
        with self.context(sql, **run) as context:
            document = build_document(context, key_figures(context), FILES)
        plain: dict[str, Any] = json.loads(json.dumps(document))
        return plain

    def page(self, sql: str = "", **run: Any) -> str:
        """report.html as it would be."""
        with self.context(sql, **run) as context:
            figures = key_figures(context)
            return render(context, build_document(context, figures, FILES), figures)


@pytest.fixture(scope="session")
def folder(published: Any) -> Path:
    """The published night's report."""
    found: Path = published.settings.reports_dir / "latest"
    return found


@pytest.fixture(scope="session")
def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


@pytest.fixture(scope="session")
def copied(published: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    """The night's facts over a copy of its warehouse."""
    copy = tmp_path_factory.mktemp("report") / "heirpay.duckdb"
    shutil.copy2(published.settings.warehouse, copy)
    settings = published.settings
    with open_state(settings.state_file) as state:
        (newest,) = state.rows("select run_id from runs order by started_at desc limit 1")
        run = read_run(state, newest["run_id"])
        results = [asdict(result) for result in read_results(state, run.run_id, settings.project)]
    facts = RunFacts(run.run_id, run.as_of, "published", incidents=[], audit_head="7:" + "a" * 64)
    yield Facts(settings, facts, results, copy)


@pytest.fixture
def facts(copied: Facts) -> Facts:
    """The facts, to be changed by one test."""
    return replace(copied)
