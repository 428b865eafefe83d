"""dbt's manifest: parsed once, read whole, whoever starts at the same time."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heirpay_pipelines.at_rest.places import write_whole
from heirpay_pipelines.orchestration import manifest
from heirpay_pipelines.settings import Settings

NODES = {
    "model.heirpay.mrr": {
        "resource_type": "model", "name": "mrr", "alias": "mrr", "schema": "finance",
        "fqn": ["heirpay", "mrr"], "description": "MRR.", "raw_code": "select 1",
        "depends_on": {"nodes": ["seed.heirpay.currencies"]},
    },
    "test.heirpay.mrr": {"resource_type": "test", "name": "mrr_is_unique"},
}  # fmt: skip
SHOWN = {
    "model.heirpay.mrr": {
        "resource_type": "model", "name": "mrr", "alias": "mrr", "schema": "finance",
        "source_name": None, "fqn": ["heirpay", "mrr"], "description": "MRR.",
        "reads": ["seed.heirpay.currencies"],
    }
}  # fmt: skip


def test_two_that_start_at_once_after_an_upgrade_read_one_whole_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path)
    half, parses = threading.Event(), []

    def slow_parse(_: object, arguments: tuple[str, ...]) -> None:
        parses.append(arguments)
        target = Path(arguments[-1])
        (target / "partial_parse.msgpack").write_bytes(b"parsed")
        (target / "manifest.json").write_text('{"nodes"')
        half.set()
        threading.Event().wait(0.3)  # the other one is waiting, or reads what is half written
        (target / "manifest.json").write_text(json.dumps({"nodes": NODES}))

    monkeypatch.setattr("heirpay_pipelines.warehouse.run_dbt.run_dbt", slow_parse)

    def second() -> str:
        half.wait(10)
        return manifest.current_manifest(settings).read_text()

    with ThreadPoolExecutor(2) as both:
        read = both.submit(second)
        first = both.submit(lambda: manifest.current_manifest(settings).read_text())
        assert json.loads(read.result()) == json.loads(first.result()) == SHOWN
    assert len(parses) == 1
    # What a night's dbt writes is another file, and what it starts from is there.
    work = manifest.dbt_work_dir(settings)
    assert (work / "target" / "partial_parse.msgpack").read_bytes() == b"parsed"
    assert manifest.current_manifest(settings).parent != work / "target"
    assert [path for path in work.iterdir() if path.name.startswith("parse-")] == []


def test_a_parse_that_was_killed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(HEIRPAY_HOME=tmp_path)
    left = manifest.dbt_work_dir(settings) / "parse-of-a-killed-one"
    left.mkdir(parents=True)
    (left / "manifest.json").write_text("{")

    def parse(_: object, arguments: tuple[str, ...]) -> None:
        for name in ("partial_parse.msgpack", "manifest.json"):
            (Path(arguments[-1]) / name).write_text("{}")

    monkeypatch.setattr("heirpay_pipelines.warehouse.run_dbt.run_dbt", parse)
    assert manifest.current_manifest(settings).read_text() == "{}"  # a project without a model
    assert not left.exists()


def test_two_that_write_one_file_at_once_have_drafts_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `ui` and `run` write Dagster's settings: with one draft, one would take it from the other,
    or write into the middle of it."""
    real, drafts = Path.replace, set()

    def replace(draft: Path, target: Path) -> Path:
        drafts.add(draft)
        return real(draft, target)

    monkeypatch.setattr(Path, "replace", replace)
    for process in (101, 102):
        monkeypatch.setattr("os.getpid", lambda process=process: process)
        write_whole(tmp_path / "dagster.yaml", b"telemetry: {enabled: false}")
    assert len(drafts) == 2
