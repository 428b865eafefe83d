"""What encryption at rest costs: each kind of file written and read plain and with a key, in turn.

    python benchmarks/encryption.py            # every landed version of the account 10 times
    python benchmarks/encryption.py --quick    # smoke test: once, one round

The baseline is the same work without a key, in the same run; the ratio is of processor time (all
threads), which other processes on the machine disturb least. Medians of the rounds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from models import pull

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandedFile
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.landing.writer import write_parquet
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

KEY = "a key for a benchmark, 32 bytes."
COMMITS = 300


def measured(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time, and what the work gave."""
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


def landed_versions(home: Path, times: int) -> Any:
    """Every landed version of the embedded account, so many times, as an Arrow table."""
    pull(home)
    landing = Landing(Settings(HEIRPAY_HOME=home).landing_dir)
    files = [file for found in landing.files().values() for file in found]
    with open_files(landing) as connection:
        connection.execute("set memory_limit = '2GB'")
        return connection.execute(
            f"select * from {relation(landing, files)}, range({times})"
        ).to_arrow_table()


def one_round(folder: Path, table: Any, key: str | None) -> dict[str, tuple[float, int]]:
    """Processor seconds and bytes on disk of each kind of file."""
    settings = Settings(HEIRPAY_HOME=folder, **({"HEIRPAY_ENCRYPTION_KEY": key} if key else {}))
    folder.mkdir()
    found: dict[str, tuple[float, int]] = {}
    parquet, warehouse, report = (folder / name for name in ("a.parquet", "a.duckdb", "a.html"))

    seconds, _ = measured(lambda: write_parquet(table, parquet, key))
    found["landing, write (Parquet)"] = (seconds, parquet.stat().st_size)
    seconds, _ = measured(lambda: _read_landing(folder, parquet.name, key))
    found["landing, read"] = (seconds, parquet.stat().st_size)
    seconds, _ = measured(lambda: _write_warehouse(warehouse, table, key))
    found["warehouse, write (DuckDB)"] = (seconds, warehouse.stat().st_size)
    seconds, _ = measured(lambda: _read_warehouse(warehouse, key))
    found["warehouse, read"] = (seconds, warehouse.stat().st_size)
    seconds, _ = measured(lambda: _commit(settings))
    found[f"state, {COMMITS} commits (SQLite)"] = (seconds, settings.state_file.stat().st_size)
    seconds, _ = measured(lambda: sealed.write(report, b"0123456789abcdef" * (2**22), key))
    found["report, 64 MiB"] = (seconds, report.stat().st_size)
    return found


def _read_landing(folder: Path, name: str, key: str | None) -> None:
    landing = Landing(folder, key)
    with open_files(landing) as connection:
        source = relation(landing, [LandedFile(name, "any", 0, "")])
        connection.execute(f"select max(payload ->> '$.id') from {source}").fetchall()


def _write_warehouse(path: Path, table: Any, key: str | None) -> None:
    with connect(path, key, read_only=False) as connection:
        connection.register("versions", table)
        connection.execute("create table landed as select * from versions")
        connection.execute("checkpoint heirpay")


def _read_warehouse(path: Path, key: str | None) -> None:
    with connect(path, key, read_only=True) as connection:
        connection.execute("select object, count(*), max(payload) from landed group by all")


def _commit(settings: Settings) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    with open_state(settings.state_file) as state:
        for number in range(COMMITS):
            append(state, at, "benchmark", Action.QUERY, str(number), {})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    times, rounds = (1, 1) if given.quick else (given.times, given.rounds)
    with tempfile.TemporaryDirectory(prefix="heirpay-encryption-") as name:
        root = Path(name)
        table = landed_versions(root / "pulled", times)
        print(f"{table.num_rows:,} landed versions, {rounds} rounds\n")
        one_round(root / "warm", table.slice(0, 1000), KEY)  # imports and extensions are loaded
        seen: dict[str | None, list[dict[str, tuple[float, int]]]] = {None: [], KEY: []}
        for number in range(rounds):
            for key, results in seen.items():
                results.append(one_round(root / f"{number}-{bool(key)}", table, key))
    print("| file | plain | with a key | time ratio | size ratio |\n|---|---|---|---|---|")
    for kind in seen[None][0]:
        plain, secret = (median(result[kind][0] for result in results) for results in seen.values())
        sizes = [results[0][kind][1] for results in seen.values()]
        print(
            f"| {kind} | {plain:.2f} s | {secret:.2f} s | {secret / plain:.2f} |"
            f" {sizes[1] / sizes[0]:.3f} |"
        )


if __name__ == "__main__":
    main()
