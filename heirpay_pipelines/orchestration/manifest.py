"""dbt's manifest: what Dagster reads to show each model as an asset."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from heirpay_pipelines.settings import Settings
from heirpay_pipelines.warehouse.project import PROJECT_DIR, BuildRequest, project_fingerprint

DRAFT, PARTIAL = "parse-", "partial_parse.msgpack"
SHOWN = ("resource_type", "name", "alias", "schema", "source_name", "fqn", "description")
"""Of a node, what its asset shows. The rest of the manifest (its SQL, its macros) is twenty times
as large, and every start of Dagster would read it."""
ASSETS = ("model", "seed", "snapshot", "source")


def dbt_work_dir(settings: Settings) -> Path:
    """Where dbt writes: its manifest, logs and spill files."""
    return settings.folder / "dbt"


def current_manifest(settings: Settings) -> Path:
    """The manifest of the dbt project as it is now, with what assets show (`SHOWN`); parsed anew
    only when a file changed.

    Its file never changes: of several processes that start after an upgrade one parses and the
    others wait, and none reads what another, or a night's dbt, has half written.
    """
    work = dbt_work_dir(settings)
    manifest = manifest_file(work)
    if not manifest.is_file():
        manifest.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(work / "parse.lock", mode=0o600):
            if not manifest.is_file():
                _parse(work, manifest)
    return manifest


def manifest_file(work: Path) -> Path:
    """Where the manifest of the project as it is now is kept in dbt's folder of a home."""
    # The manifest holds paths: a checkout elsewhere needs its own.
    made_of = sha256(f"{PROJECT_DIR} {project_fingerprint()} {SHOWN}".encode())
    return work / "manifests" / f"{made_of.hexdigest()[:32]}.json"


def _parse(work: Path, manifest: Path) -> None:
    """Parse into a folder of its own; what a later dbt starts from goes where it looks for it."""
    from heirpay_pipelines.warehouse.run_dbt import run_dbt

    for leftover in work.glob(f"{DRAFT}*"):  # of a process that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=work))
    target = work / "target"
    try:
        target.mkdir(exist_ok=True, mode=0o700)
        if (target / PARTIAL).is_file():
            shutil.copy2(target / PARTIAL, draft / PARTIAL)
        run_dbt(_parse_request(work), ("parse", "--target-path", str(draft)))
        (draft / PARTIAL).replace(target / PARTIAL)
        shown = draft / "shown.json"
        shown.write_text(json.dumps(shown_of(json.loads((draft / "manifest.json").read_bytes()))))
        shown.replace(manifest)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def shown_of(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By unique id: every node that is a table of the warehouse, and what it reads."""
    nodes = {**manifest.get("nodes", {}), **manifest.get("sources", {})}
    return {
        unique_id: {name: node.get(name) for name in SHOWN}
        | {"reads": node.get("depends_on", {}).get("nodes", [])}
        for unique_id, node in nodes.items()
        if node["resource_type"] in ASSETS
    }


def _parse_request(work: Path) -> BuildRequest:
    """Parsing opens no database; the request is one that could not be built."""
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as BuildRequest has it
    return BuildRequest(Path("unused.duckdb"), work, run_id="parse", as_of=epoch)
