"""The user's chart of accounts: `account_mapping.csv` in HEIRPAY_HOME overrides the project's own.

Each row says to which account an entry is posted: `entry,account,account_name,account_type`, as in
the seed `account_mapping`. An entry is a figure or a category of the ledger. What a row does not
name stays as the seed has it.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa

from heirpay_pipelines.warehouse.project import PROJECT_DIR

COLUMNS = ("entry", "account", "account_name", "account_type")
TYPES = ("asset", "liability", "income", "expense")
SEEDS = (("account_mapping", "entry"), ("reporting_categories", "reporting_category"))
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])


class AccountMappingError(Exception):
    """The user's file is wrong. The message names the line and what to write instead."""


def read_account_mapping(path: Path) -> list[dict[str, str]]:
    """The rows of the file, none where there is no file. Raises AccountMappingError."""
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise AccountMappingError(f"{path} is no CSV in UTF-8: {error}") from None
    for number, row in enumerate(rows, start=2):
        _check(path, number, row)
    for entry, times in Counter(row["entry"] for row in rows).items():
        if times > 1:
            raise AccountMappingError(f"{path} names the entry {entry!r} {times} times; keep one")
    return [{name: row[name].strip() for name in COLUMNS} for row in rows]


def _check(path: Path, number: int, row: dict[str, str]) -> None:
    where = f"{path}, line {number}"
    empty = [name for name in COLUMNS if not (row.get(name) or "").strip()]
    if empty:
        raise AccountMappingError(
            f"{where}: {', '.join(empty)} is missing. The first line reads {','.join(COLUMNS)}"
        )
    if row["account_type"].strip() not in TYPES:
        raise AccountMappingError(
            f"{where}: account_type {row['account_type']!r} is none of {', '.join(TYPES)}"
        )
    known = _entries()
    if row["entry"].strip() not in known:
        raise AccountMappingError(
            f"{where}: {row['entry']!r} is no entry. Entries are {', '.join(sorted(known))}"
        )


def _entries() -> set[str]:
    seeds = PROJECT_DIR / "seeds"
    found: set[str] = set()
    for name, column in SEEDS:
        with (seeds / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            found |= {row[column] for row in csv.DictReader(file)}
    return found


def load_account_mapping(connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
    """Create `landing.account_mapping` with the rows of the user's file, if there is one."""
    rows = read_account_mapping(path) if path else []
    connection.register("mapped", pa.Table.from_pylist(rows, SCHEMA))
    connection.execute("create or replace table landing.account_mapping as select * from mapped")
    connection.unregister("mapped")
