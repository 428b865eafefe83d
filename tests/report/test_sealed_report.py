"""With a key the report is sealed as it is written, and read by those who have the key."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.cli import cli
from heirpay_pipelines.report.run_facts import RunFacts
from heirpay_pipelines.report.write import write_report
from heirpay_pipelines.serve.server import build_server
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

KEY = "correct horse battery staple, and more"
AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The report of a night that published nothing, under a key."""
    home = tmp_path_factory.mktemp("sealed") / "home"
    home.mkdir(mode=0o700)
    given = Settings(HEIRPAY_HOME=home, HEIRPAY_ENCRYPTION_KEY=KEY)
    with open_state(given.state_file):
        pass
    write_report(given, RunFacts("run-1", AS_OF, "refused", "a blocking control failed"), [])
    yield given


def invoke(settings: Settings, *arguments: str) -> object:
    environment = {"HEIRPAY_HOME": str(settings.folder), "HEIRPAY_ENCRYPTION_KEY": KEY}
    return CliRunner(env=environment).invoke(cli, ["report", *arguments])


def test_every_file_of_it_is_sealed(settings: Settings) -> None:
    files = [path for path in settings.reports_dir.rglob("*") if path.is_file()]
    assert {"report.html", "report.json", "finance.xlsx"} <= {path.name for path in files}
    assert [path.name for path in files if not sealed.is_sealed(path)] == []
    workbook = sealed.read(settings.reports_dir / "latest" / "finance.xlsx", KEY)
    assert "xl/workbook.xml" in zipfile.ZipFile(BytesIO(workbook)).namelist()


def test_it_is_written_out_readable_where_its_reader_asks(
    settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "mine"
    result = invoke(settings, "--to", str(target))
    assert (result.exit_code, result.stdout.strip()) == (0, str(target / "report.html"))
    assert (target / "report.html").read_text().startswith("<!")
    assert json.loads((target / "report.json").read_text())["project_status"]["verdict"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (target, *target.rglob("*")))
    with open_state(settings.state_file) as state:
        taken = state.rows("select subject from audit_log where action = 'report_taken_out'")
    assert taken == [{"subject": "2026-11-01"}]


def test_it_is_never_written_out_under_the_home_or_opened_sealed(settings: Settings) -> None:
    inside = invoke(settings, "--to", str(settings.folder / "readable"))
    assert (inside.exit_code, (settings.folder / "readable").exists()) == (2, False)
    opened = invoke(settings, "--open")
    assert (opened.exit_code, "--to FOLDER" in opened.output) == (2, True)


@pytest.mark.anyio
async def test_the_mcp_server_reads_it(settings: Settings) -> None:
    found = await build_server(settings).call_tool("report", {"section": "project_status"})
    assert "verdict" in str(found)
