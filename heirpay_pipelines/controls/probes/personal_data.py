"""What personal data is where: the tags of the models against the real schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import duckdb
import yaml

from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, judge, not_applicable, not_evaluated
from heirpay_pipelines.controls.retention import due
from heirpay_pipelines.duck import identifier
from heirpay_pipelines.personal.paths import CLASSES
from heirpay_pipelines.personal.scrub import left_over
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.warehouse.personal_columns import documented_columns, tagged_columns

MODEL_SCHEMAS = ("staging", "intermediate", "finance", "operations", "compliance")
# Names that hold personal data wherever they appear; a column so named must be tagged or cleared.
TELLING_NAMES = frozenset({
    "name", "email", "phone", "address", "address_line1", "address_line2", "line1", "line2",
    "city", "postal_code", "ip_address", "customer_name", "customer_email", "customer_phone",
    "cardholder", "fingerprint", "issuer", "last4", "iban", "bank_account", "description",
    "counterparty", "counterparty_name", "remittance", "date_of_birth",
})  # fmt: skip
PARSED = ("staging", "intermediate")
COLUMNS = "from duckdb_columns() where schema_name in (select unnest(?))"
# Fields of payloads that hold personal data wherever they appear.
TELLING_FIELDS = frozenset({
    "email", "phone", "line1", "line2", "postal_code", "ip_address", "last4", "iban_last4",
    "dynamic_last4", "fingerprint", "cardholder_name", "account_holder_name", "customer_name",
    "customer_email", "customer_phone", "receipt_email", "verified_name", "payer_email",
    "verified_email", "billing_zip", "customer_purchase_ip",
})  # fmt: skip
SAMPLE = 500


def personal_data_map(given: ProbeInput) -> Outcome:
    """Every text column of the warehouse is described, and tagged where its name tells of personal
    data (GDPR article 30). A new column that nobody classified fails."""
    count = _first(given.connection, f"select count(*) {COLUMNS}", [list(MODEL_SCHEMAS)])
    if not count:
        return not_evaluated("no model is built")
    return judge(count, unclassified(given.connection), tagged=len(tagged_columns()))


def unclassified(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of the attached warehouse that are not tagged or not described, and should be."""
    tags, described, cleared = tagged_columns(), documented_columns(), _cleared()
    models = {table for table, _ in described}
    wrong = []
    for schema, table, column, kind in connection.execute(
        f"select schema_name, table_name, column_name, data_type {COLUMNS}", [list(MODEL_SCHEMAS)]
    ).fetchall():
        here, tag = f"{schema}.{table}.{column}", tags.get((table, column))
        known = (table, column) in described or f"{table}.{column}" in cleared
        if tag is not None and tag not in CLASSES:
            wrong.append(f"{here}: unknown class {tag}")
        elif tag is None and column in TELLING_NAMES and "VARCHAR" in kind:
            if f"{table}.{column}" not in cleared:
                wrong.append(f"{here}: not tagged")
        elif (kind, known) == ("VARCHAR", False) and schema in PARSED and table in models:
            wrong.append(f"{here}: not described")
    return sorted(wrong)


def payload_paths_classified(given: ProbeInput) -> Outcome:
    """Every field of a landed payload whose name tells of personal data has a rule in paths.yaml
    (GDPR article 30). A field that Stripe added and nobody classified fails: an erasure would
    leave it. Looks at SAMPLE payloads of each object."""
    tables = given.connection.execute(
        "select table_name from duckdb_columns() where schema_name = 'landing'"
        " and column_name = 'payload' order by all"
    ).fetchall()
    looked_at, wrong = 0, set()
    for (table,) in tables:
        rows = given.connection.execute(
            f"select payload from {identifier('landing', table)}"
            f" using sample {SAMPLE} rows (reservoir, 1)"
        )
        for (payload,) in rows.fetchall():
            looked_at += 1
            wrong |= {f"{table}.{name}" for name in left_over(json.loads(payload), TELLING_FIELDS)}
    if not looked_at:
        return not_evaluated("nothing was landed yet")
    return judge(looked_at, sorted(wrong), unit="payloads")


def erasures_done(given: ProbeInput) -> Outcome:
    """Every erasure that was asked for is done (GDPR article 17(1): without undue delay)."""
    with open_state(given.run.settings.state_file) as state:
        rows = state.rows("select pseudonym, plan is not null as waits from erasures")
    if not rows:
        return not_applicable("nobody asked for erasure")
    return judge(len(rows), [row["pseudonym"] for row in rows if row["waits"]])


def _first(connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> int:
    row = connection.execute(sql, values).fetchone()
    return int(row[0]) if row else 0


def retention_enforced(given: ProbeInput) -> Outcome:
    """No personal data of a class is kept longer than its retention period, which counts from the
    customer's last activity (GDPR article 5(1)(e))."""
    count = _first(given.connection, "select count(*) from staging.stg_stripe__customers", [])
    found = due(given.connection, given.run.settings, given.run.as_of)
    return judge(count, [f"{item.data_class} of {item.subject}" for item in found])


def _cleared() -> set[str]:
    text = files("heirpay_pipelines.controls").joinpath("not_personal.yaml").read_text()
    return {str(name) for item in yaml.safe_load(text) for name in item["columns"]}
