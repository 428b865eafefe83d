"""What the law of a country asks of invoices and card payments, as Stripe's data shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, model
from stripe_objects import invoice, line

AS_OF = "2026-04-01T00:00:00"


def paid(name: str, country: str, result: str | None, at: str = "2026-03-02", **extra: Any) -> Any:
    wallet = extra.pop("wallet", None)
    card = {
        "brand": "visa",
        "country": country,
        "three_d_secure": {"result": result} if result else None,
        "wallet": {"type": wallet} if wallet else None,
    }
    details = {"type": "card", "card": card}
    return stripe.charge(f"ch_{name}", 1000, at, "eur", payment_method_details=details, **extra)


def told(name: str, **extra: Any) -> dict[str, Any]:
    at = "2026-03-01"
    lines = [line(f"il_{name}", 1000, at, at, currency="eur")]
    return {**invoice(f"in_{name}", "cus_1", at, lines, currency="eur"), **extra}


def company() -> list[dict[str, Any]]:
    vat = [{"type": "eu_vat", "value": "DE136695976"}]
    return [
        {"id": "acct_test", "object": "account", "country": "DE", "default_currency": "eur"},
        told("bare", billing_reason="manual", footer="Thank you"),
        told("seller", account_tax_ids=["txi_1"], billing_reason="manual"),
        told("customer", customer_tax_ids=vat, customer_tax_exempt="reverse",
             billing_reason="subscription_cycle"),
        told("empty", account_tax_ids=[], customer_tax_ids=[], custom_fields=None),
        told("footer", footer="Steuerschuldnerschaft des Leistungsempfängers"),
        told("field", custom_fields=[{"name": "VAT", "value": "Reverse charge, article 196"}]),
        paid("authenticated", "DE", "authenticated"),
        paid("attempted", "DE", "attempt_acknowledged"),
        paid("wallet", "DE", None, wallet="apple_pay"),
        paid("exempt", "DE", "exempted"),
        paid("renewal", "DE", None, invoice="in_customer"),
        paid("unknown", "DE", None, invoice="in_bare"),
        paid("failed", "DE", "failed", status="failed"),
        # Of a renewal that was authenticated after all, the result counts; of one whose
        # authentication went wrong, too.
        paid("asked", "FR", "not_supported", invoice="in_customer"),
        paid("american", "US", None),
        paid("british_before", "GB", None, at="2022-03-13"),
        paid("british_after", "GB", None, at="2022-03-14"),
        {**paid("debit", "DE", None), "payment_method_details": {"type": "sepa_debit",
                                                                 "sepa_debit": {"country": "DE"}}},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    stripe.land(landing, company(), AS_OF)
    yield model(landing, tmp_path_factory.mktemp("regional"), AS_OF, "+sca_daily")


def test_what_stands_on_an_invoice(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select substr(id, 4), has_seller_tax_id, has_customer_tax_id, has_reverse_charge_note"
        " from staging.stg_stripe__invoices order by id"
    )
    assert rows == [
        ("bare", False, False, False),
        ("customer", False, True, True),
        ("empty", False, False, False),
        ("field", False, False, True),
        ("footer", False, False, True),
        ("seller", True, False, False),
    ]


def test_how_european_card_payments_were_authenticated(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select date, country, currency, payments, authenticated, exempt, merchant_initiated,"
        " unauthenticated, sca_share from compliance.sca_daily order by date, country"
    )
    assert rows == [
        (date(2022, 3, 14), "GB", "eur", 1, 0, 0, 0, 1, Decimal(0)),
        (date(2026, 3, 2), "DE", "eur", 6, 3, 1, 1, 1, Decimal("0.8")),
        (date(2026, 3, 2), "FR", "eur", 1, 0, 0, 0, 1, Decimal(0)),
    ]
