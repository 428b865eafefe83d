"""METRICS.md section 7: what raises tax liability, what lowers it, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, epoch, model
from stripe_objects import invoice, line, tax

AS_OF = "2026-04-01T00:00:00"
SELECT = "+tax_transactions +tax_summary +tax_position"


def rate(rate_id: str, percentage: float, country: str, kind: str, **extra: Any) -> dict[str, Any]:
    return {
        "id": rate_id,
        "object": "tax_rate",
        "created": epoch("2025-01-01"),
        "percentage": percentage,
        "inclusive": False,
        "country": country,
        "state": None,
        "jurisdiction": country,
        "tax_type": kind,
        "active": True,
        **extra,
    }


def taxed(
    name: str,
    amount: int = 10_000,
    taxes: list[dict[str, Any]] | None = None,
    status: str = "paid",
    **moments: str,
) -> dict[str, Any]:
    taxes = taxes if taxes is not None else [tax("txr_de", 1900, amount)]
    only = line(f"il_{name}", amount, "2026-01-10", "2026-02-10", taxes=taxes)
    made = invoice(f"in_{name}", "cus_1", "2026-01-10T12:00:00", [only], status=status)
    at = {moment: epoch(instant) for moment, instant in moments.items()}
    made["status_transitions"] = {**made["status_transitions"], **at}
    return made


def credit_note(
    name: str,
    of: str,
    amount: int,
    credited_tax: int,
    at: str,
    voided: str | None = None,
    own_line: bool = False,
) -> dict[str, Any]:
    """Of the invoice's line, or by a line that the note alone has."""
    return {
        "id": f"cn_{name}",
        "object": "credit_note",
        "created": epoch(at),
        "customer": "cus_1",
        "invoice": f"in_{of}",
        "currency": "usd",
        "status": "void" if voided else "issued",
        "type": "pre_payment",
        "amount": amount + credited_tax,
        "total": amount + credited_tax,
        "voided_at": epoch(voided) if voided else None,
        "lines": {
            "object": "list",
            "has_more": False,
            "data": [
                {
                    "id": f"cnli_{name}",
                    "object": "credit_note_line_item",
                    "amount": amount,
                    "invoice_line_item": None if own_line else f"il_{of}",
                    "type": "custom_line_item" if own_line else "invoice_line_item",
                    "quantity": 1,
                    "taxes": [tax("txr_de", credited_tax, amount)],
                }
            ],
        },
    }


def one_off(name: str, kind: str, amount: int, of: str | None = None) -> dict[str, Any]:
    at = "2026-02-03T12:00:00" if kind == "transaction" else "2026-03-04T12:00:00"
    return {
        "id": f"tax_{name}",
        "object": "tax.transaction",
        "created": epoch(at),
        "type": kind,
        "currency": "usd",
        "customer": "cus_1",
        "customer_details": {"address": {"country": "FR", "state": None, "city": "Lyon"}},
        "posted_at": epoch(at),
        "tax_date": epoch(at),
        "reference": f"order_{name}",
        "reversal": {"original_transaction": f"tax_{of}"} if of else None,
        "line_items": {
            "data": [
                {
                    "id": f"tax_li_{name}",
                    "amount": amount,
                    "amount_tax": amount // 5,
                    "tax_behavior": "exclusive",
                    "reversal": None,
                }
            ]
        },
    }


def company() -> list[dict[str, Any]]:
    zero = tax("txr_de", 0, 10_000) | {"taxability_reason": "reverse_charge"}
    lost = stripe.movement("txn_d", "dispute", -11_900, "2026-02-20", source="du_1")
    return [
        rate("txr_de", 19.0, "DE", "vat"),
        rate("txr_ny", 4.0, "US", "sales_tax", state="NY"),
        rate("txr_nyc", 4.5, "US", "sales_tax", state="NY", jurisdiction="New York City"),
        taxed("paid"),
        taxed("open", status="open"),
        taxed("draft", status="draft"),
        taxed("void", status="void", voided_at="2026-02-02T12:00:00"),
        taxed("lost", status="uncollectible", marked_uncollectible_at="2026-02-05T12:00:00"),
        taxed(
            "rescued",
            marked_uncollectible_at="2026-02-05T12:00:00",
            paid_at="2026-03-06T12:00:00",
        ),
        taxed("credited"),
        credit_note("part", "credited", 4000, 760, "2026-02-07T12:00:00"),
        credit_note("void", "credited", 1000, 190, "2026-02-08T12:00:00", "2026-03-08T12:00:00"),
        taxed("both", status="uncollectible", marked_uncollectible_at="2026-02-15T12:00:00"),
        credit_note("both", "both", 4000, 760, "2026-02-10T12:00:00"),
        taxed("own", status="uncollectible", marked_uncollectible_at="2026-02-16T12:00:00"),
        credit_note("own", "own", 4000, 760, "2026-02-10T12:00:00", own_line=True),
        taxed("own_void", status="void", voided_at="2026-02-17T12:00:00"),
        credit_note("own_void", "own_void", 4000, 760, "2026-02-11T12:00:00", own_line=True),
        taxed("own_paid", paid_at="2026-02-20T12:00:00"),
        credit_note("own_paid", "own_paid", 4000, 760, "2026-02-12T12:00:00", own_line=True),
        taxed("early", paid_at="2026-02-20T12:00:00"),
        credit_note("early", "early", 4000, 760, "2026-02-12T12:00:00"),
        taxed("reverse", taxes=[zero]),
        taxed("inclusive", 11_900, [tax("txr_de", 1900, 10_000, "inclusive")]),
        taxed("york", 10_000, [tax("txr_ny", 400, 10_000), tax("txr_nyc", 450, 10_000)]),
        # A lost dispute over a taxed invoice: liability stays.
        stripe.charge("ch_1", 11_900, "2026-01-10T12:00:00", transaction="txn_c"),
        stripe.movement("txn_c", "charge", 11_900, "2026-01-10T12:00:00", source="ch_1"),
        stripe.dispute("du_1", "ch_1", 11_900, "2026-02-20", [lost]),
        lost,
        one_off("sale", "transaction", 5000),
        one_off("back", "reversal", -2500, of="sale"),
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, company(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("tax"), AS_OF, SELECT, reporting_currency="eur")


def movements(warehouse: Warehouse, document: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select movement, occurred_on, supplied_on, taxable_amount, tax_amount"
        " from finance.tax_transactions where document_id = ? order by occurred_on, movement",
        document,
    )


TEN, BASE, VAT = date(2026, 1, 10), Decimal(100), Decimal(19)
RISES = ("finalised", TEN, TEN, BASE, VAT)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("in_paid", [RISES]),
        ("in_open", [RISES]),
        ("in_draft", []),
        ("in_void", [RISES, ("voided", date(2026, 2, 2), TEN, -BASE, -VAT)]),
        ("in_lost", [RISES, ("uncollectible", date(2026, 2, 5), TEN, -BASE, -VAT)]),
        (
            "in_rescued",
            [
                RISES,
                ("uncollectible", date(2026, 2, 5), TEN, -BASE, -VAT),
                ("paid_after_uncollectible", date(2026, 3, 6), TEN, BASE, VAT),
            ],
        ),
        ("cn_part", [("credit_note", date(2026, 2, 7), TEN, Decimal(-40), Decimal("-7.60"))]),
        (
            "cn_void",
            [
                ("credit_note", date(2026, 2, 8), TEN, Decimal(-10), Decimal("-1.90")),
                ("credit_note_voided", date(2026, 3, 8), TEN, Decimal(10), Decimal("1.90")),
            ],
        ),
        # What a credit note took back is not taken back again.
        (
            "in_both",
            [RISES, ("uncollectible", date(2026, 2, 15), TEN, Decimal(-60), Decimal("-11.40"))],
        ),
        ("in_reverse", [("finalised", TEN, TEN, BASE, Decimal(0))]),
        ("tax_sale", [("one_off", date(2026, 2, 3), date(2026, 2, 3), Decimal(50), Decimal(10))]),
        (
            "tax_back",
            [("tax_refunded", date(2026, 3, 4), date(2026, 2, 3), Decimal(-25), Decimal(-5))],
        ),
    ],
)
def test_liability(warehouse: Warehouse, document: str, expected: list[tuple[Any, ...]]) -> None:
    assert movements(warehouse, document) == expected


@pytest.mark.parametrize(("name", "given_up"), [("own", "uncollectible"), ("own_void", "voided")])
def test_what_a_note_took_back_by_a_line_of_its_own_is_not_taken_back_again(
    warehouse: Warehouse, name: str, given_up: str
) -> None:
    rows = warehouse.rows(
        "select movement, line_id, tax_amount from finance.tax_transactions"
        " where document_id in (?, ?) order by occurred_on, movement, line_id",
        f"in_{name}",
        f"cn_{name}",
    )
    assert rows == [
        ("finalised", f"il_{name}", VAT),
        ("credit_note", f"cnli_{name}", Decimal("-7.60")),
        (given_up, f"cnli_{name}", Decimal("7.60")),
        (given_up, f"il_{name}", -VAT),
    ]


def test_inclusive_and_exclusive_stay_apart(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select is_inclusive, taxable_amount, tax_amount, rate from finance.tax_transactions"
        " where document_id = 'in_inclusive'"
    )
    assert rows == [(True, 100, 19, 19)]


def test_each_jurisdiction_of_a_line_is_its_own_row(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select country, region, jurisdiction, rate, tax_amount from finance.tax_transactions"
        " where document_id = 'in_york' order by rate"
    )
    assert rows == [
        ("US", "NY", "US", 4, 4),
        ("US", "NY", "New York City", Decimal("4.5"), Decimal("4.5")),
    ]


def test_a_lost_dispute_does_not_reduce_liability(warehouse: Warehouse) -> None:
    assert movements(warehouse, "in_paid") == [RISES]
    sql = "select count(*) from finance.tax_transactions where document_id like 'du_%'"
    assert warehouse.value(sql) == 0


def test_summary_keeps_zero_rows_and_corrections_apart(warehouse: Warehouse) -> None:
    sql = (
        "select taxable_amount, tax_amount, tax_of_earlier_months, documents"
        " from finance.tax_summary where country = 'DE' and month = ?"
        " and taxability_reason = ? and not is_inclusive"
    )
    assert warehouse.rows(sql, date(2026, 1, 1), "reverse_charge") == [(100, 0, 0, 1)]
    # February: void and two uncollectible in whole, three in part, six notes of 40 and one of 10.
    lowered = -19 * 3 - Decimal("11.40") * 3 - Decimal("7.60") * 6 - Decimal("1.90")
    (february,) = warehouse.rows(sql, date(2026, 2, 1), "standard_rated")
    assert february[1] == lowered
    assert february[2] == lowered


def test_owed_collected_and_not_collected(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows(
        "select sum(tax_owed), sum(tax_collected), sum(tax_not_collected)"
        " from finance.tax_position where country = 'DE'"
    )
    owed = warehouse.value(
        "select sum(tax_amount) from finance.tax_transactions where country = 'DE'"
    )
    assert row[0] == owed
    assert row[2] == row[0] - row[1]


def test_what_was_credited_before_payment_was_never_collected(warehouse: Warehouse) -> None:
    """`in_credited` was paid with its invoice; `in_early` only after a part of it was credited."""
    rows = warehouse.rows(
        "select document_id, direction, sum(amount) from intermediate.int_tax_collected"
        " where document_id in ('in_early', 'cn_early', 'in_own_paid', 'tax_sale', 'tax_back')"
        " group by all order by 1"
    )
    assert rows == [
        ("in_early", "collected", 1900 - 760),
        ("in_own_paid", "collected", 1900 - 760),
        ("tax_back", "refunded", 500),
        ("tax_sale", "collected", 1000),
    ]


def test_accrued_reversed_and_owed(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select sum(tax_accrued), sum(tax_reversed), sum(tax_owed) from finance.tax_position"
    )
    ((accrued, reversed_, owed),) = rows
    assert accrued + reversed_ == owed
    assert reversed_ < 0 < accrued


def test_reporting_currency(warehouse: Warehouse) -> None:
    (row,) = warehouse.rows(
        "select tax_amount, tax_amount_reporting from finance.tax_transactions"
        " where document_id = 'in_open'"
    )
    assert row[0] == 19
    assert row[1] is not None
    assert 0 < row[1] < 19
