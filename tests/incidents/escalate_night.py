"""A home with a small warehouse whose facts a test sets, and nights that are evaluated on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.incidents import EscalationOutcome, RunFacts, process
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
TABLES = """
create schema finance; create schema operations; create schema staging; create schema intermediate;
create table finance.payment_method_daily (date date, currency varchar, attempts bigint);
create table finance.payment_failures (charge_id varchar, payment_intent_id varchar,
  customer_id varchar, occurred_at timestamp, amount decimal(24,3), currency varchar,
  decline_code varchar, decline_kind varchar, retry_allowed boolean, recovered_at timestamp,
  is_known_code boolean, invoice_id varchar, payment_method_id varchar, recovered_by varchar,
  is_card_testing boolean default false);
create table finance.card_testing_bursts (currency varchar, attempts bigint, cards bigint,
  succeeded bigint, amount_not_refunded decimal(24,3), started_at timestamp, ended_at timestamp,
  started_on date);
create table finance.risk_programmes (month date, programme varchar, network varchar,
  cases bigint, payments bigint, ratio decimal(18,6), ratio_threshold decimal(18,6),
  cases_usd decimal(24,3), forecast_cases bigint, is_exceeded boolean,
  is_forecast_exceeded boolean);
create table finance.disputes (dispute_id varchar, currency varchar, amount decimal(24,3),
  outcome varchar, has_evidence boolean, evidence_due_at timestamp);
create table finance.reconciliation_breaks (break_id varchar, kind varchar, severity varchar,
  currency varchar, amount decimal(24,3), object_id varchar, related_object_id varchar,
  first_seen_on date, detail varchar, action varchar);
create table operations.webhook_deliveries (event_id varchar, event_type varchar,
  created_at timestamp, object_id varchar, received_at timestamp, deliveries bigint,
  status varchar);
create table staging.stg_stripe__events (id varchar, created_at timestamp);
create table staging.stg_stripe__charges (id varchar, amount bigint, currency varchar);
create table staging.stg_stripe__payment_methods (id varchar, customer_id varchar,
  fingerprint varchar, expiry_year bigint, expiry_month bigint);
create table intermediate.currencies (currency varchar, exponent integer);
insert into intermediate.currencies values ('usd', 2), ('eur', 2), ('jpy', 0), ('kwd', 3);
create table intermediate.int_exchange_rates (rate_date date, currency varchar,
  units_per_eur decimal(24,12), reporting_units_per_eur decimal(24,12));
insert into intermediate.int_exchange_rates values
  ('2026-10-30', 'eur', 1, 1.25), ('2026-10-30', 'usd', 1.25, 1.25),
  ('2026-10-30', 'jpy', 160, 1.25);
"""
CONTROL = {
    "run_id": "run",
    "framework": "PCI DSS",
    "requirement": "7.2.1",
    "title": "A control",
    "severity": "warning",
    "status": "fail",
    "checked": 10,
    "violations": 2,
    "evidence": {},
    "what_to_do": "Mend it.",
}


def control(key: str, status: str = "fail", **fields: Any) -> dict[str, Any]:
    """A control result as the check step gives it."""
    return {**CONTROL, "key": key, "control_id": f"PAYMENT.X.{key}", "status": status, **fields}


@dataclass
class Home:
    """An installation; `sql` changes the facts, `night` evaluates one."""

    path: Path
    notify: str | None = None
    reporting: str = "usd"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.sql(TABLES)

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse" / "heirpay.duckdb"

    @property
    def settings(self) -> Settings:
        given = {"HEIRPAY_HOME": str(self.path), "HEIRPAY_REPORTING_CURRENCY": self.reporting}
        if self.notify:
            given["HEIRPAY_NOTIFY"] = self.notify
        return Settings(**{**given, **self.environment})

    def sql(self, statements: str) -> None:
        self.warehouse.parent.mkdir(mode=0o700, exist_ok=True)
        with duckdb.connect(self.warehouse) as connection:
            connection.execute(statements)
        self.warehouse.chmod(0o600)

    def night(
        self,
        number: float,
        controls: Sequence[dict[str, Any]] = (),
        outcome: str = "published",
    ) -> EscalationOutcome:
        """Evaluate the night so many days after the first."""
        as_of = FIRST + timedelta(days=number)
        facts = RunFacts(f"run_{number}", as_of, outcome, "the pull broke")
        return process(self.settings, facts, controls, self.warehouse)

    def state(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        with open_state(self.settings.state_file) as state:
            return state.rows(sql, parameters)

    def incident(self, **wanted: str) -> dict[str, Any]:
        """The one incident with these column values."""
        where = " and ".join(f"{column} = ?" for column in wanted)
        (found,) = self.state(f"select * from incidents where {where}", tuple(wanted.values()))
        return found

    def attempts(self, incident_id: str) -> dict[str, tuple[str, int | None]]:
        """status and `helped` by solution."""
        return {
            row["solution"]: (row["status"], row["helped"])
            for row in self.state(
                "select * from incident_attempts where incident_id = ? order by strike, rowid",
                (incident_id,),
            )
        }

    def failures(
        self, code: str, count: int, amount: str = "100", currency: str = "usd", kind: str = "soft"
    ) -> None:
        """So many failed payments an hour before the first night; amounts in major units."""
        self.sql(
            "insert into finance.payment_failures select format('ch_{}_{}', "
            f"'{code}{currency}', i), format('pi_{{}}_{{}}', '{code}{currency}', i),"
            " format('cus_{}', i % 5),"
            f" timestamp '2026-10-31 23:00:00', {amount}, '{currency}', '{code}', '{kind}',"
            f" {kind != 'hard'}, null, true, null, 'pm_1', null, false from range({count}) t(i)"
        )

    def attempts_made(self, count: int, currency: str = "usd") -> None:
        self.sql(
            "insert into finance.payment_method_daily values"
            f" (date '2026-10-31', '{currency}', {count})"
        )
