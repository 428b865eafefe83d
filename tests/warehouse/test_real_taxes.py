"""Tax as real accounts have it: rates made by hand, exempt customers, shipping, Checkout.

What is taxed is decided in one place, by amount, rate and behaviour: MRR, recognised revenue,
taxable amounts and returns say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import payment_objects as stripe
import pytest
from landing_harness import Landing, Warehouse, epoch, model
from real_tax_objects import (
    RATES,
    SUBSCRIBED,
    checkout,
    exempt,
    rounded,
    shipping,
    subscriptions,
)

AS_OF = "2026-04-01T00:00:00"
SELECT = "+tax_transactions +tax_summary +tax_position +tax_oss_return +reconciliation_breaks"
SELECT += " +mrr_movements +revenue_recognition +tax_rate_checks +daily_revenue"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    own = {"id": "acct_test", "object": "account", "created": epoch("2025-01-01"), "country": "US"}
    objects = [own, *RATES, *exempt(), *shipping(), *rounded(), *checkout()]
    stripe.land(landing, objects, "2026-03-31")
    subscriptions(landing)
    yield model(landing, tmp_path_factory.mktemp("taxes"), AS_OF, SELECT)


@pytest.mark.parametrize("name", SUBSCRIBED)
def test_mrr_revenue_and_taxable_amount_agree(warehouse: Warehouse, name: str) -> None:
    mrr = warehouse.rows(
        "select mrr_after from finance.mrr_movements where customer_id = ?", f"cus_{name}"
    )
    revenue = warehouse.rows(
        "select sum(amount) from intermediate.int_revenue_documents where document_id = ?",
        f"in_{name}",
    )
    taxes = warehouse.rows(
        "select sum(taxable_amount), sum(tax_amount) from finance.tax_transactions"
        " where document_id = ?",
        f"in_{name}",
    )
    scale = {"yen": 1, "dinar": 1000}.get(name, 100)
    found = (mrr[0][0], Decimal(revenue[0][0]) / scale, *taxes[0])
    assert found == tuple(Decimal(each) for each in SUBSCRIBED[name])


def test_tax_of_nothing_is_never_a_taxed_base(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select document_id, taxability_reason, is_taxed, taxable_amount"
        " from finance.tax_transactions where tax_amount = 0 and currency = 'eur' order by 1"
    )
    assert rows == [
        ("cn_reverse", "reverse_charge", False, -10),
        ("in_cent", "not_available", True, Decimal("0.01")),
        ("in_exempt", "customer_exempt", False, 100),
        ("in_nothing", "product_exempt", False, 100),
        ("in_reverse", "reverse_charge", False, 100),
        ("in_stated", "product_exempt", False, 100),
        ("in_zero", "zero_rated", True, 100),
    ]
    returned = warehouse.rows(
        "select sum(taxable_amount), sum(tax_amount) from finance.tax_transactions"
        " where country = 'FR' and currency = 'eur' and is_taxed and rate > 0"
    )
    declared = warehouse.rows(
        "select sum(taxable_amount), sum(tax_amount) from finance.tax_oss_return"
        " where member_state = 'FR' and rate > 0 and currency = 'eur'"
    )
    assert declared[0][0] >= returned[0][0] > 0


def test_tax_on_shipping_is_a_line_of_its_own(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select document_id, rate, taxable_amount, tax_amount from finance.tax_transactions"
        " where line_id = 'shipping' and document_type = 'invoice' order by 1, 2"
    )
    assert rows == [
        ("in_ship", 20, 10, 2),
        ("in_ship_more", 20, 10, 2),
        ("in_ship_new", 20, 10, 2),
        ("in_ship_sum", None, 10, 2),
        ("in_ship_two", 19, Decimal("2.5"), Decimal("0.5")),
        ("in_ship_two", 20, Decimal("7.5"), Decimal("1.5")),
    ]
    totals = warehouse.rows(
        "select distinct t from (select sum(tax_amount) as t from finance.tax_transactions"
        " where document_id like 'in_ship%' group by document_id)"
    )
    assert totals == [(22,)]


def test_shipping_is_revenue_and_is_credited(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select document_id, sum(amount) from intermediate.int_revenue_documents"
        " where document_id in ('in_ship', 'cn_ship') group by 1 order by 1"
    )
    assert rows == [("cn_ship", -500), ("in_ship", 11_000)]
    rows = warehouse.rows(
        "select line_id, rate, taxable_amount, tax_amount from finance.tax_transactions"
        " where document_id = 'cn_ship'"
    )
    assert rows == [("shipping", 20, -5, -1)]


def test_an_invoice_that_rounds_as_a_whole(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select document_id, line_id, rate, tax_amount, taxable_amount, is_inclusive"
        " from finance.tax_transactions where line_id = 'rounding' order by 1, rate"
    )
    cent = Decimal("-0.01")
    assert rows == [
        ("in_inside", "rounding", 20, cent, 0, True),
        ("in_rates", "rounding", 19, cent, 0, False),
        ("in_rates", "rounding", 20, cent, 0, False),
        ("in_rnd", "rounding", 20, cent, 0, False),
    ]
    sums = warehouse.rows(
        "select document_id, sum(tax_amount), sum(taxable_amount) from finance.tax_transactions"
        " where document_id in ('in_rnd', 'in_inside', 'in_rates') group by 1 order by 1"
    )
    base = Decimal("9.99")
    assert sums == [
        ("in_inside", 2, base), ("in_rates", Decimal("1.99"), base), ("in_rnd", 2, base)
    ]  # fmt: skip


def test_only_what_nothing_explains_is_a_break(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select kind, object_id, amount from finance.reconciliation_breaks"
        " where kind in ('tax_total_mismatch', 'invoice_total_mismatch') order by 2"
    )
    assert rows == [
        ("tax_total_mismatch", "in_beyond", Decimal("-0.04")),
        ("tax_total_mismatch", "in_ship_more", 1),
    ]


def test_tax_of_checkout_payments(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select document_id, document_type, movement, country, rate, taxable_amount, tax_amount"
        " from finance.tax_transactions where document_type in ('payment', 'refund')"
        " order by occurred_on, document_id, rate"
    )
    part = Decimal("16.666667")
    assert rows == [
        ("cs_alone", "payment", "one_off", "FR", 19, 100, 19),
        ("cs_plain", "payment", "one_off", "FR", 19, 100, 19),
        ("cs_split", "payment", "one_off", "FR", part, 30, 5),
        ("cs_split", "payment", "one_off", "FR", 20, 70, 14),
        ("cs_yen", "payment", "one_off", "FR", 10, 1000, 100),
        ("tax_known", "payment", "one_off", "FR", 20, 90, 18),
        ("tax_known", "payment", "one_off", "FR", 20, 10, 2),
        ("re_yen1", "refund", "tax_refunded", "FR", 10, -303, -30),
        ("re_yen2", "refund", "tax_refunded", "FR", 10, -697, -70),
    ]


def test_tax_of_a_checkout_payment_is_no_revenue(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select document_id, amount from intermediate.int_revenue_documents where document_type in"
        " ('payment', 'refund') and document_id <> 'ch_invoiced' order by booked_on, document_id"
    )
    assert rows == [
        ("ch_known", 9900), ("ch_plain", 10_000), ("ch_split", 10_000), ("ch_yen", 1000),
        ("re_yen1", -303), ("re_yen2", -697),
    ]  # fmt: skip
