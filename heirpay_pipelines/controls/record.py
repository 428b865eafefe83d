"""What the check step itself writes into the audit log: the run, and settings, code or schema that
changed since the run before."""

from __future__ import annotations

import hashlib
import hmac
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import rfc8785
from pydantic import SecretStr

from heirpay_pipelines.at_rest.tokens import read_or_make_token
from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.controls.register import load_register
from heirpay_pipelines.controls.results import RunContext
from heirpay_pipelines.host.loopback import LOOPBACK
from heirpay_pipelines.host.person import login
from heirpay_pipelines.state.database import State, open_state
from heirpay_pipelines.warehouse.project import project_fingerprint

CHANGED = {
    "settings": Action.SETTINGS_CHANGED,
    "code": Action.CODE_CHANGED,
    "schema": Action.SCHEMA_CHANGED,
}
SCHEMA = """
select schema_name || '.' || table_name as name,
    md5(string_agg(column_name || ' ' || data_type, ',' order by column_index)) as columns
from duckdb_columns()
where schema_name in ('landing', 'staging', 'intermediate', 'finance', 'compliance', 'operations')
    -- These two are written after the controls are evaluated.
    and table_name not in ('control_results', 'audit_log')
group by all order by all
"""
Versions = dict[str, str]


def record_check(run: RunContext, build: duckdb.DuckDBPyConnection) -> None:
    """Append that this run is being checked: by whom, as of when, with which settings, code and
    schema; and, before it, what of them changed since the run before, by name.

    Of a secret the log keeps a hash under a key of this installation: enough to see that it
    changed, too little to find it.
    """
    now = {"settings": _settings(run), "code": _code(), "schema": _schema(build)}
    actor = login()
    with open_state(run.settings.state_file) as state, state.transaction():
        for kind, versions in now.items():
            changed = _replace(state, kind, versions)
            if changed:
                append(state, run.checked_at, actor, CHANGED[kind], run.run_id, changed)
        digests = {kind: _digest(versions) for kind, versions in now.items()}
        detail = {"as_of": run.as_of.isoformat(), **digests}
        append(state, run.checked_at, actor, Action.RUN_CHECKED, run.run_id, detail)


def _settings(run: RunContext) -> Versions:
    shown = {}
    for name, field in type(run.settings).model_fields.items():
        value = getattr(run.settings, name)
        if isinstance(value, SecretStr):
            text = value.get_secret_value().encode()
            key = _installation_key(run.settings.state_file.with_name("installation.key"))
            value = f"secret {hmac.new(key, text, hashlib.sha256).hexdigest()[:16]}"
        if name == "stripe_api_base":
            value = _without_loopback_port(value)
        shown[str(field.alias or name)] = "not set" if value is None else str(value)
    return shown


def _without_loopback_port(base: str) -> str:
    """On loopback the port is whatever was free: another one is no change of a setting."""
    url = urlsplit(base)
    return f"{url.scheme}://{url.hostname}" if url.hostname in LOOPBACK else base


def _installation_key(path: Path) -> bytes:
    """A random key of this installation, made once (mode 0600)."""
    return bytes.fromhex(read_or_make_token(path))


def _code() -> Versions:
    register = [control.model_dump(mode="json") for control in load_register()]
    return {
        "heirpay-pipelines": version("heirpay-pipelines"),
        "controls": hashlib.sha256(rfc8785.dumps(register)).hexdigest(),
        "dbt project": project_fingerprint(),
    }


def _schema(build: duckdb.DuckDBPyConnection) -> Versions:
    return dict(build.execute(SCHEMA).fetchall())


def _replace(state: State, kind: str, now: Versions) -> dict[str, list[str]] | None:
    """Keep what is now; what changed, or None at the first run and where nothing did."""
    before = {
        row["name"]: row["value"]
        for row in state.rows("select name, value from recorded_versions where kind = ?", (kind,))
    }
    if before == now:
        return None
    state.connection.execute("delete from recorded_versions where kind = ?", (kind,))
    state.connection.executemany(
        "insert into recorded_versions values (?, ?, ?)", [(kind, *item) for item in now.items()]
    )
    if not before:
        return None
    differences = {
        "added": sorted(now.keys() - before.keys()),
        "removed": sorted(before.keys() - now.keys()),
        "changed": sorted(name for name in now.keys() & before.keys() if now[name] != before[name]),
    }
    return {how: names for how, names in differences.items() if names}


def _digest(versions: Versions) -> str:
    return hashlib.sha256(rfc8785.dumps(versions)).hexdigest()
