"""Deferred revenue: what invoices bill ahead is recognised day by day over its service period."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from landing_harness import Landing, Warehouse, epoch, model
from stripe_objects import invoice, line, price, tax

AS_OF = "2026-10-20T00:00:00"
SELECT = "+revenue_recognition +revenue_by_product +revenue_by_country +revenue_by_kind"
SEEN = "2026-10-01"


def billed(
    landing: Landing,
    currency: str,
    amount: int,
    at: str,
    start: str,
    end: str,
    status: str = "paid",
    off: int = 0,
    taxes: Any = (),
    **extra: Any,
) -> str:
    """One invoice with one line, in a currency of its own: the month's figures are its own."""
    line_id = f"il_{currency}"
    discounts = [("di_x", off)] if off else []
    lines = [
        line(line_id, amount, start, end, f"sub_{currency}", f"si_{currency}", "price_m",
             currency=currency, discounts=discounts, taxes=taxes)
    ]  # fmt: skip
    landing.version(
        invoice(f"in_{currency}", f"cus_{currency}", at, lines, f"sub_{currency}", status,
                currency, **extra),
        SEEN,
    )  # fmt: skip
    return line_id


def credit_note(
    currency: str, amount: int, at: str, voided_at: str | None = None
) -> dict[str, Any]:
    return {
        "id": f"cn_{currency}",
        "object": "credit_note",
        "created": epoch(at),
        "currency": currency,
        "customer": f"cus_{currency}",
        "invoice": f"in_{currency}",
        "status": "void" if voided_at else "issued",
        "voided_at": epoch(voided_at) if voided_at else None,
        "amount": amount,
        "lines": {
            "data": [
                {"id": f"cnli_{currency}", "object": "credit_note_line_item",
                 "type": "invoice_line_item", "invoice_line_item": f"il_{currency}",
                 "amount": amount, "discount_amount": 0, "taxes": []}
            ],
            "has_more": False,
        },
    }  # fmt: skip


def charged(
    landing: Landing, currency: str, amount: int, at: str, refunded: tuple[int, str]
) -> None:
    """A succeeded charge and its refund."""
    landing.version(
        {"id": f"ch_{currency}", "object": "charge", "created": epoch(at), "currency": currency,
         "amount": amount, "amount_captured": amount, "captured": True, "paid": True,
         "status": "succeeded", "customer": f"cus_{currency}", "payment_intent": f"pi_{currency}"},
        SEEN,
    )  # fmt: skip
    landing.version(
        {"id": f"re_{currency}", "object": "refund", "created": epoch(refunded[1]),
         "currency": currency, "amount": refunded[0], "status": "succeeded",
         "charge": f"ch_{currency}", "payment_intent": f"pi_{currency}"},
        SEEN,
    )  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    landing = Landing()
    landing.version(price("price_m", 3100), "2026-01-01")
    billed(landing, "usd", 3100, "2026-01-15T09:00:00", "2026-01-15", "2026-02-15")
    billed(landing, "eur", 36500, "2026-01-01T09:00:00", "2026-01-01", "2027-01-01")
    # A month of 31 days at 10.00: thirds of a cent, and the sum is exact.
    billed(landing, "gbp", 1000, "2026-03-15T09:00:00", "2026-03-15", "2026-04-15")
    # Billed in arrears: the service was before, it counts when it is billed.
    billed(landing, "chf", 3000, "2026-05-01T09:00:00", "2026-04-01", "2026-05-01")
    # Discounts and both kinds of tax are no revenue.
    billed(
        landing, "cad", 11900, "2026-03-01T09:00:00", "2026-03-01", "2026-04-01", off=1190,
        taxes=[tax("txr_in", 1710, 9000, "inclusive"), tax("txr_ex", 900, 9000)],
    )  # fmt: skip
    # Credited in the middle: what was recognised is taken back at once, the rest never comes.
    billed(landing, "aud", 3000, "2026-04-01T09:00:00", "2026-04-01", "2026-05-01")
    landing.version(credit_note("aud", 3000, "2026-04-16T09:00:00"), SEEN)
    billed(landing, "nzd", 6100, "2026-05-16T09:00:00", "2026-05-16", "2026-07-16")
    landing.version(credit_note("nzd", 6100, "2026-06-10T09:00:00", "2026-08-02T09:00:00"), SEEN)
    # Half a year credited in its middle by an amount alone: it covers each line's whole period.
    billed(landing, "huf", 36500, "2026-01-01T09:00:00", "2026-01-01", "2027-01-01")
    note = credit_note("huf", 18250, "2026-07-01T09:00:00")
    note["lines"]["data"][0] |= {"type": "custom_line_item", "invoice_line_item": None}
    landing.version(note, SEEN)
    # Voided a month later.
    voided = {"finalized_at": epoch("2026-03-01T09:00:00"), "voided_at": epoch("2026-04-02")}
    billed(
        landing, "sek", 3100, "2026-03-01T09:00:00", "2026-03-01", "2026-04-01", "void",
        status_transitions=voided,
    )  # fmt: skip
    billed(landing, "nok", 3100, "2026-03-01T09:00:00", "2026-03-01", "2026-04-01", "draft")
    # Zero and three decimals; a one-off without a period.
    billed(landing, "jpy", 3100, "2026-01-15T09:00:00", "2026-01-15", "2026-02-15")
    billed(landing, "kwd", 12345, "2026-03-07T09:00:00", "2026-03-07", "2026-03-07")
    # Refunded without a credit note: half of what was paid, tax and all.
    billed(
        landing, "pln", 3000, "2026-04-01T09:00:00", "2026-04-01", "2026-05-01",
        taxes=[tax("txr_ex", 600, 3000)],
    )  # fmt: skip
    landing.version(
        {"id": "inpay_pln", "object": "invoice_payment", "created": epoch("2026-04-01"),
         "invoice": "in_pln", "currency": "pln", "amount_paid": 3600, "status": "paid",
         "payment": {"type": "payment_intent", "payment_intent": "pi_pln"}},
        SEEN,
    )  # fmt: skip
    charged(landing, "pln", 3600, "2026-04-01T09:00:00", refunded=(1800, "2026-05-10T09:00:00"))
    # A payment without an invoice, partly refunded, and what a marketplace adds.
    charged(landing, "brl", 5000, "2026-04-01T09:00:00", refunded=(2000, "2026-05-10T09:00:00"))
    for name, kind, amount in (("fee_1", "application_fee", 700), ("tr_1", "transfer", 900)):
        landing.version(
            {"id": name, "object": kind, "created": epoch("2026-04-03"), "currency": "brl",
             "amount": amount},
            SEEN,
        )  # fmt: skip
    folder: Path = tmp_path_factory.mktemp("revenue")
    return model(landing, folder, AS_OF, SELECT)


def months(warehouse: Warehouse, currency: str) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    rows = warehouse.rows(
        "select strftime(month, '%m'), billed, recognised, deferred_end"
        " from finance.revenue_recognition where currency = ? order by month",
        currency,
    )
    return {month: (b, r, d) for month, b, r, d in rows if b or r}


def test_a_month_from_its_middle(warehouse: Warehouse) -> None:
    assert months(warehouse, "usd") == {"01": (31, 17, 14), "02": (0, 14, 0)}
    assert months(warehouse, "jpy") == {"01": (3100, 1700, 1400), "02": (0, 1400, 0)}


def test_a_year_by_days(warehouse: Warehouse) -> None:
    recognised = [r for _, r, _ in months(warehouse, "eur").values()]
    assert recognised[:9] == [31, 28, 31, 30, 31, 30, 31, 31, 30]
    # Of the running month, the days up to the as-of instant: 1 to 19 October.
    assert recognised[9:] == [19]
    assert months(warehouse, "eur")["10"][2] == 365 - 292


def test_rounding_never_loses_a_cent(warehouse: Warehouse) -> None:
    assert months(warehouse, "gbp") == {
        "03": (10, Decimal("5.48"), Decimal("4.52")),
        "04": (0, Decimal("4.52"), 0),
    }


def test_service_before_billing_counts_when_billed(warehouse: Warehouse) -> None:
    assert months(warehouse, "chf") == {"05": (30, 30, 0)}


def test_discounts_and_taxes_are_no_revenue(warehouse: Warehouse) -> None:
    assert months(warehouse, "cad") == {"03": (90, 90, 0)}


def test_a_credit_note_takes_back_what_it_covers(warehouse: Warehouse) -> None:
    assert months(warehouse, "aud") == {}
    # 61 days: 16 in May, 30 in June, 15 in July; credited in June, the credit voided in August.
    assert months(warehouse, "nzd") == {
        "05": (61, 16, 45),
        "06": (-61, -16, 0),
        "08": (61, 61, 0),
    }


def test_a_credit_notes_own_amount_covers_the_whole_invoice(warehouse: Warehouse) -> None:
    """Of 365 days 181 were served by June: half of each day is taken back, half stays deferred."""
    found = months(warehouse, "huf")
    assert found["06"] == (0, 30, 365 - 181)
    assert found["07"] == (Decimal("-182.5"), 31 - 106, Decimal("76.5"))
    assert found["08"] == (0, Decimal("15.5"), 61)


def test_void_and_draft_invoices(warehouse: Warehouse) -> None:
    assert months(warehouse, "sek") == {"03": (31, 31, 0), "04": (-31, -31, 0)}
    assert months(warehouse, "nok") == {}


def test_a_one_off_is_recognised_on_its_day(warehouse: Warehouse) -> None:
    assert months(warehouse, "kwd") == {"03": (Decimal("12.345"), Decimal("12.345"), 0)}


def test_a_refund_takes_back_its_share_without_tax(warehouse: Warehouse) -> None:
    assert months(warehouse, "pln") == {"04": (30, 30, 0), "05": (-15, -15, 0)}


def test_what_no_invoice_bills_is_shown_by_its_kind(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select strftime(month, '%m'), kind, billed, recognised from finance.revenue_by_kind"
        " where currency = 'brl' order by all"
    )
    assert rows == [
        ("04", "application_fee", 7, 7),
        ("04", "connect_transfer", -9, -9),
        ("04", "one_off_payment", 50, 50),
        ("05", "one_off_payment", -20, -20),
    ]
    assert months(warehouse, "brl") == {}


def test_revenue_by_product_and_country_adds_up(warehouse: Warehouse) -> None:
    for table in ("revenue_by_product", "revenue_by_country", "revenue_by_kind"):
        rows = warehouse.rows(
            f"""
            select month, currency, sum(billed), sum(recognised) from finance.{table}
            where currency <> 'brl'
            group by all
            except
            select month, currency, billed, recognised from finance.revenue_recognition
            """
        )
        assert rows == [], table


def test_deferred_revenue_moves_by_what_was_billed_and_recognised(warehouse: Warehouse) -> None:
    assert not warehouse.rows(
        "select * from finance.revenue_recognition"
        " where deferred_start + billed - recognised <> deferred_end"
    )
    assert not warehouse.rows("select * from finance.revenue_recognition where deferred_end < 0")
