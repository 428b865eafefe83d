"""dbt's manifest: what Dagster reads to show each model as an asset."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from heirpay_pipelines.model.project import PROJECT_DIR, BuildRequest, project_fingerprint
from heirpay_pipelines.settings import Settings


def dbt_work_dir(settings: Settings) -> Path:
    """Where dbt writes: its manifest, logs and spill files."""
    return settings.home / "dbt"


def current_manifest(settings: Settings) -> Path:
    """The manifest of the dbt project as it is now; parsed anew only when a file changed."""
    work = dbt_work_dir(settings)
    manifest = work / "target" / "manifest.json"
    stamp = work / "parsed"
    fingerprint = _fingerprint()
    if not (manifest.is_file() and stamp.is_file() and stamp.read_text() == fingerprint):
        from heirpay_pipelines.model.run_dbt import run_dbt

        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        run_dbt(_parse_request(work), ("parse",))
        stamp.write_text(fingerprint)
    return manifest


def _parse_request(work: Path) -> BuildRequest:
    """Parsing opens no database; the request is one that could not be built."""
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as BuildRequest has it
    return BuildRequest(Path("unused.duckdb"), work, run_id="parse", as_of=epoch)


def _fingerprint() -> str:
    # The manifest holds paths: a checkout elsewhere needs its own.
    return f"{PROJECT_DIR} {project_fingerprint()}"
