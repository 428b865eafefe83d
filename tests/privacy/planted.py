"""A small installation in which one person is everywhere, and ways to look for them."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from duckdb import DuckDBPyConnection

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.audit import append
from heirpay_pipelines.duck import connect
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import Manifest
from heirpay_pipelines.landing.pull_sequence import commit
from heirpay_pipelines.landing.read import open_files, relation
from heirpay_pipelines.landing.suppression_list import suppression_list
from heirpay_pipelines.landing.writer import Writer
from heirpay_pipelines.published_file import put_in_place
from heirpay_pipelines.receive.stored_bodies import keep_body
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import open_state

AT = datetime(2026, 11, 1, tzinfo=UTC)
CREATED = 1_790_000_000
CUSTOMER, OTHER = "cus_Sentinel000001", "cus_Innocent000001"
OTHER_EMAIL = "another.person@example.com"
EMAIL, OLD_EMAIL = "zoe.müller@sentinel.example", "zoe.old@sentinel.example"
NAME, PHONE, STREET = 'Zoë "Zo" Müller-Sentinel', "+49 151 23456789", "Sentinelstraße 12b"
NAMESAKE = "Jo Namesake"  # the person's name before, and another one's
CITY, POSTCODE, VAT_ID = "Sentinelstadt", "99999", "DE136695976"
LAST4, FINGERPRINT, METHOD = "8371", "SentinelPrint001", "pm_Sentinel000001"
ADDRESS = {"line1": STREET, "line2": "Sentinel rear house", "city": CITY, "postal_code": POSTCODE,
           "state": "BE", "country": "DE"}  # fmt: skip
BILLING = {"name": NAME, "email": EMAIL, "phone": PHONE, "address": ADDRESS, "tax_id": VAT_ID}
CARD = {"brand": "visa", "country": "DE", "last4": LAST4, "fingerprint": FINGERPRINT,
        "exp_month": 11, "exp_year": 2031, "funding": "debit", "wallet": {"type": "apple_pay"},
        "three_d_secure": {"result": "authenticated", "version": "2.2.0"}}  # fmt: skip
# What must be in no byte afterwards.
SENTINELS = (
    CUSTOMER, EMAIL, OLD_EMAIL, NAME, "Müller-Sentinel", PHONE, STREET, "Sentinel rear", CITY,
    VAT_ID, f'"{LAST4}"', FINGERPRINT, METHOD, "203.0.113.77", "sentinel-order", "Sentinel GmbH",
)  # fmt: skip


def customer(email: str = EMAIL, **more: Any) -> dict[str, Any]:
    return {
        "id": CUSTOMER, "object": "customer", "created": CREATED, "name": NAME, "email": email,
        "phone": PHONE, "address": ADDRESS, "description": "Sentinel GmbH", "balance": -250,
        "metadata": {"order": "sentinel-order"}, "currency": "eur",
        "shipping": {"name": NAME, "phone": PHONE, "address": ADDRESS},
        "invoice_settings": {"default_payment_method": METHOD},
        "tax_ids": {"object": "list", "data": [tax_id()]}, **more,
    }  # fmt: skip


def tax_id() -> dict[str, Any]:
    return {
        "id": "txi_Sentinel000001", "object": "tax_id", "created": CREATED, "customer": CUSTOMER,
        "type": "eu_vat", "value": VAT_ID, "country": "DE",
        "owner": {"type": "customer", "customer": CUSTOMER},
        "verification": {"status": "verified", "verified_name": NAME, "verified_address": STREET},
    }  # fmt: skip


def charge(id: str = "ch_1", of: str | None = CUSTOMER, **more: Any) -> dict[str, Any]:
    return {
        "id": id, "object": "charge", "created": CREATED, "customer": of, "amount": 11900,
        "currency": "eur", "payment_intent": f"pi_{id}", "payment_method": METHOD,
        "billing_details": BILLING, "receipt_email": EMAIL, "description": f"Order of {NAME}",
        "receipt_url": "https://pay.stripe.com/receipts/sentinel-order",
        "payment_method_details": {"type": "card", "card": CARD},
        "balance_transaction": f"txn_{id}", "metadata": {"order": "sentinel-order"}, **more,
    }  # fmt: skip


def objects() -> list[dict[str, Any]]:
    """Everything Stripe tells of the person, and of another one of the same name."""
    invoice = {
        "id": "in_1", "object": "invoice", "created": CREATED, "customer": CUSTOMER, "total": 11900,
        "currency": "eur", "number": "A-0001", "customer_name": NAME, "customer_email": EMAIL,
        "customer_phone": PHONE, "customer_address": ADDRESS, "customer_tax_exempt": "reverse",
        "customer_tax_ids": [{"type": "eu_vat", "value": VAT_ID}],
        "hosted_invoice_url": "https://invoice.stripe.com/i/sentinel-order",
        "custom_fields": [{"name": "Note", "value": f"Reverse charge, {NAME}"}],
        "lines": {"object": "list", "data": [
            {"id": "il_1", "object": "line_item", "amount": 11900, "description": "1 × Gold"}]},
    }  # fmt: skip
    dispute = {
        "id": "du_1", "object": "dispute", "created": CREATED, "charge": "ch_1", "amount": 11900,
        "currency": "eur", "reason": "fraudulent",
        "evidence": {"customer_name": NAME, "customer_purchase_ip": "203.0.113.77"},
    }  # fmt: skip
    review = {"id": "prv_1", "object": "review", "created": CREATED, "charge": "ch_1",
              "ip_address": "203.0.113.77", "billing_zip": POSTCODE}  # fmt: skip
    event = {
        "id": "evt_1",
        "object": "event",
        "created": CREATED,
        "type": "customer.updated",
        "data": {"object": customer(), "previous_attributes": {"email": OLD_EMAIL}},
    }
    row = {"charge_id": "ch_1", "customer_email": EMAIL, "card_last4": LAST4, "gross": "119.00"}
    other = {"id": OTHER, "object": "customer", "created": CREATED, "name": NAMESAKE,
             "email": OTHER_EMAIL}  # fmt: skip
    return [
        customer(OLD_EMAIL, name=NAMESAKE), customer(), tax_id(), charge(), invoice, dispute,
        review, event, other,
        charge("ch_guest", of=None, payment_method=None),
        {"id": METHOD, "object": "payment_method", "created": CREATED, "customer": None,
         "type": "card", "card": CARD, "billing_details": BILLING},
        {"id": "pi_ch_1", "object": "payment_intent", "created": CREATED, "customer": CUSTOMER,
         "amount": 11900, "receipt_email": EMAIL, "latest_charge": "ch_1"},
        {"id": "txn_ch_1", "object": "balance_transaction", "created": CREATED, "source": "ch_1",
         "amount": 11900, "fee": 300, "net": 11600, "description": f"Payment by {NAME}"},
        {"id": "frr_1:0", "object": "report_row", "run_id": "frr_1", "report_type": "x",
         "row": row},
        {"id": "bank_1", "object": "bank_transaction", "amount": 11600, "currency": "eur",
         "description": f"refund to {NAME}"},
        {"id": "broken", "object": 7, "customer": CUSTOMER, "email": EMAIL},
        {"id": "prod_1", "object": "product", "created": CREATED, "name": "Gold"},
    ]  # fmt: skip


def land(settings: Settings, number: int, found: list[dict[str, Any]]) -> None:
    """One committed pull of these objects."""
    landing = Landing.of(settings)
    pull_id = f"20261101T00000{number}Z-{number}"

    async def write() -> Manifest:
        away = suppression_list(settings)
        writer = Writer(landing, pull_id, "acct_1", "2026-10-28.endive", AT, suppressed=away)
        for obj in found:
            await writer.add(obj, "list")
        return Manifest(pull_id, AT, "acct_1", False, "2026-10-28.endive", "full", {"event": 1}, AT,
                        AT, 1, await writer.finish())  # fmt: skip

    commit(settings.state_file, landing, asyncio.run(write()))


def plant(home: Path, key: str | None, last_active: str | None = None) -> Settings:
    """The installation: two pulls, a warehouse, an inbox, incidents, a report, other records. With
    `last_active` the warehouse also says when the customers were last active, as of AT."""
    extra = {"HEIRPAY_ENCRYPTION_KEY": key} if key else {}
    settings = Settings(HEIRPAY_HOME=home, **extra)
    land(settings, 1, objects())
    land(settings, 2, [customer(), charge()])
    _warehouse(settings)
    _state(settings)
    _files(settings)
    if last_active:
        _active(settings, last_active)
        set_night(settings, AT)
    return settings


def _active(settings: Settings, day: str) -> None:
    """What retention reads: both customers, and the payment without one, were active on `day`."""
    nothing = {"invoices": "finalized_at paid_at voided_at",
               "subscriptions": "canceled_at ended_at",
               "credit_notes": "voided_at", "payment_intents": "canceled_at"}  # fmt: skip
    with connect(settings.warehouse, settings.key, read_only=False) as build:
        build.execute(
            "create or replace table staging.stg_stripe__customers as select *, timestamp '"
            + day
            + "' as"
            " created_at, null::varchar as phone, null::varchar as description, null::varchar as"
            " address_line1, null::varchar as address_line2, null::varchar as city"
            " from staging.stg_stripe__customers;"
            "create or replace table staging.stg_stripe__charges as select *, timestamp '"
            + day
            + "' as"
            " created_at, null::varchar as guest_email, 'DE' as billing_country"
            " from staging.stg_stripe__charges;"
            "create table staging.stg_stripe__accounts as select 'DE' as country, true as is_own;"
            "insert into staging.stg_stripe__charges by name"
            " select 'ch_guest' as id, 'DE' as billing_country,"
            f" lower('{EMAIL}') as guest_email, timestamp '{day}' as created_at"
        )
        for name in (*nothing, "customer_balance_transactions", "disputes", "refunds", "events"):
            empty = "".join(f", null::timestamp as {c}" for c in nothing.get(name, "").split())
            build.execute(
                f"create table staging.stg_stripe__{name} as select '{name}' as id, '{CUSTOMER}' as"
                f" customer_id, '{CUSTOMER}' as object_id, 'ch_1' as charge_id,"
                f" timestamp '{day}' as created_at, 'canceled' as status,"
                f" 'DE' as customer_country{empty}"
            )


@contextmanager
def republished(settings: Settings) -> Iterator[DuckDBPyConnection]:
    """Change a copy of the warehouse and publish it, as the product does: what is published is
    never opened for writing."""
    fresh = settings.warehouse_dir / "building" / "planted.duckdb"
    fresh.parent.mkdir(exist_ok=True, mode=0o700)
    shutil.copyfile(settings.warehouse, fresh)
    with connect(fresh, settings.key, read_only=False) as build:
        yield build
    put_in_place(fresh, settings.warehouse)


def set_night(settings: Settings, as_of: datetime) -> None:
    """The published warehouse is of this instant."""
    with republished(settings) as build:
        build.execute(
            "create or replace table operations.run_history as select true as is_published,"
            f" timestamp '{as_of:%Y-%m-%d %H:%M:%S}' as as_of"
        )


def _warehouse(settings: Settings) -> None:
    settings.warehouse_dir.mkdir(parents=True)
    with connect(settings.warehouse, settings.key, read_only=False) as build:
        build.execute("create schema staging; create schema finance; create schema operations")
        build.execute(
            "create table staging.stg_stripe__customers (id varchar, name varchar, email varchar,"
            " postal_code varchar, state varchar, country varchar)"
        )
        build.execute("comment on table staging.stg_stripe__customers is 'Customers'")
        build.executemany(
            "insert into staging.stg_stripe__customers values (?, ?, ?, ?, 'BE', 'DE')",
            [
                (CUSTOMER, NAME, EMAIL, POSTCODE),
                (OTHER, NAMESAKE, "another.person@example.com", "10115"),
            ],
        )
        build.execute("create table staging.stg_stripe__charges (id varchar, customer_id varchar,"
                      " amount bigint, fingerprint varchar)")  # fmt: skip
        build.execute(
            "insert into staging.stg_stripe__charges"
            " values ('ch_1', ?, 11900, ?), ('ch_2', ?, 11900, ?)",
            [CUSTOMER, FINGERPRINT, OTHER, "another"],
        )
        build.execute(
            "create table finance.reconciliation_breaks as select 'brk_1' as break_id,"
            f" 119.000::decimal(24,3) as amount, 'ch_1' as object_id,"
            f" 'charge of {NAME}, {CUSTOMER}' as detail, ['{EMAIL}'] as notes"
        )
        build.execute("create table operations.audit_log as select 1 as sequence, 'x' as hash")
        build.execute("checkpoint")


def _state(settings: Settings) -> None:
    event = {"id": "evt_2", "object": "event", "created": CREATED, "type": "charge.succeeded",
             "livemode": False, "data": {"object": charge()}}  # fmt: skip
    with open_state(settings.state_file) as state:
        append(state, AT, "nightly", "run_published", "run-1", {"note": "nobody"})
        with state.transaction() as connection:
            connection.execute(
                "insert into webhook_deliveries (event_id, type, object_id, livemode, created,"
                " received_at, last_received_at, deliveries)"
                " values ('evt_2', 'customer.updated', ?, 0, 1, '', '', 1)",
                (CUSTOMER,),
            )
            keep_body(connection, "evt_2", json.dumps(event))
            evidence = json.dumps({"ids": [f"{CUSTOMER} of {NAME}"]})
            connection.execute(
                "insert into control_results values ('run-1', 'C', 'gdpr', 'r', 't', 'warning',"
                " 'fail', 1, 1, ?, '2026-11-01')",
                (evidence,),
            )
            connection.execute(
                "insert into outbox_messages values ('m1', '2026-11-01', 'HeirPay', ?)",
                (f"Duplicate charge of {EMAIL}",),
            )
            connection.execute(
                "insert into break_resolutions values ('brk_1', 'a', 'b', 'Dana', ?, null, null,"
                " null)",
                (f"talked to {NAME}",),
            )
            key = Fernet.generate_key()
            connection.execute(
                "insert into quarantined_files values ('q1', 'notes/n.txt', 'INC-1', '', ?)",
                (key.decode(),),
            )
    (settings.folder / "quarantine").mkdir()
    (settings.folder / "quarantine" / "q1").write_bytes(Fernet(key).encrypt(f"x {EMAIL}".encode()))


def _files(settings: Settings) -> None:
    report = settings.reports_dir / "2026-11-01"
    (report / "data_docs").mkdir(parents=True)
    key = settings.key
    page = f"<p>{escape(NAME)} owes; {CUSTOMER}</p>"
    sealed.write(report / "report.html", page.encode(), key)
    facts = json.dumps({"who": NAME, "mail": EMAIL, "amount": "119"})
    sealed.write(report / "report.json", facts.encode(), key)
    (report / "data_docs" / "index.html").write_text(f"<td>{EMAIL}</td>")
    with zipfile.ZipFile(report / "finance.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", f"<t>{escape(NAME, quote=False)}</t><t>119</t>")
    dagster = settings.folder / "dagster"
    dagster.mkdir()
    with sqlite3.connect(dagster / "runs.db") as connection:
        connection.execute("create table event_logs (id integer primary key, event text)")
        connection.execute(
            "insert into event_logs (event) values (?)", (json.dumps([NAME, EMAIL]),)
        )
    connection.close()


def traces(settings: Settings) -> list[str]:
    """Where a sentinel still is: in the bytes of any file, or in what they hold decompressed."""
    found = [
        f"{path.relative_to(settings.folder)}: {sentinel}"
        for path in settings.folder.rglob("*")
        if path.is_file()
        for sentinel in SENTINELS
        if _spelled(sentinel) & _contents(settings, path)
        or any(text in _bytes(settings, path) for text in _encoded(sentinel))
    ]
    return found + [f"landing: {s}" for s in SENTINELS if _in(s, landed(settings))] + [
        f"warehouse: {s}" for s in SENTINELS if _in(s, warehouse(settings))
    ]  # fmt: skip


def landed(settings: Settings) -> str:
    """Every landed row as text, and every webhook body, decrypted."""
    landing = Landing.of(settings)
    texts = []
    with open_files(landing) as connection:
        for files in landing.files().values():
            rows = connection.execute(f"select id, payload from {relation(landing, files)}")
            texts += [f"{id} {payload}" for id, payload in rows.fetchall()]
    with open_state(settings.state_file) as state:
        texts += [row["body"] for row in state.rows("select body from webhook_bodies")]
    return "\n".join(text for text in texts if f'"id":"{OTHER}"' not in text)


def warehouse(settings: Settings) -> str:
    """Every row of the warehouse as text but the other person's own."""
    key = settings.key
    with connect(settings.warehouse, key, read_only=True) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        rows = [
            row
            for schema, name in names
            for row in connection.execute(f"select t::varchar from {schema}.{name} as t").fetchall()
        ]
    return "\n".join(row[0] for row in rows if OTHER not in row[0])


def scalar(settings: Settings, sql: str) -> Any:
    key = settings.key
    with connect(settings.warehouse, key, read_only=True) as connection:
        row = connection.execute(sql).fetchone()
    return row[0] if row else None


def totals(settings: Settings) -> dict[str, Any]:
    """Every amount of the warehouse and of the landing, to the minor unit."""
    landing = Landing.of(settings)
    sums = {
        "charges": scalar(settings, "select sum(amount) from staging.stg_stripe__charges"),
        "breaks": scalar(settings, "select sum(amount) from finance.reconciliation_breaks"),
        "rows": {m.pull_id: m.rows_by_object() for m in landing.manifests()},
    }
    with open_files(landing) as connection:
        for name, files in landing.files().items():
            amounts = "sum(cast(payload ->> '$.amount' as bigint)), sum(cast(payload ->> '$.total'"
            sums[name] = connection.execute(
                f"select {amounts} as bigint)), count(*), count(distinct id)"
                f" from {relation(landing, files)}"
            ).fetchone()
    return sums


def _in(sentinel: str, text: str) -> bool:
    return any(spelling in text for spelling in _spelled(sentinel))


def _spelled(sentinel: str) -> set[str]:
    return {sentinel, json.dumps(sentinel, ensure_ascii=False)[1:-1], json.dumps(sentinel)[1:-1],
            escape(sentinel), escape(sentinel, quote=False)}  # fmt: skip


def _encoded(sentinel: str) -> set[bytes]:
    return {spelling.encode() for spelling in _spelled(sentinel)}


def _bytes(settings: Settings, path: Path) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return b"".join(packed.read(name) for name in packed.namelist())
    return sealed.read(path, settings.key, plain_too=True)


def _contents(settings: Settings, path: Path) -> set[str]:
    if path.parent != settings.folder / "quarantine":
        return set()
    with open_state(settings.state_file) as state:
        rows = state.rows("select encryption_key from quarantined_files where stored_as = ?",
                          (path.name,))  # fmt: skip
    return set(Fernet(rows[0]["encryption_key"]).decrypt(path.read_bytes()).decode().split())
