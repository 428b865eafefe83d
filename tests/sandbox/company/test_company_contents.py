"""Everything that the pipeline must cope with really occurs in the default company."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from company_account import DAY, NOW, Object, default_company


@pytest.fixture(scope="module")
def store() -> Any:
    return default_company().store


def _counts(store: Any, kind: str, *fields: str) -> Counter[Any]:
    return Counter(tuple(obj[field] for field in fields) for obj in store.all(kind))


def _ever(store: Any, kind: str, status: str) -> set[str]:
    """Objects that some event shows in this status."""
    return {
        event["data"]["object"]["id"]
        for event in store.all("event")
        if event["data"]["object"]["object"] == kind
        and event["data"]["object"].get("status") == status
    }


def test_size(store: Any) -> None:
    assert 230 <= len(store.all("customer")) <= 330
    assert 2_500 <= len(store.all("charge")) <= 5_000
    objects = sum(len(store.all(kind)) for kind in store.types() if kind != "event")
    assert 15_000 <= objects <= 30_000


def test_prices_of_every_shape(store: Any) -> None:
    prices = [item["price"] for s in store.all("subscription") for item in s["items"]["data"]]
    every = {(p["recurring"]["interval"], p["recurring"]["interval_count"]) for p in prices}
    assert every >= {("day", 1), ("week", 1), ("month", 1), ("month", 3), ("year", 1)}
    assert {p["tiers_mode"] for p in prices} >= {None, "graduated", "volume"}
    assert {p["currency"] for p in prices} == {"usd", "eur", "gbp", "jpy", "kwd"}
    assert any(p["transform_quantity"] for p in prices)
    assert any(p["unit_amount"] == 0 for p in prices)
    assert any("." in (p["unit_amount_decimal"] or "") for p in prices)
    assert any(p["recurring"]["usage_type"] == "metered" for p in prices)
    assert {p["tax_behavior"] for p in prices} == {"inclusive", "exclusive"}
    flat = [t for p in store.all("price") for t in p["tiers"] or () if t["flat_amount"]]
    assert flat
    assert any(not p["active"] for p in store.all("price"))


def test_subscriptions_in_every_status_and_with_every_history(store: Any) -> None:
    for status in ("active", "trialing", "past_due", "paused", "unpaid", "canceled",
                   "incomplete", "incomplete_expired"):  # fmt: skip
        assert len(_ever(store, "subscription", status)) >= 2, status
    subscriptions = store.all("subscription")
    assert any(len(s["items"]["data"]) > 10 for s in subscriptions)
    assert any(len(s["discounts"]) > 0 for s in subscriptions)
    assert any(s["cancel_at_period_end"] for s in _versions(store, "subscription"))
    assert any(s["pause_collection"] for s in _versions(store, "subscription"))
    owners = Counter(s["customer"] for s in subscriptions)
    assert sum(1 for n in owners.values() if n > 1) >= 3  # they came back
    reasons = {(s["cancellation_details"] or {}).get("reason") for s in subscriptions}
    assert reasons >= {"cancellation_requested", "payment_failed"}
    schedules = {s["status"] for s in store.all("subscription_schedule")}
    assert "released" in schedules and len(store.all("subscription_schedule")) >= 3


def _versions(store: Any, kind: str) -> list[Object]:
    return [
        event["data"]["object"]
        for event in store.all("event")
        if event["data"]["object"]["object"] == kind
    ]


def test_invoices_of_every_kind(store: Any) -> None:
    kinds = _counts(store, "invoice", "billing_reason")
    for reason in ("subscription_create", "subscription_cycle", "subscription_update", "manual"):
        assert kinds[(reason,)] >= 5, reason
    statuses = _counts(store, "invoice", "status")
    for status in ("open", "paid", "void", "uncollectible"):
        assert statuses[(status,)] >= 2, status
    assert len(_ever(store, "invoice", "draft")) > 100
    assert any(len(i["lines"]["data"]) > 10 for i in store.all("invoice"))
    assert any(i["collection_method"] == "send_invoice" for i in store.all("invoice"))
    stamps = [i["status_transitions"] for i in store.all("invoice") if i["status"] == "paid"]
    late = [at for at in stamps if at["marked_uncollectible_at"]]
    assert late
    notes = _counts(store, "credit_note", "type")
    assert min(notes[("pre_payment",)], notes[("post_payment",)]) >= 3
    assert any(n["status"] == "void" for n in store.all("credit_note"))
    assert any(n["customer_balance_transaction"] for n in store.all("credit_note"))
    kinds = _counts(store, "customer_balance_transaction", "type")
    assert set(kinds) >= {("applied_to_invoice",), ("credit_note",)}


def test_taxes_of_every_kind(store: Any) -> None:
    rates = {rate["id"]: rate for rate in store.all("tax_rate")}
    lines = [line for invoice in store.all("invoice") for line in invoice["lines"]["data"]]
    taxes = [tax for line in lines for tax in line["taxes"]]
    used = [rates[t["tax_rate_details"]["tax_rate"]] for t in taxes]
    assert {r["country"] for r in used} >= {"DE", "FR", "ES", "IE", "GB", "AU", "CA", "US", "JP"}
    assert {r["jurisdiction_level"] for r in used} >= {"country", "state", "county", "city"}
    assert {r["tax_type"] for r in used} >= {"vat", "gst", "hst", "pst", "sales_tax"}
    reasons = Counter(t["taxability_reason"] for t in taxes)
    for reason in ("standard_rated", "reverse_charge", "customer_exempt", "not_collecting",
                   "zero_rated", "reduced_rated"):  # fmt: skip
        assert reasons[reason] >= 2, reason
    assert {t["tax_behavior"] for t in taxes} == {"inclusive", "exclusive"}
    assert {t["type"] for t in store.all("tax_id")} >= {"eu_vat", "gb_vat"}


def test_payments_of_every_kind(store: Any) -> None:
    charges = store.all("charge")
    methods = Counter(c["payment_method_details"]["type"] for c in charges)
    assert set(methods) >= {"card", "sepa_debit", "us_bank_account", "klarna", "affirm", "crypto"}
    cards = [c["payment_method_details"]["card"] for c in charges
             if c["payment_method_details"]["type"] == "card"]  # fmt: skip
    assert {card["brand"] for card in cards} >= {"visa", "mastercard", "amex"}
    assert any(c["brand"] == "mastercard" and c["last4"].startswith("2") for c in cards)
    assert {(c["wallet"] or {}).get("type") for c in cards} >= {None, "apple_pay", "google_pay"}
    secured = {(c["three_d_secure"] or {}).get("result") for c in cards}
    assert secured >= {None, "authenticated", "exempted"}
    declines = Counter(c["outcome"]["reason"] for c in charges if c["status"] == "failed")
    assert len(declines) >= 8
    assert any(c["outcome"]["type"] == "blocked" for c in charges)
    assert any(c["outcome"]["network_advice_code"] for c in charges)
    assert any(c["status"] == "pending" for c in charges)
    assert any(c["amount_captured"] < c["amount"] for c in charges if c["status"] == "succeeded")
    assert any(c["customer"] is None for c in charges)
    by_intent = Counter(c["payment_intent"] for c in charges)
    recovered = [c for c in charges if c["status"] == "succeeded"
                 and by_intent[c["payment_intent"]] > 1]  # fmt: skip
    assert len(recovered) >= 10
    burst = Counter(c["created"] // 600 for c in charges if c["amount"] == 100)
    assert max(burst.values()) > 30


def test_money_going_back(store: Any) -> None:
    assert set(_counts(store, "refund", "status")) >= {("succeeded",), ("failed",)}
    disputes = _counts(store, "dispute", "status")
    assert set(disputes) >= {("won",), ("lost",), ("warning_closed",)}
    waiting = [d for d in store.all("dispute") if d["status"] in ("needs_response",
               "under_review", "warning_needs_response", "warning_under_review")]  # fmt: skip
    assert waiting
    assert all(d["evidence_details"]["due_by"] for d in waiting)
    assert len(_counts(store, "dispute", "reason")) >= 4
    assert any(len(d["balance_transactions"]) > 1 for d in store.all("dispute"))
    assert len(store.all("radar.early_fraud_warning")) >= 3
    assert {r["closed_reason"] for r in store.all("review")} >= {"approved"}


def test_every_reporting_category(store: Any) -> None:
    found = _counts(store, "balance_transaction", "type", "reporting_category")
    for pair in (
        ("charge", "charge"), ("payment", "charge"), ("refund", "refund"),
        ("payment_refund", "refund"), ("refund_failure", "refund_failure"),
        ("payment_failure_refund", "charge_failure"), ("refund", "partial_capture_reversal"),
        ("adjustment", "dispute"), ("adjustment", "dispute_reversal"),
        ("adjustment", "other_adjustment"), ("stripe_fee", "fee"), ("payout", "payout"),
        ("payout_failure", "payout_reversal"), ("payout_cancel", "payout_reversal"),
        ("transfer", "transfer"), ("transfer_refund", "transfer_reversal"),
        ("application_fee", "platform_earning"),
        ("application_fee_refund", "platform_earning_refund"), ("topup", "topup"),
    ):  # fmt: skip
        assert found[pair] >= 1, pair


def test_events_of_every_kind_of_object(store: Any) -> None:
    types = {event["type"] for event in store.all("event")}
    for prefix in ("customer.", "customer.subscription.", "customer.discount.", "invoice.",
                   "invoice_payment.", "charge.", "charge.dispute.", "payment_intent.",
                   "payment_method.", "refund.", "payout.", "credit_note.", "product.", "price.",
                   "coupon.", "promotion_code.", "tax_rate.", "customer.tax_id.", "topup.",
                   "radar.early_fraud_warning.", "subscription_schedule.", "transfer.",
                   "application_fee.", "review.", "billing.meter."):  # fmt: skip
        assert any(name.startswith(prefix) for name in types), prefix


def test_payouts_turn_daily_at_the_end(store: Any) -> None:
    automatic = [p for p in store.all("payout") if p["automatic"] and p["currency"] == "usd"]
    last = [p for p in automatic if p["created"] > NOW - 50 * DAY]
    first = [p for p in automatic if p["created"] < NOW - 200 * DAY]
    assert len(last) > 30
    gaps = {b["created"] - a["created"] for a, b in pairwise(first)}
    assert min(gaps) == 7 * DAY
