"""What personal data is where: the tags of the models against the real schema."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from typing import Any

import yaml

from heirpay_pipelines.check.probes.given import ProbeInput
from heirpay_pipelines.check.results import Outcome, judge, not_evaluated
from heirpay_pipelines.model.personal_columns import documented_columns, tagged_columns
from heirpay_pipelines.personal.paths import CLASSES

MODEL_SCHEMAS = ("staging", "intermediate", "finance", "operations", "compliance")
# Names that hold personal data wherever they appear; a column so named must be tagged or cleared.
TELLING_NAMES = frozenset({
    "name", "email", "phone", "address", "address_line1", "address_line2", "line1", "line2",
    "city", "postal_code", "ip_address", "customer_name", "customer_email", "customer_phone",
    "cardholder", "fingerprint", "issuer", "last4", "iban", "bank_account", "description",
    "counterparty", "counterparty_name", "remittance", "date_of_birth",
})  # fmt: skip


def personal_data_map(given: ProbeInput) -> Outcome:
    """Every text column of the warehouse is described, and tagged where its name tells of personal
    data (GDPR article 30). A new column that nobody classified fails."""
    real = given.connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where schema_name in (select unnest(?))",
        [list(MODEL_SCHEMAS)],
    ).fetchall()
    if not real:
        return not_evaluated("no model is built")
    tags, described, cleared = tagged_columns(), documented_columns(), _cleared()
    wrong = []
    for schema, table, column, kind in real:
        here = f"{schema}.{table}.{column}"
        tag = tags.get((table, column))
        if tag is not None and tag not in CLASSES:
            wrong.append(f"{here}: unknown class {tag}")
        telling = column in TELLING_NAMES and "VARCHAR" in kind
        if tag is None and telling and f"{table}.{column}" not in cleared:
            wrong.append(f"{here}: not tagged")
        elif (schema in ("staging", "intermediate") and kind == "VARCHAR") and (
            (table, column) not in described
            and f"{table}.{column}" not in cleared
            and (table in {t for t, _ in described})
        ):
            wrong.append(f"{here}: not described")
    return judge(len(real), sorted(wrong), tagged=len(tags))


def retention_enforced(given: ProbeInput) -> Outcome:
    """No personal data of a class is older than its retention period (GDPR article 5(1)(e))."""
    periods = retention_periods()
    offenders, looked_at = [], 0
    for item in periods:
        limit = given.run.as_of.replace(tzinfo=None) - timedelta(days=item["days"])
        columns = " or ".join(f"{c} is not null" for c in item["columns"])
        rows = given.connection.execute(
            f"select id from {item['table']} where ({columns})"
            f" and coalesce({item['last_needed']}) < ? order by id",
            [limit],
        ).fetchall()
        count = given.connection.execute(f"select count(*) from {item['table']}").fetchone()
        looked_at += int(count[0]) if count else 0
        offenders += [f"{item['class']} of {row[0]}" for row in rows]
    return judge(looked_at, offenders)


def retention_periods() -> list[dict[str, Any]]:
    """The retention register: class, table, columns, days, the instant from which it counts."""
    text = files("heirpay_pipelines.check").joinpath("retention.yaml").read_text()
    periods: list[dict[str, Any]] = yaml.safe_load(text)
    return periods


def _cleared() -> set[str]:
    text = files("heirpay_pipelines.check").joinpath("not_personal.yaml").read_text()
    return {str(name) for item in yaml.safe_load(text) for name in item["columns"]}
