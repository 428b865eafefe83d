"""The dbt project, compiled by dbt once and then run as plain SQL as often as tests want it.

`run_models` builds what `dbt build --select` would build, with the SQL that dbt compiled, and runs
the same tests. dbt itself costs seconds for each build, most of them for reading its manifest and
for its own book-keeping of each node; the SQL costs milliseconds. What dbt compiled is kept in
`.cache/tests`, by the project's content, for all test processes and for the next run.

`test_compiled_project.py` holds this against a real `dbt build`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from heirpay_pipelines.duck import connect, quoted
from heirpay_pipelines.landing.read import use_key
from heirpay_pipelines.warehouse.build import begin_database
from heirpay_pipelines.warehouse.ecb import load_ecb_rates
from heirpay_pipelines.warehouse.project import PROJECT_DIR, BuildRequest, project_fingerprint
from heirpay_pipelines.warehouse.run_dbt import ModelError, dbt_environment

KEPT = PROJECT_DIR.parent / ".cache" / "tests" / "dbt"
KEPT_VERSIONS = 3
DEFAULT = {"timezone": "UTC", "reporting_currency": "usd"}
SEEDS = "seeds.duckdb"


@dataclass(frozen=True)
class Node:
    """A seed, model or test of the project: what it is called, what it reads, its SQL."""

    unique_id: str
    kind: str
    name: str
    path: str
    relation: str
    sql: str
    reads: tuple[str, ...]


Project = dict[str, Node]
"""The nodes by id, each after what it reads."""


def run_models(request: BuildRequest, select: str, tested: bool = False) -> None:
    """Build what `select` names (`name`, `+name`, `path:…`, `+path:…`) in the prepared database,
    with the models' own tests if `tested`. Raises ModelError as a run of dbt does."""
    project = compiled(request.timezone, request.reporting_currency, select)
    chosen = selected(project, select)
    folder = _of_this_version()
    with connect(request.database, request.encryption_key, read_only=False) as connection:
        use_key(connection, request.encryption_key)
        connection.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
        connection.execute(f"set variable as_of = timestamp {quoted(request.as_of.isoformat())}")
        connection.execute(f"set variable run_id = {quoted(request.run_id)}")
        connection.execute(f"attach {quoted(str(folder / SEEDS))} as kept (read_only)")
        for schema in sorted({node.relation.split(".")[1] for node in chosen}):
            connection.execute(f"create schema if not exists {schema}")
        for node in chosen:
            with _failure_of(node):
                connection.execute(_made(node))
        if tested:
            _run_tests(connection, project, {node.unique_id for node in chosen})


def _made(node: Node) -> str:
    if node.kind == "seed":
        _, schema, table = node.relation.split(".")
        return f"create or replace table {node.relation} as from kept.{schema}.{table}"
    return f"create or replace table {node.relation} as (\n{node.sql}\n)"


def _run_tests(connection: duckdb.DuckDBPyConnection, project: Project, built: set[str]) -> None:
    """Every test that reads any of the tables: it finds no row."""
    failed = []
    for node in project.values():
        if node.kind == "test" and built & set(node.reads):
            with _failure_of(node):
                found = connection.execute(f"select count(*) from (\n{node.sql}\n)").fetchone()
            if found != (0,):
                failed.append(f"{node.name}: Got {found and found[0]} results, not none")
    if failed:
        raise ModelError("dbt failed: " + "; ".join(failed))


@contextmanager
def _failure_of(node: Node) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise ModelError(f"dbt failed: {node.name}: {error}") from error


def selected(project: Project, select: str) -> list[Node]:
    """The seeds and models that dbt's `--select` would take, each after what it reads."""
    tables = {key: node for key, node in project.items() if node.kind != "test"}
    found: set[str] = set()
    for each in select.split():
        wanted = each.removeprefix("+")
        if wanted.startswith("path:"):
            folder = wanted.removeprefix("path:").rstrip("/") + "/"
            named = {key for key, node in tables.items() if node.path.startswith(folder)}
        else:
            named = {key for key, node in tables.items() if node.name == wanted}
        if not named:
            raise ModelError(f"{each!r} selects no model")
        found |= named | (_above(tables, named) if each.startswith("+") else set())
    return [node for key, node in tables.items() if key in found]


def _above(tables: Project, named: set[str]) -> set[str]:
    found, left = set(), list(named)
    while left:
        reads = {key for key in tables[left.pop()].reads if key in tables} - found
        found |= reads
        left += reads
    return found


def copy_ecb_rates(connection: duckdb.DuckDBPyConnection) -> None:
    """`landing.ecb_rates` as `load_ecb_rates` makes it, read from the bank's file once."""
    connection.execute(f"attach {quoted(str(_of_this_version() / SEEDS))} as kept (read_only)")
    connection.execute("create or replace table landing.ecb_rates as from kept.landing.ecb_rates")
    connection.execute("detach kept")


@cache
def compiled(timezone: str, reporting_currency: str, select: str) -> Project:
    """The project with these variables. With other than the usual ones, what `select` names."""
    variables = {"timezone": timezone, "reporting_currency": reporting_currency}
    chosen = () if variables == DEFAULT else ("--select", *select.split())
    digest = sha256(json.dumps([variables, chosen]).encode()).hexdigest()[:16]
    folder = _of_this_version()
    kept = folder / f"compiled-{digest}.json"
    with FileLock(folder / "lock"):
        if not kept.is_file():
            _compile(folder, variables, chosen, kept)
    nodes = [
        Node(**{**node, "reads": tuple(node["reads"])}) for node in json.loads(kept.read_bytes())
    ]
    return {node.unique_id: node for node in nodes}


@cache
def _of_this_version() -> Path:
    """The folder of the project as it is now, with the seeds and rates loaded; older ones go."""
    KEPT.mkdir(parents=True, exist_ok=True)
    version = sha256(
        (str(PROJECT_DIR) + project_fingerprint() + Path(__file__).read_text()).encode()
    ).hexdigest()[:20]
    folder = KEPT / version
    with FileLock(KEPT / "lock"):
        if not (folder / SEEDS).is_file():
            _load_seeds(folder)
        older = sorted(KEPT.glob("*/"), key=lambda found: found.stat().st_mtime, reverse=True)
        for each in older[KEPT_VERSIONS:]:
            if each != folder:
                shutil.rmtree(each, ignore_errors=True)
    return folder


def work_dir() -> Path:
    """Where dbt has parsed the project as it is now: with the same variables it need not again."""
    compiled(DEFAULT["timezone"], DEFAULT["reporting_currency"], "")
    return _request(_of_this_version()).work_dir


def _request(folder: Path) -> BuildRequest:
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as BuildRequest has it
    return BuildRequest(folder / "partial.duckdb", folder / "dbt", run_id="compiled", as_of=epoch)


def _load_seeds(folder: Path) -> None:
    request = _request(folder)
    begin_database(request)
    with connect(request.database, None, read_only=False) as connection:
        connection.execute("create schema landing")
        load_ecb_rates(connection, request.work_dir)
    _dbt(request, DEFAULT, "seed")
    request.database.replace(folder / SEEDS)


def _compile(folder: Path, variables: dict[str, str], chosen: Sequence[str], kept: Path) -> None:
    """dbt reads the currencies from their seed, so compiling has a copy of the seeds at hand."""
    request = replace(_request(folder), **variables)
    shutil.copyfile(folder / SEEDS, request.database)
    result = _dbt(request, variables, "compile", "--no-populate-cache", *chosen)
    request.database.unlink()
    nodes = [each.node for each in result.results]
    partial = kept.with_suffix(".partial")
    partial.write_text(json.dumps([asdict(node) for node in _sorted(nodes)]))
    partial.replace(kept)


def _sorted(nodes: Sequence[Any]) -> Iterator[Node]:
    """Each node after what it reads."""
    left = {node.unique_id: node for node in nodes}
    while left:
        ready = [n for n in left.values() if not set(n.depends_on_nodes) & left.keys()]
        assert ready, "the models read each other in a circle"
        for node in ready:
            del left[node.unique_id]
            yield Node(
                node.unique_id, str(node.resource_type), node.name, node.original_file_path,
                (node.relation_name or "").replace('"', ""),
                getattr(node, "compiled_code", None) or "", tuple(node.depends_on_nodes),
            )  # fmt: skip


def _dbt(request: BuildRequest, variables: dict[str, str], *arguments: str) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    with dbt_environment(request.environment()):
        try:
            result = dbtRunner(manifest=_manifest(request)).invoke(
                [*arguments, "--no-write-json", "--quiet", "--vars", json.dumps(variables)]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise ModelError(f"dbt failed: {result.exception or result.result}")
    return result.result


_manifests: dict[Path, Any] = {}


def _manifest(request: BuildRequest) -> Any:
    """dbt's manifest of the project, parsed once: the variables change no node."""
    from dbt.cli.main import dbtRunner

    if request.work_dir not in _manifests:
        parsed = dbtRunner().invoke(["parse", "--quiet", "--vars", json.dumps(DEFAULT)])
        if not parsed.success:
            raise ModelError(f"dbt failed: {parsed.exception}")
        _manifests[request.work_dir] = parsed.result
    return _manifests[request.work_dir]
