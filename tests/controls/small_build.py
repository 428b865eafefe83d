"""A small build database on which every control of a table passes, and for each control the SQL
that makes it fail."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from heirpay_pipelines.controls.declared import declared_tables

SCHEMA = """
create schema landing; create schema staging; create schema intermediate; create schema finance;
create schema state; create schema operations; create schema compliance;
create table landing.coverage as select 'pull-1' as pull_id, 'full' as mode,
  timestamp '2026-11-01' as as_of, '/v1/charges' as endpoint, 'complete' as status,
  null::varchar as needed_for;
create table landing.customer as select 'cus_1' as id,
  '{"id":"cus_1","object":"customer","description":"an honest customer","created":1761955200}'
  as payload, 'pull-1' as pull_id;
create table landing.write_permissions as select 'pull-1' as pull_id, 'none' as key_id,
  '2026-10-30T00:00:00+00:00' as probed_at, 'charges' as resource, 'refused' as answer;
create table staging.stg_landing__quarantined_objects as
select 'quarantine_1' as id, 'charge' as object_type, 'ch_9' as object_id, 'cut' as reason
  limit 0;
create table intermediate.int_absent_objects as select 'ch_9' as object_id limit 0;
create table staging.stg_stripe__balances as select 'usd' as currency;
create table landing.balance_transaction as select 'txn_1' as id, 'acct_1' as account,
  false as livemode;
create table intermediate.currencies as select * from (values ('usd', 2, 1), ('eur', 2, 1))
  as t(currency, exponent, charge_multiple);
create table intermediate.bank_holidays as select 'usd' as currency,
    date '2028-12-25' as holiday;
create table intermediate.sca_countries as select 'DE' as country,
    date '2021-01-01' as valid_from;
create table staging.stg_stripe__customers as
select 'cus_1' as id, timestamp '2026-10-01' as created_at,
  false as is_deleted, 'a@b.test' as email, null::varchar as phone, 'fine' as description,
  'Jo Doe' as name, 'DE' as country, null::varchar as address_line1,
  null::varchar as address_line2, null::varchar as city, null::varchar as postal_code;
create table staging.stg_stripe__accounts as select 'acct_1' as id, true as is_own, 'DE' as country;
create table staging.stg_stripe__customer_balance_transactions as select 'cbtxn_1' as id,
  'cus_1' as customer_id, timestamp '2026-10-30' as created_at;
create table staging.stg_stripe__charges as
select 'ch_1' as id, timestamp '2026-10-30' as created_at,
  'usd' as currency, 1000 as amount, 1000 as amount_captured, 0 as amount_refunded,
  'succeeded' as status, 'txn_1' as balance_transaction_id, 'card' as payment_method_type,
  'authenticated' as three_d_secure_result, 'DE' as country, 'cus_1' as customer_id,
  null::varchar as guest_email, 'DE' as billing_country;
create table staging.stg_stripe__balance_transactions as select * from (values
  ('txn_1', timestamp '2026-10-30', 'usd', 1000, 30, 970),
  ('txn_2', timestamp '2026-10-31', 'usd', -970, 0, -970))
  as t(id, created_at, currency, amount, fee, net);
create table staging.stg_stripe__refunds as
select 're_1' as id, 'ch_1' as charge_id, 'usd' as currency,
  10 as amount, timestamp '2026-10-30' as created_at;
create table staging.stg_stripe__disputes as select 'dp_1' as id, 'ch_1' as charge_id,
  'usd' as currency, 'lost' as status, timestamp '2026-10-30' as created_at;
create table staging.stg_stripe__payouts as select 'po_1' as id, 'usd' as currency;
create table staging.stg_stripe__payout_transactions as select 'po_1' as payout_id,
  'txn_1' as balance_transaction_id;
create table staging.stg_stripe__invoices as
select 'in_1' as id, 'A-1' as number, 'cus_1' as customer_id,
  timestamp '2026-10-30' as created_at, timestamp '2026-10-30' as finalized_at, 'usd' as currency,
  'paid' as status, null::timestamp as paid_at, null::timestamp as voided_at,
  1190 as total, 190 as tax_amount, 0 as shipping_amount,
  0 as shipping_tax_amount,
  'DE' as customer_country, true as has_seller_tax_id, true as has_customer_tax_id,
  true as has_reverse_charge_note;
create table staging.stg_stripe__invoice_lines as
select 'il_1' as id, 'in_1' as invoice_id, 1000 as amount,
  0 as discount_amount, 190 as exclusive_tax_amount;
create table staging.stg_stripe__invoice_line_taxes as select 'in_1' as invoice_id, 190 as amount;
create table staging.stg_stripe__subscriptions as select 'sub_1' as id, 'cus_1' as customer_id,
  'usd' as currency, 'canceled' as status, timestamp '2026-10-01' as created_at,
  timestamp '2026-10-30' as canceled_at, timestamp '2026-10-30' as ended_at;
create table staging.stg_stripe__prices as select 'price_1' as id, 'usd' as currency;
create table staging.stg_stripe__credit_notes as select 'cn_1' as id, 'usd' as currency,
  'cus_1' as customer_id, timestamp '2026-10-30' as created_at, null::timestamp as voided_at;
create table staging.stg_stripe__payment_intents as select 'pi_1' as id, 'cus_1' as customer_id,
  timestamp '2026-10-30' as created_at, null::timestamp as canceled_at;
create table staging.stg_stripe__events as select 'evt_1' as id, 'cus_1' as object_id,
  timestamp '2026-10-30' as created_at;
create table staging.stg_stripe__tax_ids as
select 'txi_1' as id, 'cus_1' as customer_id, false as is_deleted;
create table intermediate.int_ledger as select 'txn_1' as ledger_id, true as is_known_category;
create table intermediate.int_subscription_intervals as select * from (values
  ('st_1', 'state_1', 'sub_1', true, timestamp '2026-10-01'),
  ('st_2', 'state_2', 'sub_1', true, null))
  as t(interval_id, state_id, subscription_id, is_counted, ends_at);
create table intermediate.int_item_mrr as select * from (values
  ('st_1', 'si_1', 'price_1', true), ('st_2', 'si_1', 'price_1', true))
  as t(interval_id, subscription_item_id, price_id, is_priced);
create table intermediate.int_carried_discounts as select 'state_2' as state_id,
  'di_1' as discount_id, true as is_known;
create table finance.mrr_monthly as select * from (values
  (date '2026-09-01', 'usd', 10.0, 10.0, 10.0), (date '2026-10-01', 'usd', 15.0, 15.0, 15.0))
  as t(month, currency, mrr, mrr_reporting, mrr_exact);
create table finance.mrr_movements as select * from (values
  ('cus_1', 'usd', date '2026-09-05', 10.0), ('cus_1', 'usd', date '2026-10-05', 5.0))
  as t(customer_id, currency, occurred_on, mrr_change_exact);
create table finance.churn_monthly as select date '2026-10-01' as month, 'usd' as currency,
  1 as customers_start, 1 as customers_new, 0 as customers_reactivated, 1 as customers_churned,
  1 as customers_end;
create table finance.cohort_retention as select date '2026-10-01' as cohort_month,
  0 as months_since, 'usd' as currency;
create table finance.daily_revenue as select date '2026-10-30' as date, 'usd' as currency,
  9.70 as net_volume, 0.9 as payment_success_rate;
create table finance.balance_reconciliation as select * from (values
  (date '2026-10-30', 'usd', 0.00, 9.70, 0.00, 9.70, null::decimal(9,2), null::decimal(9,2)),
  (date '2026-10-31', 'usd', 9.70, 0.00, -9.70, 0.00, 0.00, 0.00))
  as t(date, currency, opening_balance, activity, payouts, closing_balance,
  stripe_closing_balance, difference);
create table finance.journal_entries as select 'txn_' || entry as entry_id, line_number,
  date, date as posted_on, debit, credit, 'usd' as currency from (values
  (1, 1, date '2026-10-30', 9.70, 0.00), (1, 2, date '2026-10-30', 0.00, 10.00),
  (1, 3, date '2026-10-30', 0.30, 0.00), (2, 1, date '2026-10-31', 0.00, 9.70),
  (2, 2, date '2026-10-31', 9.70, 0.00)) as t(entry, line_number, date, debit, credit);
create table finance.bank_statements as select 'stmt_1' as bank_statement_id,
  'may.xml' as file_name, '1' as statement_id, 0.00 as difference_to_previous;
create table finance.proration_checks as select 'il_2' as line_id, 'accurate' as status;
create table finance.payout_reconciliation as select 'po_1' as payout_id, true as is_automatic,
  'paid' as stripe_status, 0.00 as difference, 'reconciled' as status;
create table finance.disputes as select 'dp_1' as dispute_id;
create table finance.tax_transactions as select 'ttx_1' as tax_movement_id, 'in_1' as document_id,
  'in_1' as invoice_id, 'cus_1' as customer_id, 'vat' as tax_type, 'DE' as country,
  'usd' as currency, 1.90 as tax_amount, 'reverse_charge' as taxability_reason;
create table finance.tax_summary as select date '2026-10-01' as month, 'DE' as country,
  null::varchar as region, 'vat' as tax_type, 19.0 as rate, 'usd' as currency,
  'reverse_charge' as taxability_reason, false as is_inclusive, 1.90 as tax_amount;
create table finance.tax_warnings as select 'tax_1' as warning_id, 'other' as kind,
  'txi_1' as object_id, 'cus_1' as customer_id, 'DE' as country, 16.0 as charged_rate,
  19.0 as expected_rate, 'eur' as currency, 1.90 as amount;
create table compliance.sca_daily as select date '2026-10-30' as date, 'DE' as country,
  'eur' as currency, 14 as payments, 8 as authenticated, 2 as exempt, 3 as merchant_initiated,
  1 as unauthenticated;
create table finance.reconciliation_breaks as select 'brk_1' as break_id limit 0;
create table intermediate.int_charges as select date '2026-10-30' as created_on, 'usd' as currency,
  'one_time' as payment_flow;
create table finance.daily_revenue_by_flow as select date '2026-10-30' as date, 'usd' as currency,
  'one_time' as payment_flow, 1 as attempts;
create table finance.payment_recovery_monthly as select date '2026-10-01' as month,
  'usd' as currency, 3 as payments_failed, 30.00 as amount_failed, 1 as recovered,
  10.00 as amount_recovered, 1 as at_risk, 10.00 as amount_at_risk, 1 as lost,
  10.00 as amount_lost, 4.00 as amount_by_automatic_retry, 5.00 as amount_by_new_payment_method,
  1.00 as amount_by_manual;
create table finance.failure_rate_anomalies as select 'brand' as dimension, 'visa' as value,
  date '2026-10-20' as date;
create table finance.payment_failures as select 'ch_1' as charge_id;
create table finance.risk_daily as select date '2026-10-30' as date, 'usd' as currency;
create table state.runs as select 'run-1' as run_id, 'published' as outcome;
create table state.control_results as select 'run-1' as run_id;
create table state.incidents as select 'inc_1' as incident_id, 'escalated' as status,
  '2026-10-30T03:00:00+00:00' as escalated_at;
create table state.webhook_endpoint as select 1 as id limit 0;
"""

MUTATIONS = {
    "charge_balance_transaction_exists": """
        update staging.stg_stripe__charges set balance_transaction_id = 'x'""",
    "refund_charge_exists": "update staging.stg_stripe__refunds set charge_id = 'x'",
    "dispute_charge_exists": "update staging.stg_stripe__disputes set charge_id = 'x'",
    "invoice_customer_exists": "update staging.stg_stripe__invoices set customer_id = 'x'",
    "subscription_customer_exists": "update staging.stg_stripe__subscriptions"
    " set customer_id = 'x'",
    "payout_composition_exists": "update staging.stg_stripe__payout_transactions"
    " set balance_transaction_id = 'x'",
    "currencies_known": "update staging.stg_stripe__payouts set currency = 'xxx'",
    "amounts_valid": "update staging.stg_stripe__charges set amount_refunded = amount + 1",
    "net_is_amount_less_fee": "update staging.stg_stripe__balance_transactions"
    " set net = net + 1 where fee > 0",
    "amounts_whole_units": "update intermediate.currencies set charge_multiple = 7",
    "coverage_complete": "update landing.coverage set status = 'forbidden',"
    " needed_for = 'disputes'",
    "coverage_optional": "update landing.coverage set status = 'forbidden'",
    "data_fresh": "update landing.coverage set as_of = as_of - interval 3 days",
    "account_active": "update staging.stg_stripe__balance_transactions"
    " set created_at = timestamp '2026-09-01'",
    "bank_holidays_known": "update intermediate.bank_holidays set holiday = date '2027-11-30'",
    "nothing_from_the_future": "update staging.stg_stripe__charges"
    " set created_at = timestamp '2026-12-01'",
    "quarantine_empty": "insert into staging.stg_stripe__balances values ('xts')",
    "reporting_categories_known": "update intermediate.int_ledger set is_known_category = false",
    "one_account": "insert into landing.balance_transaction values ('txn_9', 'acct_2', false)",
    "balance_identity": "update finance.balance_reconciliation set activity = activity + 0.01",
    "balance_chain": "update finance.balance_reconciliation set opening_balance = 1"
    " where date = date '2026-10-31'",
    "balance_agrees_with_stripe": "update finance.balance_reconciliation set difference = 0.01",
    "movements_add_up_to_mrr": "update finance.mrr_movements set mrr_change_exact = 6"
    " where occurred_on = date '2026-10-05'",
    "churn_adds_up": "update finance.churn_monthly set customers_end = 2",
    "automatic_payouts_explained": "update finance.payout_reconciliation set difference = 0.01",
    "payouts_arrived": "update finance.payout_reconciliation set status = 'unreconciled'",
    "payouts_failed": "update finance.payout_reconciliation set stripe_status = 'failed'",
    "no_open_breaks": "insert into finance.reconciliation_breaks values ('brk_1')",
    "invoice_totals": "update staging.stg_stripe__invoices set total = total + 500",
    "tax_totals": "update staging.stg_stripe__invoices set tax_amount = tax_amount + 111",
    "revenue_is_ledger_activity": "update finance.daily_revenue set net_volume = 9.71",
    "every_charge_has_a_flow": "update intermediate.int_charges set payment_flow = 'barter'",
    "captured_charges_settle": "update staging.stg_stripe__charges"
    " set balance_transaction_id = null",
    "failure_rates_usual": "update finance.failure_rate_anomalies set date = date '2026-10-31'",
    "failed_payments_add_up": "update finance.payment_recovery_monthly set amount_lost = 9.99",
    "live_items_priced": "update intermediate.int_item_mrr set is_priced = false"
    " where interval_id = 'st_2'",
    "past_items_priced": "update intermediate.int_item_mrr set is_priced = false"
    " where interval_id = 'st_1'",
    "discounts_known": "update intermediate.int_carried_discounts set is_known = false",
    "rates_in_range": "update finance.daily_revenue set payment_success_rate = 1.1",
    "exchange_rates_present": "update finance.mrr_monthly set mrr_reporting = null",
    "tax_summary_agrees": "update finance.tax_summary set tax_amount = 1.91",
    "journal_balances": "update finance.journal_entries set debit = 9.71 where line_number = 1"
    " and entry_id = 'txn_1'",
    "journal_is_the_balance": "delete from finance.journal_entries where entry_id = 'txn_2'",
    "prorations_accurate": "update finance.proration_checks set status = 'differs'",
    "bank_statements_follow": "update finance.bank_statements set difference_to_previous = 0.01",
    "every_figure_traces_to_the_ledger": "update staging.stg_stripe__balance_transactions"
    " set amount = 123",
    "results_kept": "delete from state.control_results",
    "incidents_answered": "update state.incidents set escalated_at = '2026-10-28T03:00:00+00:00'",
    "deleted_customers_forgotten": "update staging.stg_stripe__customers set is_deleted = true",
    "vat_rate_of_consumers": "update finance.tax_transactions set country = 'FR'",
    "reverse_charge_has_tax_id": "delete from staging.stg_stripe__tax_ids",
    "invoices_numbered": "update staging.stg_stripe__invoices set number = null",
    "vat_ids_can_exist": "update finance.tax_warnings set kind = 'tax_id_checksum'",
    "tax_rate_in_force": "update finance.tax_warnings set kind = 'rate_not_in_force'",
    "registration_thresholds": "update finance.tax_warnings set kind = 'registration_threshold'",
    "invoice_shows_seller_tax_id": "update staging.stg_stripe__invoices"
    " set has_seller_tax_id = false",
    "reverse_charge_shows_customer_tax_id": "update staging.stg_stripe__invoices"
    " set has_customer_tax_id = false",
    "reverse_charge_note": "update staging.stg_stripe__invoices"
    " set has_reverse_charge_note = false",
    "sca_share": "update compliance.sca_daily set exempt = 1, unauthenticated = 2",
    "strong_customer_authentication": "update staging.stg_stripe__charges"
    " set three_d_secure_result = 'failed'",
}


EMPTY = {
    "finance.reconciliation_breaks": "values ('brk_1'), ('brk_1')",
    "staging.stg_landing__quarantined_objects": (
        "select 'q_1', 'charge', 'ch_9', 'cut' from range(2)"
    ),
}
"""Tables that a build without a finding has no row in, with two rows of one key."""


# Tables that say when a customer was last active, with the columns that do.
ACTIVITY = {
    "customers": ("created_at",), "charges": ("created_at",), "refunds": ("created_at",),
    "invoices": ("created_at", "finalized_at"), "disputes": ("created_at",),
    "subscriptions": ("created_at", "canceled_at", "ended_at"), "events": ("created_at",),
    "credit_notes": ("created_at",), "payment_intents": ("created_at",),
    "customer_balance_transactions": ("created_at",),
}  # fmt: skip


def since(day: str) -> list[str]:
    """The SQL by which nothing happened to anybody after a day."""
    return [
        f"update staging.stg_stripe__{table} set {column} = timestamp '{day}'"
        for table, columns in ACTIVITY.items()
        for column in columns
    ]


def add_keyed_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Every other table whose key dbt declares, with a row of nothing but its key."""
    present = {
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables()"
        ).fetchall()
    }
    connection.execute(
        ";".join(
            f"create table {table} as select "
            + ", ".join(f"'{column} 1' as {column}" for column in declared.keys[0])
            for table, declared in declared_tables().items()
            if table not in present and declared.keys and declared.schema != "intermediate"
        )
    )


def twice(table: str | None) -> str:
    """The SQL that makes every row of a keyed table be there twice."""
    row = EMPTY.get(str(table))
    return f"insert into {table} {row or f'select * from {table}'}"


def null_key(table: str | None) -> str | None:
    """The SQL that makes a key of a keyed table null where it may not be; None where it may."""
    required = declared_tables()[str(table)].required_of_key
    if not required or table in EMPTY:
        return None
    return f"update {table} set {required[0]} = null"


def declared_columns() -> list[str]:
    """The SQL that gives each table of the project the columns that it declares and still lacks,
    with a value of its own in each row, or the first that the column may have."""
    statements = []
    for table, declared in declared_tables().items():
        statements.append(f"create table if not exists {table} as select 1 as row")
        for column in dict.fromkeys(
            [*declared.required, *sum(declared.keys, ()), *declared.values]
        ):
            default = declared.values.get(column, (None,))[0]
            value = f"'{default}'" if default else "cast(rowid as varchar)"
            statements += [
                f'alter table {table} add column if not exists "{column}" varchar',
                f'update {table} set "{column}" = {value} where "{column}" is null',
            ]
    return statements


@cache
def _template() -> bytes:
    """The small build's file: made once in a process, copied for each test."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("begin")
            connection.execute(SCHEMA)
            add_keyed_tables(connection)
            connection.execute("commit")
        return path.read_bytes()


def make_build(path: Path, *mutations: str) -> Path:
    """The small build at `path`, with the mutations applied."""
    path.write_bytes(_template())
    if mutations:
        with duckdb.connect(str(path)) as connection:
            for mutation in mutations:
                connection.execute(mutation)
    return path
