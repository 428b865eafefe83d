"""Two accounts: one without a break, and one with at least one break of each kind."""

from __future__ import annotations

import payment_objects as stripe
from break_objects import (
    LATE,
    bill,
    connect_objects,
    credited,
    marketplace,
    note,
    paid_charge,
    pay,
    payout,
    report,
    same_card,
    taken,
    won_back,
)


def clean_account() -> list[stripe.JsonObject]:
    """Charges in two currencies, an invoice, a partial capture, payouts in and not yet in bank."""
    yen = stripe.movement(
        "txn_yen", "charge", 700, "2026-01-05T12:00:00", source="ch_yen", exchange_rate=0.7
    )
    return [
        *paid_charge("a", 11_900, "2026-01-05T12:00:00"),
        bill("a", 10_000, 1900),
        pay("in_a", "ch_a", 11_900),
        # ¥1,000 settles as $7.00: neither currency has the other's decimals.
        stripe.charge("ch_yen", 1000, "2026-01-05T12:00:00", "jpy", transaction="txn_yen"),
        yen,
        # Authorised 50.00, captured 30.00.
        stripe.charge(
            "ch_part", 5000, "2026-01-06T12:00:00", transaction="txn_part", amount_captured=3000
        ),
        stripe.movement("txn_part", "charge", 5000, "2026-01-06T12:00:00", source="ch_part"),
        stripe.refund("re_part", "ch_part", 2000, "2026-01-06T12:00:01", "txn_uncaptured"),
        stripe.movement(
            "txn_uncaptured",
            "partial_capture_reversal",
            -2000,
            "2026-01-06T12:00:01",
            source="re_part",
        ),
        # Two of one day in one credit after a weekend; then one by its trace; then a fresh one.
        *payout("sum1", 4000, "2026-01-08", "2026-01-09"),
        *payout("sum2", 1000, "2026-01-08", "2026-01-12"),
        stripe.bank_line("bank_sum", 5000, "2026-01-12"),
        *payout("trace", 2600, "2026-01-15", "2026-01-16", trace="TRC-778899"),
        stripe.bank_line("bank_trace", 2600, "2026-01-20", reference="TRC778899/EXT"),
        # Three bank days: a weekend and Martin Luther King's day are between them.
        *payout("holiday", 1234, "2026-01-13", "2026-01-14"),
        stripe.bank_line("bank_holiday", 1234, "2026-01-20"),
        *payout("fresh", 3000, "2026-01-29", "2026-01-30"),
        stripe.bank_line("bank_rent", -77_00, "2026-01-30", description="RENT"),
        stripe.bank_line("bank_other", 99_00, "2026-01-30", description="CUSTOMER"),
        *marketplace("clean"),
        *credited("clean", -300, -500, 200),
        *credited("used_up", 0, -500, 500),
        *credited("never", 0),
        *paid_charge("given_back", 600, "2026-01-15T00:00:00"),
        stripe.dispute("du_back", "ch_given_back", 600, "2026-01-16", won_back(), status="won"),
        *won_back(),
        stripe.balance({"usd": 5000 - 2000 + 1000 + 700 + 600 - 1234}),
        *report("frr_1", {"txn_a": "119.00", "txn_yen": "7.00"}),
    ]


def broken_account() -> list[stripe.JsonObject]:
    """One break of each kind beside what is clean."""
    unpaid = {"amount_paid": 0, "amount_remaining": 500, "status": "open"}
    return [
        *clean_account(),
        # The report says two things of one movement, in two currencies.
        *report("frr_2", {"txn_a": "119.00", "txn_yen": "7.00", "txn_open": "4.99"}, txn_open="1"),
        # The balance says 1.00 more than the movements.
        stripe.balance({"usd": 3000 + 100}),
        # Two of the three contained movements explain 12.00 of 13.00.
        stripe.payout("po_short", 1300, "2026-01-20", "2026-01-21", "txn_short"),
        stripe.movement("txn_short", "payout", -1300, "2026-01-20", source="po_short"),
        stripe.composition("po_short", ["txn_in", "txn_short"]),
        stripe.movement("txn_in", "other_adjustment", 1200, "2026-01-19"),
        stripe.bank_line("bank_short", 1300, "2026-01-21"),
        *payout("gone", 777, "2026-01-13", "2026-01-14"),
        stripe.bank_line("bank_stray", 4242, "2026-01-22"),
        *payout("failed", 888, "2026-01-13", "2026-01-14", status="failed"),
        stripe.charge("ch_unbooked", 100, "2026-01-10T00:00:00"),
        stripe.movement("txn_orphan", "charge", 100, "2026-01-10T00:00:00", source="ch_unknown"),
        stripe.charge("ch_wrong", 13_200, "2026-01-11T00:00:00", transaction="txn_wrong"),
        stripe.movement("txn_wrong", "charge", 12_300, "2026-01-11T00:00:00", source="ch_wrong"),
        *paid_charge("over", 1000, "2026-01-12T00:00:00", amount_refunded=1500),
        stripe.refund("re_over", "ch_over", 1500, "2026-01-14T00:00:00", "txn_over_back"),
        stripe.movement("txn_over_back", "refund", -1500, "2026-01-14T00:00:00", source="re_over"),
        bill("unpaid", 18_000),
        bill("open", 500, **unpaid),
        *paid_charge("open", 500, "2026-01-05T12:00:00"),
        # One payment in two parts, neither of which the invoice shows.
        pay("in_open", "ch_open", 300),
        pay("in_open", "ch_open", 200, id="inpay_second"),
        {**bill("total", 6000, **{**unpaid, "amount_remaining": 6500}), "total": 6500},
        {**bill("tax", 2000, 380, **unpaid), "total_taxes": [{"amount": 491}]},
        *paid_charge("one", 7700, "2026-01-25T10:00:00", **same_card()),
        *paid_charge("two", 7700, "2026-01-25T10:00:40", **same_card()),
        *paid_charge("later", 7700, "2026-01-25T10:30:00", **same_card()),
        *marketplace("wrong", moved=-1900),
        connect_objects("transfer", "unbooked", 900),
        # Two reversals are stated, none is there.
        connect_objects("transfer", "lost", 800, 300),
        stripe.movement("txn_tr_lost", "transfer", -800, LATE, source="tr_lost"),
        stripe.movement("txn_tr_alien", "transfer", -50, LATE, source="tr_alien"),
        # A refund whose movement has other figures than the refund itself.
        *paid_charge("back", 1000, LATE, amount_refunded=400),
        stripe.refund("re_back", "ch_back", 400, LATE, "txn_re_back"),
        stripe.movement("txn_re_back", "refund", -410, LATE, source="re_back"),
        # A lost dispute that took no money.
        *paid_charge("lost", 600, LATE),
        stripe.dispute("du_lost", "ch_lost", 600, LATE, []),
        *credited("short", -700, -500),
        # Won, and the money is not back; failed, and the money is not back.
        *paid_charge("won", 600, LATE),
        stripe.dispute("du_won", "ch_won", 600, LATE, [taken("won")], status="won"),
        taken("won"),
        *paid_charge("bounced", 300, LATE),
        stripe.refund("re_bounced", "ch_bounced", 300, LATE, "txn_bounced_re", status="failed"),
        stripe.movement("txn_bounced_re", "refund", -300, LATE, source="re_bounced"),
        # Two credit notes are stated, one is there.
        bill("noted", 900, **unpaid, pre_payment_credit_notes_amount=400),
        note("noted", 300),
    ]


EXPECTED = [
    ("balance_mismatch", "balance:usd"),
    ("balance_transaction_missing", "ch_unbooked"),
    ("balance_transaction_missing", "du_lost"),
    ("balance_transaction_missing", "du_won"),
    ("balance_transaction_missing", "re_bounced"),
    ("balance_transaction_missing", "tr_unbooked"),
    ("balance_transaction_orphan", "txn_orphan"),
    ("balance_transaction_orphan", "txn_tr_alien"),
    ("bank_credit_without_payout", "bank_stray"),
    ("charge_amount_mismatch", "ch_wrong"),
    ("credit_note_mismatch", "in_noted"),
    ("customer_balance_mismatch", "cus_short"),
    ("duplicate_charge", "ch_two"),
    ("invoice_paid_without_payment", "in_unpaid"),
    ("invoice_total_mismatch", "in_total"),
    ("movement_amount_mismatch", "re_back"),
    ("movement_amount_mismatch", "tr_wrong"),
    ("payment_without_invoice", "ch_open"),
    ("payment_without_invoice", "ch_open"),
    ("payout_failed", "po_failed"),
    ("payout_mismatch", "po_short"),
    ("payout_missing_in_bank", "po_gone"),
    ("refund_exceeds_charge", "ch_over"),
    ("reversal_total_mismatch", "tr_lost"),
    ("stripe_report_mismatch", "txn_open"),
    ("stripe_report_mismatch", "txn_open"),
    ("tax_total_mismatch", "in_tax"),
]
