"""Stripe's reports of the company: through the SDK, and equal to what its transactions say."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import stripe
from small_account import account, put, served
from typed_objects import violations

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import Store

DAY = 86_400
NOW = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())
START, END = NOW - 60 * DAY, NOW - 2 * DAY
TYPES = (
    "balance.summary.1",
    "balance_change_from_activity.itemized.3",
    "payout_reconciliation.itemized.5",
    "payouts.itemized.3",
)
CENT = Decimal("0.01")


def run(client: httpx.Client, report_type: str, **parameters: Any) -> list[dict[str, str]]:
    """The rows of a report of the time from START until END."""
    form = {"parameters[interval_start]": START, "parameters[interval_end]": END}
    form |= {f"parameters[{name}]": value for name, value in parameters.items()}
    made = client.post("reporting/report_runs", data={"report_type": report_type, **form})
    id = made.raise_for_status().json()["id"]
    client.get(f"reporting/report_runs/{id}")
    done = client.get(f"reporting/report_runs/{id}").json()
    return rows_of(client.get(done["result"]["url"]).text)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def store(company_server: Server) -> Store:
    return company_server.api.store


def test_the_whole_way_through_the_sdk(company_url: str) -> None:
    client = stripe.StripeClient(SANDBOX_KEY, base_addresses={"api": company_url})
    types = client.v1.reporting.report_types.list().data
    assert [each.id for each in types] == list(TYPES)
    made = client.v1.reporting.report_runs.create(
        {
            "report_type": "balance.summary.1",
            "parameters": {"interval_start": START, "interval_end": END, "timezone": "Asia/Tokyo"},
        }
    )
    assert (made.status, made.result) == ("pending", None)
    states = [client.v1.reporting.report_runs.retrieve(made.id) for _ in range(3)]
    assert [each.status for each in states] == ["pending", "succeeded", "succeeded"]
    file = states[-1].result
    assert file is not None
    assert file.url is not None
    content = httpx.get(file.url, headers={"authorization": f"Bearer {SANDBOX_KEY}"})
    assert content.headers["content-type"] == "text/csv"
    assert len(content.content) == file.size
    assert rows_of(content.text)[0]["description"].startswith("Starting balance (2026-09-25)")


def test_no_two_runs_share_an_id_even_when_the_account_is_served_anew() -> None:
    """Rows are kept by their run's id: a shorter report under an old id would leave old rows."""
    created = []
    for _ in range(2):
        store = account(NOW)
        put(store, "balance_transaction", "txn_1", START - DAY, source=None, type="adjustment",
            reporting_category="other_adjustment", amount=1, fee=0, net=1, currency="usd",
            available_on=START, description=None)  # fmt: skip
        with served(store) as client:
            for end in (END - DAY, END):
                form = {
                    "report_type": "balance.summary.1",
                    "parameters[interval_start]": START + len(created) * DAY,
                    "parameters[interval_end]": end,
                }
                made = client.post("reporting/report_runs", data=form).raise_for_status()
                created.append(made.json()["id"])
    assert len(set(created)) == 4


def test_files_need_the_key_and_exist(company: httpx.Client, company_url: str) -> None:
    run(company, "balance.summary.1")
    newest = company.get("reporting/report_runs").json()["data"][0]
    assert httpx.get(newest["result"]["url"]).status_code == 401
    assert company.get(f"files/{newest['result']['id']}").json() == newest["result"]
    assert company.get("files/file_none").status_code == 404
    assert company.get("files/file_none/contents").status_code == 404


def test_runs_types_and_files_have_the_shape_of_their_class(company: httpx.Client) -> None:
    run(company, "balance.summary.1")
    runs = company.get("reporting/report_runs").json()["data"]
    types = company.get("reporting/report_types").json()["data"]
    found = [each for obj in (*runs, *types, runs[0]["result"]) for each in violations(obj)]
    assert found == []


def test_the_summary_continues_and_adds_up(company: httpx.Client, store: Store) -> None:
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in run(company, "balance.summary.1"):
        found[row["currency"]][row["category"]] = Decimal(row["net_amount"])
    assert set(found) == {"usd", "eur"}
    for currency, parts in found.items():
        total = parts["starting_balance"] + parts["activity"] + parts["payouts"]
        assert total == parts["ending_balance"]
        before = [
            each["net"]
            for each in store.all("balance_transaction")
            if each["currency"] == currency and _effective(store, each) < START
        ]
        assert parts["starting_balance"] == sum(before) * CENT


def _effective(store: Store, transaction: dict[str, Any]) -> int:
    payout = store.find("payout", str(transaction["source"]))
    leaves = payout is not None and payout["automatic"] and transaction["type"] == "payout"
    return int(payout["arrival_date"] if payout and leaves else transaction["created"])


def test_activity_and_payouts_together_are_the_summary(company: httpx.Client) -> None:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for category, report in (("activity", TYPES[1]), ("payouts", TYPES[3])):
        for row in run(company, report):
            sums[row["currency"], category] += Decimal(row["net"])
            assert Decimal(row["gross"]) - Decimal(row["fee"]) == Decimal(row["net"])
    summary = run(company, "balance.summary.1")
    stated = {(row["currency"], row["category"]): Decimal(row["net_amount"]) for row in summary}
    assert sums == {key: stated[key] for key in sums}
    assert len(sums) == 4


def test_activity_is_every_transaction_but_payouts(company: httpx.Client, store: Store) -> None:
    wanted = {
        each["id"]
        for each in store.all("balance_transaction")
        if START <= each["created"] < END
        and each["reporting_category"] not in ("payout", "payout_reversal")
    }
    assert {row["balance_transaction_id"] for row in run(company, TYPES[1])} == wanted


def test_each_settled_payout_is_the_sum_of_its_rows(company: httpx.Client, store: Store) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in run(company, TYPES[2]):
        sums[row["automatic_payout_id"]] += Decimal(row["net"])
    assert len(sums) > 10
    for id, total in sums.items():
        payout = store.get("payout", id)
        assert payout["automatic"]
        assert START <= payout["arrival_date"] < END
        assert total == payout["amount"] * CENT


def test_columns_filters_and_zone_are_those_asked_for(company: httpx.Client, store: Store) -> None:
    columns = [
        "balance_transaction_id", "created_utc", "created", "charge_id", "customer_email",
        "card_brand", "invoice_id", "subscription_id", "customer_facing_amount",
        "customer_facing_currency", "automatic_payout_id",
    ]  # fmt: skip
    rows = run(
        company, TYPES[1], currency="eur", reporting_category="charge",
        timezone="America/New_York", **{"columns][": columns},
    )  # fmt: skip
    assert list(rows[0]) == columns
    with_invoice = 0
    for row in rows:
        transaction = store.get("balance_transaction", row["balance_transaction_id"])
        charge = store.get("charge", row["charge_id"])
        assert (transaction["currency"], transaction["reporting_category"]) == ("eur", "charge")
        assert transaction["source"] == charge["id"]
        assert row["created_utc"] == _text(transaction["created"])
        assert row["created"] in (
            _text(transaction["created"] - 4 * 3600), _text(transaction["created"] - 5 * 3600),
        )  # fmt: skip
        assert row["automatic_payout_id"] == (store.payout_of(transaction["id"]) or "")
        if row["customer_facing_currency"] == "eur":
            assert Decimal(row["customer_facing_amount"]) == charge["amount"] * CENT
        if row["invoice_id"]:
            with_invoice += 1
            assert store.get("invoice", row["invoice_id"])["customer"] == charge["customer"]
    assert with_invoice


def _text(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def test_a_dispute_a_refund_and_metadata_lead_to_their_charge() -> None:
    store = account(NOW)
    card = {"type": "card", "card": {"brand": "visa", "country": "JP", "funding": "debit"}}
    put(store, "charge", "ch_1", START, payment_intent=None, customer="cus_1", amount=1000,
        currency="jpy", payment_method_details=card, statement_descriptor_suffix=None,
        metadata={"order": "A1"})  # fmt: skip
    put(store, "customer", "cus_1", name="Ito", address={"city": "Kyoto"})
    put(store, "dispute", "du_1", charge="ch_1", reason="fraudulent", amount=1000, currency="jpy")
    put(store, "refund", "re_1", charge="ch_1", metadata={"why": "late"}, amount=400,
        currency="kwd")  # fmt: skip
    for id, source, category in (("txn_1", "du_1", "dispute"), ("txn_2", "re_1", "refund")):
        put(store, "balance_transaction", id, START, source=source, reporting_category=category,
            type="adjustment", amount=-1000, fee=15, net=-1015, currency="jpy",
            available_on=START, description=None)  # fmt: skip
    columns = ["gross", "net", "charge_id", "card_brand", "customer_address_city",
               "dispute_reason", "payment_metadata[order]", "refund_metadata[why]",
               "customer_facing_amount", "customer_facing_currency"]  # fmt: skip
    with served(store) as client:
        rows = run(client, TYPES[1], **{"columns][": columns})
    common = ["-1000", "-1015", "ch_1", "visa", "Kyoto"]
    assert list(rows[0].values()) == [*common, "fraudulent", "A1", "", "1000", "jpy"]
    assert list(rows[1].values()) == [*common, "", "A1", "late", "0.400", "kwd"]


def test_the_same_idempotency_key_makes_one_run(company: httpx.Client) -> None:
    form = {
        "report_type": TYPES[0],
        "parameters[interval_start]": START,
        "parameters[interval_end]": END,
    }
    answers = [
        company.post("reporting/report_runs", data=form, headers={"idempotency-key": key})
        for key in ("one", "one", "two")
    ]
    first, again, other = (each.json()["id"] for each in answers)
    assert first == again != other


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"report_type": "unicorns.1"}, 404, "No such reporting.report_type"),
        ({"report_type": None}, 400, "Missing required param: report_type"),
        ({"parameters[interval_start]": None}, 400, "parameters[interval_start]"),
        ({"parameters[interval_end]": START}, 400, "must be before"),
        ({"parameters[interval_end]": NOW}, 400, "only available through 2026-11-23 12:00:00 UTC"),
        ({"parameters[interval_start]": 1}, 400, "only available starting 2025-05-01 00:00:00"),
        ({"parameters[interval_end]": "soon"}, 400, "Invalid integer"),
        ({"parameters[timezone]": "Mars/Olympus"}, 400, "Invalid timezone"),
        ({"parameters[columns][0]": "shoe_size"}, 400, "Invalid column"),
        ({"parameters[reporting_category]": "charge"}, 400, "unknown parameter"),
        ({"colour": "red"}, 400, "unknown parameter"),
    ],
)
def test_bad_runs_are_refused(
    company: httpx.Client, changes: dict[str, Any], status: int, said: str
) -> None:
    form: dict[str, Any] = {
        "report_type": "balance.summary.1",
        "parameters[interval_start]": START,
        "parameters[interval_end]": END,
    }
    kept = {name: value for name, value in (form | changes).items() if value is not None}
    answer = company.post("reporting/report_runs", data=kept)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


def test_data_is_there_twice_a_day(company: httpx.Client) -> None:
    found = company.get("reporting/report_types/balance.summary.1").json()
    assert found["data_available_end"] == NOW - DAY // 2
    assert found["default_columns"] == ["category", "description", "net_amount", "currency"]
