"""The process that runs SQL of others: one request a line on stdin, one answer a line on stdout.

DuckDB's own limits do not hold for everything (a list function counts no memory, a constant is
computed while a statement is prepared, and neither hears an interrupt). So the kernel holds them:
this process may take so much memory and write no file, and `bounded_sql` ends it at the deadline.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.at_rest import EncryptionKeyError
from heirpay_pipelines.duck import WarehouseError, connect_shut
from heirpay_pipelines.query.one_select import RefusedSqlError
from heirpay_pipelines.serve.allowed_sql import require_allowed

UNITS = {"MB": 1_000_000, "GB": 1_000_000_000}
OWN_MEMORY = 96 * 1024 * 1024
"""Over what DuckDB may take: its own working memory, and the answer's."""
LATE_SECONDS = 5.0
"""If nobody ends this process at the deadline (the server was killed), it ends by itself then."""


def main() -> None:
    """Answer until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's: it closes stdin
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the key is in here
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    began_with = _data_bytes()
    _say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, request["seconds"] + LATE_SECONDS)
        memory = int(float(request["memory"][:-2]) * UNITS[request["memory"][-2:]])
        _limit_data(began_with + memory + OWN_MEMORY)
        answer = _answer(request)
        _limit_data(resource.RLIM_INFINITY)
        _say(answer)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return _run(request)
    except (duckdb.OutOfMemoryException, MemoryError):
        return {"error": f"The query needs more than {request['memory']}.", "kind": "refused"}
    except (duckdb.Error, RefusedSqlError) as error:
        return {"error": str(error), "kind": "refused"}
    except EncryptionKeyError as error:
        return {"error": str(error), "kind": "key"}
    except WarehouseError as error:
        return {"error": str(error), "kind": "warehouse"}


def _run(request: dict[str, Any]) -> dict[str, Any]:
    if request["judged"]:
        require_allowed(request["sql"])
    file, key = Path(request["file"]), request["key"]
    with connect_shut(
        file, key, memory_limit=request["memory"], threads=1, timezone=request["timezone"]
    ) as connection:
        cursor = connection.execute(request["sql"], request["parameters"])
        columns = [column[0] for column in cursor.description or ()]
        rows, truncated = _fetch(cursor, request["rows"], request["bytes"])
    return {"columns": columns, "rows": rows, "truncated": truncated}


def _fetch(
    cursor: duckdb.DuckDBPyConnection, most_rows: int, most_bytes: int
) -> tuple[list[list[Any]], bool]:
    rows: list[list[Any]] = []
    size = 0
    while found := cursor.fetchmany(100):
        for row in found:
            plain = [_plain(value) for value in row]
            size += sum(len(str(value)) for value in plain)
            if len(rows) >= most_rows or size > most_bytes:
                return rows, True
            rows.append(plain)
    return rows, False


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _data_bytes() -> int:
    """What this process has of the memory that RLIMIT_DATA counts; 0 where that cannot be read."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmData:"))
    return int(kilobytes) * 1024


def _limit_data(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
