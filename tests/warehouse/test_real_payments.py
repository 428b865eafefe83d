"""Payments as real accounts have them and a simple account never does: none is a break."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import payment_objects as stripe
import pytest
from break_objects import bill, pay
from landing_harness import Landing, Warehouse, model

AS_OF = "2026-02-01T00:00:00"
AT = "2026-01-07T12:00:00"
LATER = "2026-01-12T12:00:00"
SELECT = "+reconciliation_breaks +daily_revenue +payment_failures +revenue_recognition"
SELECT += (
    " +invoices_paid_off_gateway +early_fraud_warnings +tax_registrations +payout_reconciliation"
)

# (currency paid in, amount, currency settled in, amount, rate that relates minor units)
CONVERTED = [
    ("jpy", 10_000, "usd", 6_523, 0.6523),
    ("usd", 10_000, "jpy", 15_330, 1.533),
    ("kwd", 10_000, "usd", 3_255, 0.3255),
    ("usd", 10_000, "kwd", 30_722, 3.0722),
    ("jpy", 100_000, "kwd", 200_380, 2.0038),
    ("kwd", 1_000, "jpy", 499, 0.49905),
    ("eur", 10_000, "usd", 11_642, 1.1642),
    ("idr", 50_000_000, "usd", 30_100, 0.000602),
    ("huf", 390_000, "eur", 1_000, 0.002565),
]


def converted(number: int, wrong: int = 0) -> list[stripe.JsonObject]:
    currency, amount, settles_in, settled, rate = CONVERTED[number]
    name = f"fx{number}{'wrong' if wrong else ''}"
    return [
        stripe.charge(f"ch_{name}", amount, AT, currency, transaction=f"txn_{name}"),
        stripe.movement(
            f"txn_{name}", "charge", settled + wrong, AT, currency=settles_in,
            source=f"ch_{name}", exchange_rate=rate,
        ),
    ]  # fmt: skip


def converted_back() -> list[stripe.JsonObject]:
    """What leaves again in another currency than the balance's: a refund and a dispute at another
    rate than the charge's, payouts to bank accounts of other currencies, one of them returned."""
    made = [
        stripe.charge("ch_fxr", 10_000, AT, "jpy", transaction="txn_fxr", amount_refunded=10_000),
        stripe.movement("txn_fxr", "charge", 6_523, AT, source="ch_fxr", exchange_rate=0.6523),
        stripe.refund("re_fxr", "ch_fxr", 10_000, LATER, "txn_fxrb", currency="jpy"),
        stripe.movement("txn_fxrb", "refund", -6_601, LATER, source="re_fxr", exchange_rate=0.6601),
        stripe.charge("ch_fxd", 10_000, AT, "kwd", transaction="txn_fxd"),
        stripe.movement(
            "txn_fxd", "charge", 4_990, AT, currency="jpy", source="ch_fxd", exchange_rate=0.499
        ),
    ]
    taken = stripe.movement("txn_fxdb", "dispute", -5_010, LATER, 1500, "jpy", "du_fxd",
                            exchange_rate=0.501)  # fmt: skip
    made += [stripe.dispute("du_fxd", "ch_fxd", 10_000, LATER, [taken], currency="kwd"), taken]
    for name, currency, amount, moved, rate in (
        ("yen", "jpy", 15_330, 10_000, 1.533),
        ("dinar", "kwd", 30_722, 10_000, 3.0722),
    ):
        made += [
            stripe.payout(f"po_fx_{name}", amount, LATER, "2026-01-19", f"txn_po_fx_{name}",
                          currency=currency, automatic=False),
            stripe.movement(f"txn_po_fx_{name}", "payout", -moved, LATER, source=f"po_fx_{name}",
                            exchange_rate=rate),
        ]  # fmt: skip
    # An automatic one, of which a tenth is not explained by what it contains.
    made += [
        stripe.payout("po_fx_auto", 15_330, LATER, "2026-01-19", "txn_po_fx_auto", currency="jpy"),
        stripe.movement("txn_po_fx_auto", "payout", -10_000, LATER, source="po_fx_auto"),
        stripe.movement("txn_fx_part", "adjustment", 9_000, AT),
        {"id": "po_fx_auto", "object": "payout_composition",
         "balance_transactions": ["txn_fx_part", "txn_po_fx_auto"]},
    ]  # fmt: skip
    return made


def authorised(name: str, amount: int, captured: int, **extra: Any) -> stripe.JsonObject:
    """A charge of which only a part, or nothing, was captured; its own movement when a part was."""
    return stripe.charge(
        f"ch_{name}", amount, AT, transaction=f"txn_{name}" if captured else None,
        amount_captured=captured, captured=captured > 0, **extra,
    )  # fmt: skip


def authorisations() -> list[stripe.JsonObject]:
    """Nothing was captured, or a part: what is released moves nothing and gives nothing back."""
    expired = {"reason": "expired_uncaptured_charge"}
    return [
        authorised("expired", 4000, 0, amount_refunded=4000, refunded=True),
        stripe.refund("re_expired", "ch_expired", 4000, LATER, None, **expired),
        # Cancelled by the merchant: no reason is stated. A currency without decimals.
        authorised("released", 4000, 0, amount_refunded=4000, refunded=True, currency="jpy"),
        stripe.refund("re_released", "ch_released", 4000, LATER, None, currency="jpy"),
        # Still waiting for its capture.
        authorised("waiting", 4000, 0),
        # A part captured and the rest released, without and with a movement of its own.
        authorised("part", 5000, 3000, amount_refunded=2000),
        stripe.movement("txn_part", "charge", 3000, AT, source="ch_part"),
        stripe.refund("re_part", "ch_part", 2000, AT, None),
        authorised("moved", 5000, 3000),
        stripe.movement("txn_moved", "charge", 5000, AT, source="ch_moved"),
        stripe.refund("re_moved", "ch_moved", 2000, AT, "txn_moved_back"),
        stripe.movement(
            "txn_moved_back", "partial_capture_reversal", -2000, AT, source="re_moved"
        ),
        # A part captured, the rest released, and then a part of the captured refunded.
        authorised("both", 5000, 3000, amount_refunded=2500),
        stripe.movement("txn_both", "charge", 3000, AT, source="ch_both"),
        stripe.refund("re_both_rest", "ch_both", 2000, AT, None),
        stripe.refund("re_both", "ch_both", 500, LATER, "txn_both_back"),
        stripe.movement("txn_both_back", "refund", -500, LATER, source="re_both"),
    ]  # fmt: skip


def failed_debit(
    name: str, source: str, currency: str = "usd", method: str = "sepa_debit"
) -> list[stripe.JsonObject]:
    """A debit that counted and came back days later; its failure's movement names `source`."""
    return [
        stripe.charge(
            f"py_{name}", 5000, AT, currency, "failed", f"txn_{name}1",
            amount_captured=5000, failure_balance_transaction=f"txn_{name}2",
            failure_code="insufficient_funds", payment_method_details={"type": method},
        ),
        stripe.movement(f"txn_{name}1", "charge", 5000, AT, source=f"py_{name}", currency=currency),
        stripe.movement(
            f"txn_{name}2", "charge_failure", -5000, LATER, source=source, currency=currency
        ),
    ]  # fmt: skip


def other_failures() -> list[stripe.JsonObject]:
    """A refund and a payout that failed: their movements come back under another object's name."""
    return [
        stripe.charge("py_b", 700, AT, transaction="txn_b1"),
        stripe.movement("txn_b1", "charge", 700, AT, source="py_b"),
        stripe.refund(
            "pyr_b", "py_b", 700, AT, "txn_b2", status="failed",
            failure_balance_transaction="txn_b3",
        ),
        stripe.movement("txn_b2", "refund", -700, AT, source="pyr_b"),
        stripe.movement("txn_b3", "refund_failure", 700, LATER, source="py_b"),
        stripe.payout(
            "po_b", 100, AT, "2026-01-08", "txn_b4", status="failed", automatic=False,
            failure_balance_transaction="txn_b5",
        ),
        stripe.movement("txn_b4", "payout", -100, AT, source="po_b"),
        stripe.movement("txn_b5", "payout_reversal", 100, LATER, source="po_alias"),
    ]  # fmt: skip


def paid_outside() -> list[stripe.JsonObject]:
    """Invoices paid by a transfer that somebody recorded: wholly, in part, and in older shapes."""
    part = stripe.charge("ch_half", 3000, AT, transaction="txn_half")
    record = {"type": "payment_record", "payment_record": "prec_1"}
    return [
        bill("off", 5000, amount_paid_off_stripe=5000),
        bill("half", 5000, amount_paid_off_stripe=2000),
        part,
        stripe.movement("txn_half", "charge", 3000, AT, source="ch_half"),
        pay("in_half", "ch_half", 3000),
        bill("band", 5000, paid_out_of_band=True),
        bill("record", 5000),
        pay("in_record", "prec_1", 5000, payment=record),
        bill("yen", 800, currency="jpy", amount_paid_off_stripe=800),
        # Some of it is not explained by anything: 5.00 short.
        bill("short", 5000, amount_paid_off_stripe=4500),
    ]


def statement(first: str, last: str, final: bool = True) -> stripe.JsonObject:
    return {
        "id": f"bst_{first}_{last}", "object": "bank_statement", "account": "bank_1",
        "statement_id": first, "file_name": f"{first}.xml", "format": "camt.053",
        "currency": "usd", "first_date": first, "last_date": last, "lines": 0, "total": 0,
        "opening": 0, "closing": 0, "is_final": final,
    }  # fmt: skip


def paid_out() -> list[stripe.JsonObject]:
    """Statements of two weeks, a gap, and a week; an interim report after it covers nothing."""
    made = [
        statement("2026-01-05", "2026-01-09"),  # to a Friday, and on from the Monday
        statement("2026-01-12", "2026-01-16"),
        statement("2026-01-26", "2026-01-29"),
        statement("2026-01-30", "2026-01-31", final=False),
        stripe.bank_line("bank_seen", 4100, "2026-01-14"),
    ]
    for name, arrival, amount, extra in (
        ("before", "2026-01-02", 1100, {}),
        ("weekend", "2026-01-10", 1300, {}),
        ("seen", "2026-01-13", 4100, {}),
        ("euro", "2026-01-13", 1500, {"currency": "eur"}),
        ("gap", "2026-01-20", 1700, {}),
        ("last", "2026-01-29", 1900, {}),
        ("after", "2026-01-30", 2300, {}),
        ("future", "2026-02-03", 2900, {"status": "in_transit"}),
        ("canceled", "2026-01-13", 3100, {"status": "canceled"}),
    ):
        currency = str(extra.get("currency", "usd"))
        made += [
            stripe.payout(f"po_{name}", amount, arrival, arrival, f"txn_po_{name}",
                          automatic=False, **extra)
            if name != "future" else
            stripe.payout("po_future", amount, "2026-01-31", arrival, "txn_po_future",
                          automatic=False, **extra),
            stripe.movement(f"txn_po_{name}", "payout", -amount, min(arrival, "2026-01-31"),
                            source=f"po_{name}", currency=currency),
        ]  # fmt: skip
    made.append(
        stripe.movement("txn_po_undone", "payout_reversal", 3100, LATER, source="po_canceled")
    )
    return made


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    landing = Landing()
    objects = [each for number in range(len(CONVERTED)) for each in converted(number)]
    objects += converted(0, wrong=-40) + converted(4, wrong=2000)
    objects += authorisations() + other_failures() + paid_outside() + converted_back()
    objects += (
        paid_out()
        + failed_debit("a", "pyr_a")
        + failed_debit("old", "py_old", "eur", "us_bank_account")
    )
    stripe.land(landing, objects, AS_OF)
    yield model(landing, tmp_path_factory.mktemp("payments"), AS_OF, SELECT)


def test_the_only_breaks_are_those_that_were_planted(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select kind, object_id, amount, currency from finance.reconciliation_breaks order by 1, 2"
    )
    assert rows == [
        ("charge_amount_mismatch", "ch_fx0wrong", Decimal("-0.40"), "usd"),
        ("charge_amount_mismatch", "ch_fx4wrong", Decimal(2), "kwd"),
        ("invoice_paid_without_payment", "in_short", Decimal(5), "usd"),
        ("payout_failed", "po_b", Decimal(1), "usd"),
        ("payout_mismatch", "po_fx_auto", Decimal(1533), "jpy"),
        ("payout_missing_in_bank", "po_weekend", Decimal(13), "usd"),
    ]


def test_a_payout_that_no_statement_covers_follows_its_composition_alone(
    warehouse: Warehouse,
) -> None:
    rows = warehouse.rows(
        "select payout_id, bank_status, status from finance.payout_reconciliation order by 1"
    )
    assert rows == [
        ("po_after", "no_statement", "reconciled"),
        ("po_b", "none", "failed"),
        ("po_before", "no_statement", "reconciled"),
        ("po_canceled", "none", "failed"),
        ("po_euro", "no_statement", "reconciled"),
        ("po_future", "not_due", "in_transit"),
        ("po_fx_auto", "no_statement", "unreconciled"),
        ("po_fx_dinar", "no_statement", "reconciled"),
        ("po_fx_yen", "no_statement", "reconciled"),
        ("po_gap", "no_statement", "reconciled"),
        ("po_last", "not_due", "in_transit"),
        ("po_seen", "matched", "reconciled"),
        ("po_weekend", "missing", "unreconciled"),
    ]


def test_a_payout_in_another_currency_is_explained_in_its_own(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select payout_id, currency, payout_amount, transactions_amount"
        " from finance.payout_reconciliation where payout_id like 'po_fx%' order by 1"
    )
    assert rows == [
        ("po_fx_auto", "jpy", 15_330, 13_797),
        ("po_fx_dinar", "kwd", Decimal("30.722"), Decimal("30.722")),
        ("po_fx_yen", "jpy", 15_330, 15_330),
    ]


def test_a_debit_fails_on_the_day_when_its_money_goes(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select charge_id, occurred_at, is_late, decline_code from finance.payment_failures"
        " order by charge_id"
    )
    later = datetime.fromisoformat(LATER)
    assert rows == [
        ("py_a", later, True, "insufficient_funds"),
        ("py_old", later, True, "insufficient_funds"),
    ]
    sql = "select date, charge_failures from finance.daily_revenue where charge_failures <> 0"
    assert warehouse.rows(sql) == [(date(2026, 1, 12), -50)] * 2


def test_what_was_released_is_no_refund_anywhere(warehouse: Warehouse) -> None:
    released = warehouse.rows(
        "select id from intermediate.int_refunds where is_release order by id"
    )
    assert [id for (id,) in released] == [
        "re_both_rest", "re_expired", "re_moved", "re_part", "re_released"
    ]  # fmt: skip
    rows = warehouse.rows(
        "select id, amount_captured, amount_refunded from intermediate.int_charges"
        " where id in ('ch_expired', 'ch_released', 'ch_part', 'ch_moved', 'ch_both') order by id"
    )
    assert rows == [
        ("ch_both", 3000, 500),
        ("ch_expired", 0, 0),
        ("ch_moved", 3000, 0),
        ("ch_part", 3000, 0),
        ("ch_released", 0, 0),
    ]
    taken = warehouse.rows(
        "select document_id, amount from intermediate.int_revenue_documents"
        " where document_type = 'refund' order by 1"
    )
    assert taken == [("re_both", -500), ("re_fxr", -10_000)]
    # The balance shows one refund of captured money (and one of a debit, which came back).
    sql = "select sum(refunds) from finance.daily_revenue where currency = 'usd'"
    assert warehouse.value(sql) == Decimal("-5") + Decimal("-66.01")


def test_what_was_paid_outside_is_shown(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select invoice_id, currency, amount_paid, amount_by_payments, amount_off_gateway"
        " from finance.invoices_paid_off_gateway order by invoice_id"
    )
    assert rows == [
        ("in_band", "usd", 50, 0, 50),
        ("in_half", "usd", 50, 30, 20),
        ("in_off", "usd", 50, 0, 50),
        ("in_record", "usd", 50, 0, 50),
        ("in_short", "usd", 50, 0, 45),
        ("in_yen", "jpy", 800, 0, 800),
    ]
