"""How fast the models are, and how much memory they take, at a million balance transactions.

    python benchmarks/models.py                           # 1,000,000 balance transactions
    python benchmarks/models.py --transactions 10000000   # some 100 GB of JSON: 40 GB of disk
    python benchmarks/models.py --quick                   # smoke test: the account twice

The embedded account is pulled once over HTTP. Its landed objects are then repeated with ids of
their own (customers, subscriptions, invoices, events and payments alike, so that every reference
holds; prices, products, coupons and tax rates are shared) by DuckDB, straight into Parquet files
behind a manifest, until there are as many balance transactions as asked. The build is the
night's: every model, then every control that reads their tables, in a process of its own, DuckDB
limited to 2.5 GB.

The baseline, in the same run: reading every landed payload once and taking one field out of it,
which no pipeline can do without.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.settings import Settings

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
MEMORY, THREADS = "2.5GB", 2
DECLARED = ("required_values", "working_keys", "known_values")
SHARED = {
    "account", "balance", "billing_meter", "coupon", "price", "product", "promotion_code",
    "report_run", "tax_rate",
}  # fmt: skip
OWN = (
    "ch py pi re pyr txn in il ii inpay sub_sched sub si cus pm po du tr trr fee fr cn cnli cbtxn"
    " txi prv issfr tu evt di pyi seti"
)


def pull(home: Path) -> None:
    """One full pull of the embedded account, landed under `home`."""
    from heirpay_pipelines.gateways.progress import TerminalProgress
    from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
    from heirpay_pipelines.orchestration.embedded import serve_account
    from heirpay_pipelines.settings import Settings

    options = ["--now", AS_OF.isoformat(), "--limits", "off"]
    with serve_account(home / "bank", *options) as account:
        settings = Settings(
            STRIPE_API_KEY=account.key, STRIPE_API_BASE=account.base_url, HEIRPAY_HOME=home
        )
        pull_and_land(stripe_account(settings), AS_OF, False, TerminalProgress(lambda line: None))


def repeat(source: Path, target: Path, transactions: int) -> dict[str, int]:
    """Land the objects of `source` as often as it takes; return how many of each there are."""
    from heirpay_pipelines.landing.landing import Landing, sha256_of
    from heirpay_pipelines.landing.manifest import write_manifest
    from heirpay_pipelines.settings import Settings

    pulled = Landing(Settings(HEIRPAY_HOME=source).landing_dir)
    into = Landing(Settings(HEIRPAY_HOME=target).landing_dir)
    manifest = pulled.manifests()[0]
    copies = math.ceil(transactions / manifest.rows_by_object()["balance_transaction"])
    landed = []
    with tempfile.TemporaryDirectory(dir=target) as spill, limited(Path(spill)) as connection:
        for file in manifest.files:
            path = into.root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            of_each = 1 if file.object_name.replace(".", "_") in SHARED else copies
            connection.execute(
                f"copy ({repeated(pulled.root / file.path, of_each)}) to '{path}'"
                " (format parquet, compression zstd)"
            )
            rows = file.rows * of_each
            landed.append(replace(file, rows=rows, sha256=sha256_of(path)))
    whole = replace(manifest, files=tuple(landed))
    write_manifest(into.manifests_dir, whole)
    return whole.rows_by_object()


def repeated(path: Path, copies: int) -> str:
    """SQL of a landed file's rows, `copies` times; the first copy keeps its ids."""
    ids = OWN.replace(" ", "|")
    return f"""
        select * exclude (copy) replace (
            case when copy = 0 then id else id || 'x' || copy end as id,
            case
                when event_id is null or copy = 0 then event_id else event_id || 'x' || copy
            end as event_id,
            case when copy = 0 then payload else regexp_replace(
                payload, '"((?:{ids})_[A-Za-z0-9]{{8,}})"', '"\\1x' || copy || '"', 'g'
            ) end as payload
        )
        from read_parquet('{path}'), (select range as copy from range({copies}))
    """


def limited(spill: Path) -> duckdb.DuckDBPyConnection:
    """A connection with the memory and threads of the build."""
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{MEMORY}'; set threads = {THREADS}")
    connection.execute(f"set temp_directory = '{spill}'; set preserve_insertion_order = false")
    return connection


def baseline(home: Path) -> tuple[int, float]:
    """Payloads read and seconds, taking one field out of each."""
    with tempfile.TemporaryDirectory(dir=home) as spill, limited(Path(spill)) as connection:
        began = time.monotonic()
        rows = connection.execute(
            "select count(*), sum(length(json_extract_string(payload, '$.object')))"
            f" from read_parquet('{home}/landing/objects/*/*.parquet')"
        ).fetchone()
        return int(rows[0]) if rows else 0, time.monotonic() - began


def build(home: Path) -> None:
    """Build all models and hold their tables against the controls, as a night does; print seconds,
    rows built and peak memory."""
    from heirpay_pipelines.duck import connect
    from heirpay_pipelines.settings import Settings
    from heirpay_pipelines.warehouse.build import prepare_build
    from heirpay_pipelines.warehouse.project import WITHOUT_TESTS, BuildRequest, model_threads
    from heirpay_pipelines.warehouse.run_dbt import run_dbt

    settings = Settings(HEIRPAY_HOME=home)
    request = BuildRequest(
        database=home / "building.duckdb",
        work_dir=home / "dbt",
        run_id="benchmark",
        as_of=AS_OF.replace(tzinfo=None),
        memory_limit=MEMORY,
        threads=model_threads(home / "landing"),
    )
    began = time.monotonic()
    prepare_build(request, settings)
    run_dbt(request, ["build", *WITHOUT_TESTS])
    built, peak = time.monotonic(), peak_megabytes()
    controls = check_tables(request.database, settings)
    checked = time.monotonic()
    with connect(request.database, None, read_only=True) as connection:
        tables = connection.execute(
            "select count(*), sum(estimated_size) from duckdb_tables()"
            " where schema_name not in ('landing', 'state')"
        ).fetchone()
    assert tables is not None
    found = {"seconds": built - began, "checked": checked - built, "controls": controls}
    found |= {"megabytes": peak, "checked_megabytes": peak_megabytes()}
    found |= {"tables": tables[0], "rows": int(tables[1])}
    print(json.dumps(found | {"file": request.database.stat().st_size}))


def peak_megabytes() -> float:
    """Peak memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def check_tables(database: Path, settings: Settings) -> int:
    """Evaluate the controls that read the models' tables; return how many they are."""
    from heirpay_pipelines.controls import RunContext, load_register, run_controls

    of_tables = [
        control
        for control in load_register()
        if control.native or control.rows or control.probe in DECLARED
    ]
    run = RunContext("benchmark", AS_OF, settings, AS_OF)
    results = run_controls(database, run, controls=of_tables)
    failed = [f"{r.key}: {r.evidence}" for r in results if r.status == "not_evaluated"]
    if failed:
        sys.exit("\n".join(failed))
    return len(results)


def measure(home: Path, landed: dict[str, int]) -> None:
    payloads, scan = baseline(home)
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(home)], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-4000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"landed    {sum(landed.values()):,} objects, {landed['balance_transaction']:,} of them"
        f" balance transactions, {landed['invoice']:,} invoices, {landed['event']:,} events\n"
        f"baseline  {payloads:,} payloads read once: {scan:,.1f} s\n"
        f"models    {found['tables']} tables, {found['rows']:,} rows: {found['seconds']:,.1f} s,"
        f" {landed['balance_transaction'] / found['seconds']:,.0f} balance transactions"
        f" a second, {found['seconds'] / scan:.1f} x the baseline\n"
        f"controls  {found['controls']} that read these tables: {found['checked']:,.1f} s\n"
        f"memory    {found['megabytes']:,.0f} MiB peak,"
        f" {found['checked_megabytes']:,.0f} MiB with the controls (DuckDB limited to {MEMORY})\n"
        f"disk      {found['file'] / 1e6:,.0f} MB warehouse"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--work", type=Path, help="a folder with room to work in")
    parser.add_argument("--child", type=Path)
    chosen = parser.parse_args()
    if chosen.child:
        build(chosen.child)
        return
    wanted = 5_000 if chosen.quick else chosen.transactions
    with tempfile.TemporaryDirectory(dir=chosen.work) as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        for home in (source, target):
            home.mkdir()
        pull(source)
        measure(target, repeat(source, target, wanted))


if __name__ == "__main__":
    main()
