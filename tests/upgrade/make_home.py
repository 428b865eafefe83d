"""A home as an earlier commit's code leaves it, with one of everything that an upgrade must not
lose; and what that code's next night makes of it.

    python tests/upgrade/make_home.py FOLDER [--commit b9ef432] [--key KEY]
    python tests/upgrade/make_home.py FOLDER --pack tests/upgrade/home-b9ef432.tar.xz

FOLDER gets `home` (two nights, and what people did after each), `expected` (the tables of the
earlier code's third night, its state after that, and the first night as that code computes it again
then) and `made.json` (the ids).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "b9ef432"
"""The last commit that landed before the architecture."""
NIGHTS = ("2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00", "2026-11-03T00:00:00+00:00")
KEY = "rk_live_embedded_account"
LAST_MONTH = "2026-08"
ATTESTED = "penetration_test"
NOT_PACKED = (
    "dagster", "dbt", "reserve", "run.lock", "warehouse",
    "data_docs", "exports", "finance.xlsx", "report.html",
)  # fmt: skip
"""What the next night makes anew or does not read: it is left out of what is committed."""
EXPORT = """
import sys
from pathlib import Path
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.duck import connect
settings, target = Settings.load(), Path(sys.argv[1])
built = settings.warehouse
if len(sys.argv) > 2:
    from datetime import datetime
    from heirpay_pipelines.warehouse.build import build
    from heirpay_pipelines.warehouse.project import BuildRequest
    built = settings.warehouse.with_name("past.duckdb")
    as_of = datetime.fromisoformat(sys.argv[2]).replace(tzinfo=None)
    named = (settings.timezone, settings.reporting_currency, settings.key)
    build(BuildRequest(built, settings.home / "dbt", "past", as_of, *named), settings)
target.mkdir(parents=True)
with connect(built, settings.key, read_only=True) as connection:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where schema_name in "
        "('finance', 'compliance', 'operations') and database_name = current_database()"
    ).fetchall()
    for schema, table in tables:
        rows = connection.sql(f'select columns(*)::varchar from "{schema}"."{table}" order by all')
        rows.write_parquet(str(target / f"{schema}.{table}.parquet"), compression="zstd")
"""
"""Each value as text: to the digit, whatever a file's types are."""
STATE = """
import json, sys
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state
with open_state(Settings.load().state_file) as state:
    tables = state.rows("select name from sqlite_master where type = 'table' order by name")
    held = {row["name"]: state.rows(f'select * from "{row["name"]}"') for row in tables}
print(json.dumps(held, default=lambda value: value.hex()))
"""


@dataclass(frozen=True)
class Code:
    """A checkout whose commands work on a home."""

    source: Path
    home: Path
    address: str = "http://127.0.0.1:9"
    key: str | None = None

    @property
    def python(self) -> str:
        return str(self.source / ".venv" / "bin" / "python")

    def __call__(self, *arguments: str, login: str = "ada", check: bool = True) -> str:
        """Run `heirpay` as a person; what it said."""
        return self._run([self.python, "-m", "heirpay_pipelines", *arguments], login, check)

    def script(self, text: str, *arguments: str) -> str:
        return self._run([self.python, "-c", text, *arguments], "ada", True)

    def ids(self, sql: str) -> list[dict[str, Any]]:
        return list(json.loads(self("query", sql, "--format", "json")))

    def _run(self, command: list[str], login: str, check: bool) -> str:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("HEIRPAY_", "STRIPE_"))}
        environment = kept | {
            "PYTHONPATH": os.pathsep.join((str(ROOT / "tests" / "logged_in"), str(self.source))),
            "TEST_LOGIN": login,
            "HEIRPAY_HOME": str(self.home),
            "STRIPE_API_BASE": self.address,
            "STRIPE_API_KEY": KEY,
        }
        if self.key:
            environment["HEIRPAY_ENCRYPTION_KEY"] = self.key
        ended = subprocess.run(
            command, env=environment, cwd=self.home, capture_output=True, text=True, check=False
        )
        if check and ended.returncode:
            raise SystemExit(f"{command[1:4]}: {ended.stdout[-2000:]}{ended.stderr[-3000:]}")
        return ended.stdout


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit of this repository, with the libraries that it pins."""
    source = folder / f"code-{commit}"
    source.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True
    ).stdout  # fmt: skip
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    subprocess.run(["./heirpay", "test", "--version"], cwd=source, check=True)
    try:
        yield source
    finally:
        shutil.rmtree(source)


@contextmanager
def account(source: Path, now: str, bank: Path) -> Iterator[str]:
    """That code's embedded account as of an instant; its address."""
    port = _free_port()
    environment = os.environ | {"PYTHONPATH": str(source)}
    command = [str(source / ".venv" / "bin" / "python"), "-m", "heirpay_pipelines", "sandbox"]
    command += ["serve", "--port", str(port), "--bank-statements", str(bank), "--key", KEY]
    process = subprocess.Popen(
        [*command, "--now", now, "--limits", "off"],
        env=environment,
        cwd=bank.parent,
        stdout=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def make(folder: Path, source: Path, key: str | None) -> None:
    """Two nights with what people do after each; then a third on a copy."""
    os.umask(0o077)
    code = Code(source, folder / "home", key=key)
    (code.home / "bank").mkdir(parents=True, exist_ok=True)
    _night(code, NIGHTS[0])
    made = _after_the_first(code)
    _night(code, NIGHTS[1])
    made |= _after_the_second(code)
    code("close", LAST_MONTH, "--verify")
    code("audit", "verify")
    copy = Code(source, folder / "copy", key=key)
    shutil.copytree(code.home, copy.home, symlinks=True)
    _night(copy, NIGHTS[2])
    expected = folder / "expected"
    copy.script(EXPORT, str(expected / "third"))
    copy.script(EXPORT, str(expected / "first"), NIGHTS[0])
    (expected / "state.json").write_text(copy.script(STATE))
    shutil.rmtree(copy.home)
    (folder / "made.json").write_text(json.dumps(made, indent=1))


def _night(code: Code, as_of: str) -> None:
    if (code.home / "reports" / as_of[:10]).is_dir():
        return  # it ran before this script was interrupted
    with account(code.source, as_of, code.home / "bank") as address:
        Code(code.source, code.home, address, code.key)("run", "--as-of", as_of)


def _after_the_first(code: Code) -> dict[str, Any]:
    code("close", LAST_MONTH)
    code("close", LAST_MONTH, "--approve", login="grace")
    resolved = code.ids(
        "select break_id from finance.reconciliation_breaks order by first_seen_on, break_id"
    )[0]["break_id"]
    code("breaks", "resolve", resolved, "--reason", "explained by the bank")
    waived = code.ids(
        "select control_id from compliance.control_results where status = 'fail'"
        " and severity = 'warning' order by control_id"
    )[0]["control_id"]
    until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 360 * 86400))
    code("waive", waived, "--reason", "corrected next month", "--until", until)
    code("waive", waived, "--approve", login="grace")
    code("attest", ATTESTED, "--by", "Ada", "--reference", "report 7")
    erased = code.ids(
        "select customer_id from finance.mrr_movements group by all"
        " order by count(*) desc, customer_id"
    )[0]["customer_id"]
    code("gdpr", "erase", erased, "--reason", "letter 7", "--by", "Dana")
    return {"resolved": resolved, "waived": waived, "erased": erased, "attested": ATTESTED,
            "closed": LAST_MONTH, "key": code.key}  # fmt: skip


def _after_the_second(code: Code) -> dict[str, Any]:
    listed = json.loads(code("incidents", "list", "--json"))
    twice = sorted(row["incident_id"] for row in listed if row["strike"] == 2)
    if not twice:
        raise SystemExit(f"no incident is at strike 2: {[row['strike'] for row in listed]}")
    code("incidents", "ack", twice[0], "--note", "asked the bank")
    return {"acknowledged": twice[0]}


def pack(folder: Path, target: Path) -> None:
    """A tar that is the same for the same files: sorted, no owners, no times of the machine."""

    def cleared(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(info.name).parts
        if parts[0] == "home" and set(parts[1:]) & set(NOT_PACKED):
            return None
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info

    with tarfile.open(target, "w:xz", preset=9, format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if name.parts[0] in ("home", "expected", "made.json"):
                archive.add(path, str(name), recursive=False, filter=cleared)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    request = urllib.request.Request(
        f"{address}/v1/account", headers={"Authorization": f"Bearer {KEY}"}
    )
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit("the account did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--commit", default=BEFORE)
    parser.add_argument("--key")
    parser.add_argument("--pack", type=Path)
    given = parser.parse_args()
    folder = given.folder.resolve()
    if not (folder / "made.json").is_file():
        with checked_out(given.commit, folder) as source:
            make(folder, source, given.key)
    if given.pack:
        pack(folder, given.pack)


if __name__ == "__main__":
    main()
