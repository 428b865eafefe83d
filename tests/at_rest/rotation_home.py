"""A small home of everything that is encrypted, and a picture of what it holds."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.audit import Action, append, verify
from heirpay_pipelines.duck import WarehouseError, connect
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest, write_manifest
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.landing.writer import Writer
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

OLD, NEW = (
    "the old key of this home, and more",
    "the new key, it's longer than the old one was",
)
SENTINEL = "jane.sentinel@example.com"
AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


def settings(home: Path, key: str | None) -> Settings:
    return Settings(HEIRPAY_HOME=home, **({"HEIRPAY_ENCRYPTION_KEY": key} if key else {}))


def make_home(home: Path, key: str | None) -> Settings:
    os.umask(0o077)
    given = settings(home, key)
    with open_state(given.state_file) as state:
        append(state, AS_OF, "ana", Action.QUERY, SENTINEL, {})
    for night in range(2):
        asyncio.run(_land(given, AS_OF + timedelta(days=night)))
    given.warehouse_dir.mkdir()
    with connect(given.warehouse, key, read_only=False) as connection:
        connection.execute(
            f"create schema staging; create table staging.stg_stripe__customers as"
            f" select '{SENTINEL}' as email; comment"
            f" on table staging.stg_stripe__customers is 'People';"
            " create schema finance; create table finance.mrr (id int primary key);"
            " insert into finance.mrr values (1), (2); delete from finance.mrr where id = 1"
        )
    folder = given.reports_dir / "2026-11-01"
    folder.mkdir(parents=True)
    (given.reports_dir / "latest").symlink_to(folder.name)
    sealed.write(folder / "report.html", SENTINEL.encode(), key)
    given.notices_dir.mkdir()
    sealed.write(given.notices_dir / "inc_1.md", SENTINEL.encode(), key)
    sealed.write(given.evidence_key, b"aa", key)
    return given


async def _land(given: Settings, as_of: datetime) -> None:
    landing = Landing.of(given)
    pull_id = f"{as_of:%Y%m%dT%H%M%SZ}-1"
    writer = Writer(landing, pull_id, "acct_1", "2026-01-01", as_of, suppressed=None)
    for number in range(3):
        found = {"id": f"cus_{number}", "object": "customer", "email": SENTINEL}
        await writer.add(found, "list")
    write_manifest(
        landing.manifests_dir,
        Manifest(pull_id, as_of, "acct_1", False, "2026-01-01", "full", {}, as_of, as_of, 1,
                 await writer.finish()),
    )  # fmt: skip


def picture(given: Settings) -> dict[str, object]:
    """What the home holds, read with its key through the product's own readers."""
    landing = Landing.of(given)
    landing.verify()
    seen: dict[str, object] = {}
    with open_files(landing) as connection:
        for name, files in landing.files().items():
            rows = "select regexp_extract(filename, '([^/]+)-[0-9]+[.]parquet$', 1), id, payload"
            seen[name] = connection.execute(
                f"{rows} from {relation(landing, files)} order by all"
            ).fetchall()
    with connect(given.warehouse, given.key, read_only=True) as connection:
        seen["tables"] = connection.execute(
            "select table_name, comment, email"
            " from duckdb_tables(), staging.stg_stripe__customers order by all"
        ).fetchall()
        seen["mrr"] = connection.execute("from finance.mrr").fetchall()
    with open_state(given.state_file) as state:
        assert verify(state).ok
        seen["log"] = state.rows(
            "select subject from audit_log where action not in ('key_rotated', 'pull_landed')"
        )
        seen["tables of state"] = state.rows("select type, name, sql from sqlite_master order by 2")
    sealed_files = (
        *sorted(given.reports_dir.rglob("report.*")),
        given.notices_dir / "inc_1.md",
        given.evidence_key,
    )
    for path in sealed_files:
        seen[path.name] = sealed.read(path, given.key)
    return seen


def files_with(text: str, home: Path) -> list[str]:
    found = [path for path in home.rglob("*") if path.is_file()]
    return sorted(path.name for path in found if text.encode() in path.read_bytes())


def rotated(given: Settings) -> list[dict[str, object]]:
    with open_state(given.state_file) as state:
        return state.rows("select actor, detail from audit_log where action = 'key_rotated'")


def heirpay(
    home: Path, key: str | None, *arguments: str, new: str | None = None, code: str = ""
) -> subprocess.CompletedProcess[str]:
    """A `heirpay` process; `new` on its standard input, `code` run before it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY_", "STRIPE_"))}
    given = {"HEIRPAY_HOME": str(home), **({"HEIRPAY_ENCRYPTION_KEY": key} if key else {})}
    return subprocess.run(
        [sys.executable, "-c", f"{code}\nfrom heirpay_pipelines.cli import main; main()",
         *arguments],
        env=kept | given, cwd=home, input=new, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def opens(path: Path, key: str | None) -> bool:
    try:
        with connect(path, key, read_only=True):
            return True
    except WarehouseError:
        return False
