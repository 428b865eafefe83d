"""The books balance: movements, payouts, invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from company_account import NOW, START, Object, default_company

CREATED_LATER_BY_NATURE = {"arrival_date", "available_on"}


@pytest.fixture(scope="module")
def store() -> Any:
    return default_company().store


def test_all_movements_add_up_to_the_balance(store: Any) -> None:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for entry in store.all("balance_transaction"):
        assert entry["net"] == entry["amount"] - entry["fee"]
        assert entry["fee"] == sum(part["amount"] for part in entry["fee_details"])
        assert (entry["status"] == "available") == (entry["available_on"] <= NOW)
        sums[entry["status"], entry["currency"]] += entry["net"]
    balance = store.get("balance", "balance")
    stated = {
        (status, part["currency"]): part["amount"]
        for status in ("available", "pending")
        for part in balance[status]
    }
    assert stated == {key: sums[key] for key in stated}
    assert set(sums) <= set(stated)
    assert any(stated.values())


def test_an_automatic_payout_is_the_net_of_exactly_its_transactions(store: Any) -> None:
    seen: set[str] = set()
    automatic = [payout for payout in store.all("payout") if payout["automatic"]]
    assert len(automatic) > 200
    for payout in automatic:
        contents = store.payout_contents(payout["id"])
        own = [e for e in contents if e["id"] == payout["balance_transaction"]]
        others = [e for e in contents if e["id"] != payout["balance_transaction"]]
        assert [e["net"] for e in own] == [-payout["amount"]]
        assert sum(e["net"] for e in others) == payout["amount"]
        assert all(e["currency"] == payout["currency"] for e in contents)
        assert all(e["available_on"] <= payout["created"] for e in others)
        assert seen.isdisjoint(e["id"] for e in contents)
        seen |= {e["id"] for e in contents}


def test_every_kind_of_payout_occurs(store: Any) -> None:
    kinds = {(p["status"], p["method"], p["automatic"]) for p in store.all("payout")}
    assert kinds >= {
        ("paid", "standard", True),
        ("in_transit", "standard", True),
        ("failed", "standard", True),
        ("paid", "standard", False),
        ("paid", "instant", False),
        ("canceled", "standard", False),
    }
    assert any(p["amount"] < 0 for p in store.all("payout"))
    for payout in store.all("payout"):
        if payout["automatic"] and payout["status"] in ("paid", "failed"):
            assert payout["reconciliation_status"] == "completed"
    daily = [p for p in store.all("payout") if p["created"] > NOW - 30 * 86_400 and p["automatic"]]
    assert len(daily) > 30


def test_every_amount_is_a_whole_number(store: Any) -> None:
    for kind in store.types():
        for obj in store.all(kind):
            for path, value in _numbers(obj):
                if path.split(".")[-1] in MONEY:
                    assert isinstance(value, int), (obj["id"], path, value)


MONEY = {
    "amount", "net", "fee", "total", "subtotal", "amount_due", "amount_paid", "amount_remaining",
    "amount_refunded", "amount_captured", "taxable_amount", "unit_amount", "balance", "amount_off",
    "flat_amount", "ending_balance", "starting_balance", "amount_requested",
}  # fmt: skip


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def test_an_invoice_follows_from_its_lines(store: Any) -> None:
    planted = default_company().planted.found
    wrong = {
        id for kind in ("invoice_total_mismatch", "tax_total_mismatch") for id in planted[kind]
    }
    for invoice in store.all("invoice"):
        if invoice["id"] in wrong:
            continue
        lines = invoice["lines"]["data"]
        assert invoice["subtotal"] == sum(line["amount"] for line in lines)
        off = sum(cut["amount"] for line in lines for cut in line["discount_amounts"])
        assert off == sum(cut["amount"] for cut in invoice["total_discount_amounts"])
        taxes = [tax for line in lines for tax in line["taxes"]]
        assert sum(t["amount"] for t in taxes) == sum(t["amount"] for t in invoice["total_taxes"])
        on_top = sum(t["amount"] for t in taxes if t["tax_behavior"] == "exclusive")
        assert invoice["total"] == invoice["subtotal"] - off + on_top
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]
        for line in lines:
            cuts = sum(cut["amount"] for cut in line["discount_amounts"])
            assert cuts <= max(line["amount"], 0)


def test_what_an_invoice_says_is_paid_was_paid(store: Any) -> None:
    planted = default_company().planted.found
    wrong = {
        *planted["invoice_paid_without_payment"],
        *planted["payment_without_invoice"],
    }
    paid: dict[str, int] = defaultdict(int)
    for payment in store.all("invoice_payment"):
        intent = store.get("payment_intent", payment["payment"]["payment_intent"])
        if payment["status"] == "paid":
            assert intent["amount_received"] == payment["amount_paid"]
            paid[payment["invoice"]] += payment["amount_paid"]
        else:
            assert intent["status"] != "succeeded"
    for invoice in store.all("invoice"):
        if invoice["id"] not in wrong:
            assert invoice["amount_paid"] == paid[invoice["id"]], invoice["id"]


def test_a_charge_has_its_movement(store: Any) -> None:
    wrong = default_company().planted.found["charge_amount_mismatch"]
    for charge in store.all("charge"):
        if charge["status"] != "succeeded" or not charge["captured"] or charge["id"] in wrong:
            continue
        entry = store.get("balance_transaction", charge["balance_transaction"])
        assert entry["source"] == charge["id"]
        if entry["currency"] == charge["currency"]:
            assert entry["amount"] == charge["amount"]
            assert entry["exchange_rate"] is None
        else:
            assert entry["exchange_rate"] is not None
        refunds = [r for r in store.all("refund") if r["charge"] == charge["id"]]
        live = sum(r["amount"] for r in refunds if r["status"] == "succeeded")
        assert live == charge["amount_refunded"] <= charge["amount"]


def test_nothing_is_stamped_later_than_now_or_before_the_start(store: Any) -> None:
    for kind in store.types():
        for obj in store.all(kind):
            for name in ("created", "start", "paid_at", "voided_at", "canceled_at", "ended_at"):
                if isinstance(obj.get(name), int):
                    assert START <= obj[name] < NOW, (kind, obj["id"], name)
    for invoice in store.all("invoice"):
        stamps = [at for at in invoice["status_transitions"].values() if at is not None]
        assert all(START <= at < NOW for at in stamps)


def test_the_balance_of_a_customer_is_the_sum_of_its_changes(store: Any) -> None:
    sums: dict[str, int] = defaultdict(int)
    for entry in store.all("customer_balance_transaction"):
        sums[entry["customer"]] += entry["amount"]
    assert len(sums) > 2
    for customer in store.all("customer"):
        assert customer["balance"] == sums[customer["id"]]


def test_references_are_whole(store: Any) -> None:
    fields: dict[str, tuple[tuple[str, str], ...]] = {
        "charge": (("customer", "customer"), ("payment_intent", "payment_intent"),
                   ("payment_method", "payment_method"),
                   ("balance_transaction", "balance_transaction"), ("transfer", "transfer"),
                   ("application_fee", "application_fee"), ("review", "review")),
        "refund": (("charge", "charge"), ("balance_transaction", "balance_transaction"),
                   ("failure_balance_transaction", "balance_transaction")),
        "dispute": (("charge", "charge"),),
        "invoice": (("customer", "customer"),),
        "subscription": (("customer", "customer"), ("latest_invoice", "invoice"),
                         ("schedule", "subscription_schedule")),
        "invoice_payment": (("invoice", "invoice"),),
        "transfer": (("destination", "account"), ("source_transaction", "charge")),
        "application_fee": (("account", "account"),),
        "payout": (("balance_transaction", "balance_transaction"),),
    }  # fmt: skip
    for kind, references in fields.items():
        assert store.all(kind)
        for obj in store.all(kind):
            for name, target in references:
                if obj[name] is not None:
                    assert store.find(target, obj[name]) is not None, (obj["id"], name)
    for subscription in store.all("subscription"):
        _known_discounts(store, subscription["discounts"])
    for invoice in store.all("invoice"):
        for line in invoice["lines"]["data"]:
            _known_discounts(store, line["discounts"])
            for tax in line["taxes"]:
                assert store.find("tax_rate", tax["tax_rate_details"]["tax_rate"]) is not None


def _known_discounts(store: Any, ids: list[str]) -> None:
    for id in ids:
        discount: Object = store.get("discount", id)
        assert store.find("coupon", discount["source"]["coupon"]) is not None
