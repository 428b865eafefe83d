"""What was charged against what was in force, ids that cannot exist, thresholds passed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import payment_objects as stripe
import pytest
import real_tax_objects
from landing_harness import Landing, Warehouse, epoch, model
from stripe_objects import invoice, line, tax

from heirpay_pipelines.warehouse.tax_ids import check_tax_id

AS_OF = "2026-04-01T00:00:00"
OTHER_PLACE = "tax of another country than the customer's"
SELECT = "+tax_warnings +tax_registrations +tax_on_lost_disputes +tax_oss_return +tax_rate_checks"


def rate(rate_id: str, percentage: float, country: str, **extra: Any) -> dict[str, Any]:
    return {
        "id": rate_id,
        "object": "tax_rate",
        "created": epoch("2024-01-01"),
        "percentage": percentage,
        "country": country,
        "jurisdiction_level": "country",
        "tax_type": "vat",
        **extra,
    }


def sold(
    name: str, at: str, country: str, rate_id: str | None, taxed: int, **extra: Any
) -> dict[str, Any]:
    taxes = [tax(rate_id, taxed, 10_000)] if rate_id else []
    only = line(f"il_{name}", 10_000, at, at, taxes=taxes, currency="eur")
    made = invoice(f"in_{name}", f"cus_{name}", at, [only], currency="eur")
    made["customer_address"] = {"country": country, "state": None}
    made["total_taxes"] = [{"amount": taxed, "tax_behavior": "exclusive"}]
    return {**made, "total_excluding_tax": 10_000, **extra}


def new_york() -> dict[str, Any]:
    """A sale that state and city tax, the city at a rate that no table keeps."""
    made = sold("york", "2026-02-05", "US", "txr_ny", 400)
    made["customer_address"] = {"country": "US", "state": "NY"}
    made["lines"]["data"][0]["taxes"].append(tax("txr_nyc", 450, 10_000))
    return made


def small_sales(state: str, number: int) -> list[dict[str, Any]]:
    address = {"country": "US", "state": state}
    return [
        sold(f"{state}_{n}", "2026-02-05", "US", None, 0, customer_address=address)
        for n in range(number)
    ]


def yen_tax() -> dict[str, Any]:
    """Japanese consumption tax of a payment without invoice: 500 of 5,500 yen."""
    at = epoch("2026-01-05")
    return {
        "id": "tax_yen",
        "object": "tax.transaction",
        "created": at,
        "type": "transaction",
        "currency": "jpy",
        "customer": "cus_yen",
        "customer_details": {"address": {"country": "JP", "state": None, "city": "Osaka"}},
        "posted_at": at,
        "tax_date": at,
        "reference": "pi_yen",
        "line_items": {
            "data": [
                {"id": "tli_1", "amount": 5000, "amount_tax": 500, "tax_behavior": "exclusive"}
            ]
        },
    }


def voided(name: str, at: str, voided_at: str) -> dict[str, Any]:
    made = sold(name, at, "DE", "txr_de", 1900, status="void")
    made["status_transitions"] = {
        "finalized_at": epoch(at),
        "voided_at": epoch(voided_at),
        "paid_at": None,
    }
    return made


def tax_id(name: str, kind: str, value: str) -> dict[str, Any]:
    return {
        "id": f"txi_{name}",
        "object": "tax_id",
        "created": epoch("2026-01-01"),
        "customer": f"cus_{name}",
        "type": kind,
        "value": value,
        "country": value[:2],
    }


def company() -> list[dict[str, Any]]:
    charged = stripe.charge("ch_sk", 12_300, "2026-01-05", "eur", invoice="in_sk_new")
    lost = stripe.dispute("du_1", "ch_sk", 6150, "2026-02-01", [], currency="eur")
    return [
        {"id": "acct_test", "object": "account", "country": "US", "default_currency": "usd"},
        rate("txr_de", 19, "DE"),
        rate("txr_fr", 20, "FR"),
        rate("txr_sk20", 20, "SK"),
        rate("txr_sk23", 23, "SK"),
        rate("txr_ny", 4, "US", state="NY", jurisdiction_level="state", tax_type="sales_tax"),
        rate("txr_nyc", 4.5, "US", state="NY", jurisdiction_level="city", tax_type="sales_tax"),
        new_york(),
        sold("de", "2026-01-05", "DE", "txr_de", 1900),
        sold("french", "2026-01-05", "DE", "txr_fr", 2000),
        # Slovakia raised its rate on 2025-01-01: the day of the supply decides.
        sold("sk_old", "2024-12-31", "SK", "txr_sk20", 2000),
        sold("sk_late", "2025-01-01", "SK", "txr_sk20", 2000),
        sold("sk_new", "2026-01-05", "SK", "txr_sk23", 2300),
        charged,
        lost,
        stripe.charge("ch_yen", 5500, "2026-01-05", "jpy", payment_intent="pi_yen"),
        stripe.dispute(
            "du_yen", "ch_yen", 2750, "2026-02-01", [], currency="jpy", payment_intent="pi_yen"
        ),
        yen_tax(),
        {
            "id": "taxa_yen",
            "object": "tax.association",
            "payment_intent": "pi_yen",
            "tax_transaction_attempts": [
                {"source": "pi_yen", "status": "committed", "committed": {"transaction": "tax_yen"}}
            ],
        },
        voided("void", "2025-12-20", "2026-02-01"),
        # A threshold of nothing is passed by the first sale.
        sold("gb", "2026-02-05", "GB", None, 0),
        {
            "id": "taxa_1",
            "object": "tax.association",
            "payment_intent": "pi_1",
            "tax_transaction_attempts": [
                {
                    "source": "pi_1",
                    "status": "errored",
                    "errored": {"reason": "calculation_expired"},
                },
                {"source": "re_1", "status": "committed", "committed": {"transaction": "tax_1"}},
            ],
        },
        *small_sales("GA", 201),  # the amount or 200 sales
        *small_sales("VA", 170),
        *small_sales("CT", 201),  # the amount and 200 sales
        *small_sales("IL", 201),  # 200 sales passed it until 2025
        tax_id("good", "eu_vat", "DE136695976"),
        tax_id("bad", "eu_vat", "DE136695970"),
        tax_id("other", "zz_tin", "1"),
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, company(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("warnings"), AS_OF, SELECT)


def test_warnings_and_nothing_else(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select kind, object_id, charged_rate, expected_rate from finance.tax_warnings"
        " order by 1, 2"
    )
    assert rows == [
        ("rate_not_in_force", "in_sk_late", 20, 23),
        ("registration_threshold", "GB", None, None),
        ("registration_threshold", "US-GA", None, None),
        ("tax_id_checksum", "txi_bad", None, None),
        ("tax_not_recorded", "pi_1", None, None),
        ("wrong_jurisdiction", "in_french", 20, 19),
    ]


def test_registrations(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select country, status, is_collecting, sales_count, sales_amount"
        " from finance.tax_registrations order by 1"
    )
    # Three sales of 100.00 euros within twelve months; the older two do not count.
    assert rows[0] == ("EU", "collecting", True, 3, 300)
    assert rows[1][:4] == ("GB", "passed", False, 1)


def test_states_that_count_sales(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select region, passed_by, threshold_count, status from finance.tax_registrations"
        " where country = 'US' and region <> 'NY' order by 1"
    )
    assert rows == [
        ("CT", "both", 200, "below"),
        ("GA", "either", 200, "passed"),
        ("IL", "amount", None, "below"),
        ("VA", "either", 200, "near"),
    ]
    (warning,) = warehouse.rows(
        "select detail, seen_on from finance.tax_warnings where region = 'GA'"
    )
    assert "100000 usd or 200 sales on 2026-02-05" in str(warning[0])
    assert warning[1] == date(2026, 2, 5)


def test_every_charged_rate_is_compared_or_says_why_not(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select country, jurisdiction_level, charged_rate, expected_rate, status,"
        " split_part(reason, ':', 1), documents from finance.tax_rate_checks order by all"
    )
    assert rows == [
        ("DE", "country", 19, 19, "in_force", None, 2),
        ("FR", "country", 20, 19, "wrong_jurisdiction", OTHER_PLACE, 1),
        ("JP", None, 10, 10, "in_force", None, 1),
        ("SK", "country", 20, 20, "in_force", None, 1),
        ("SK", "country", 20, 23, "differs", None, 1),
        ("SK", "country", 23, 23, "in_force", None, 1),
        ("US", "city", Decimal("4.5"), None, "not_compared", "no seed", 1),
        ("US", "state", 4, 4, "in_force", None, 1),
    ]


def test_tax_on_a_lost_dispute_is_listed(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select dispute_id, document_id, currency, tax_due, tax_paid_too_much"
        " from finance.tax_on_lost_disputes order by 1"
    )
    assert rows == [
        ("du_1", "in_sk_new", "eur", 23, Decimal("11.50")),
        ("du_yen", "pi_yen", "jpy", 500, 250),
    ]


def test_oss_return_keeps_corrections_of_earlier_quarters_apart(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select quarter, part, supplied_quarter, rate, taxable_amount, tax_amount"
        " from finance.tax_oss_return where member_state = 'DE' and quarter >= '2025-10-01'"
        " order by quarter, part desc"
    )
    before, now = date(2025, 10, 1), date(2026, 1, 1)
    assert rows == [
        (before, "supply", before, 19, 100, 19),
        (now, "supply", now, 19, 100, 19),
        (now, "correction", before, 19, -100, -19),
    ]


DOLLARS = {"currency": "usd"}


def european_seller() -> list[dict[str, Any]]:
    """A German company whose French sales passed 10,000 euros last year, without French tax, and
    which takes back in 2026 what it sold in dollars to Austria in the first quarter of 2025."""
    big = {"total_excluding_tax": 600_000}
    corrected = voided("dollars", "2025-01-20", "2026-02-01")
    corrected |= DOLLARS | {"customer_address": {"country": "AT", "state": None}}
    corrected["lines"]["data"][0] |= DOLLARS | {"taxes": [tax("txr_at", 2000, 10_000)]}
    return [
        {"id": "acct_test", "object": "account", "country": "DE", "default_currency": "eur"},
        rate("txr_de", 19, "DE"),
        rate("txr_at", 20, "AT"),
        sold("home", "2026-01-05", "DE", "txr_de", 1900),
        sold("fr_1", "2025-06-01", "FR", None, 0, **big),
        sold("fr_2", "2025-07-01", "FR", None, 0, **big),
        sold("fr_3", "2026-01-05", "FR", None, 0),
        corrected,
    ]


@pytest.fixture(scope="module")
def european(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, european_seller(), AS_OF)
    yield model(
        landing, tmp_path_factory.mktemp("european"), AS_OF, "+tax_registrations +tax_oss_return",
        tested=False,
    )  # fmt: skip


def test_a_seller_in_the_union_passes_ten_thousand_by_a_day_of_a_calendar_year(
    european: Warehouse,
) -> None:
    rows = european.rows(
        "select country, threshold, sales_amount, measured_year, status, passed_on"
        " from finance.tax_registrations"
    )
    # Its own country's tax is no distance sale and hides nothing.
    assert rows == [("EU", 10_000, 12_000, 2025, "passed", date(2025, 7, 1))]


def test_a_threshold_counts_one_off_payments_without_their_tax(tmp_path: Path) -> None:
    """119.00 with 19.00 of tax, half of it given back: 50.00; one untaxed payment of 70.00."""
    french = {"billing_details": {"address": {"country": "FR"}}}
    landing = Landing()
    objects = [
        {"id": "acct_test", "object": "account", "country": "DE", "default_currency": "eur"},
        real_tax_objects.session("taxed"),
        *real_tax_objects.paid("taxed", 11_900, amount_refunded=5950, **french),
        *real_tax_objects.back("taxed", 1, 5950, "2026-02-05T12:00:00", "eur"),
        *real_tax_objects.paid("plain", 7000, **french),
    ]
    stripe.land(landing, objects, AS_OF)
    built = model(landing, tmp_path, AS_OF, "+tax_registrations", tested=False)
    query = "select country, sales_amount from finance.tax_registrations where country = 'EU'"
    assert built.rows(query) == [("EU", 120)]


def test_a_correction_takes_the_rate_of_the_quarter_that_it_corrects(european: Warehouse) -> None:
    (units,) = european.rows(
        "select units_per_eur from landing.ecb_rates where currency = 'usd'"
        " and rate_date = '2025-03-31'"
    )[0]
    rows = european.rows(
        "select quarter, part, scheme, tax_amount from finance.tax_oss_return"
        " where member_state = 'AT' order by 1"
    )
    euros = (Decimal(20) / Decimal(str(units))).quantize(Decimal("0.01"))
    assert rows == [
        (date(2025, 1, 1), "supply", "union", euros),
        (date(2026, 1, 1), "correction", "union", -euros),
    ]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("eu_vat", "DE136695976", (True, None)),
        ("eu_vat", "DE136695970", (False, "checksum")),
        ("eu_vat", "DE12", (False, "length")),
        ("gb_vat", "GB980780684", (True, None)),
        ("zz_tin", "1", (None, None)),
    ],
)
def test_tax_id(kind: str, value: str, expected: tuple[bool | None, str | None]) -> None:
    assert check_tax_id(kind, value) == expected
