"""Each planted problem is in the data, as `planted.yaml` says."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
import yaml
from company_account import default_company
from stdnum import luhn
from stdnum.eu import vat

from heirpay_pipelines.sandbox.bank import missing_payout

PLANTED = yaml.safe_load(
    resources.files("heirpay_pipelines.sandbox").joinpath("planted.yaml").read_text()
)
IN_THE_BANK = {"payout_missing_in_bank", "bank_credit_without_payout"}


@pytest.fixture(scope="module")
def store() -> Any:
    return default_company().store


def found(kind: str, object_type: str) -> Any:
    """The object of a planted problem."""
    company = default_company()
    (obj,) = [
        company.store.find(object_type, id)
        for id in company.planted.found[kind][:1]
    ]  # fmt: skip
    assert obj is not None
    return obj


def test_the_list_is_the_company_s(store: Any) -> None:
    assert {entry["kind"] for entry in PLANTED} - IN_THE_BANK == set(
        default_company().planted.found
    )
    for entry in PLANTED:
        if entry["kind"] not in IN_THE_BANK:
            obj = found(entry["kind"], entry["object"])
            assert obj.get("currency", entry.get("currency")) == entry.get(
                "currency", obj.get("currency")
            )


def test_one_payment_is_there_twice(store: Any) -> None:
    first, second = (store.get("charge", id) for id in
                     default_company().planted.found["duplicate_charge"])  # fmt: skip
    assert first["amount"] == second["amount"] == 7_700
    assert first["customer"] == second["customer"] is not None
    fingerprints = {c["payment_method_details"]["card"]["fingerprint"] for c in (first, second)}
    assert len(fingerprints) == 1
    assert 0 < second["created"] - first["created"] < 60


def test_cards_are_tested(store: Any) -> None:
    charges = [store.get("charge", id) for id in default_company().planted.found["card_testing"]]
    assert len(charges) == 2 * 45
    burst = charges[-45:]
    cards = {c["payment_method_details"]["card"]["fingerprint"] for c in burst}
    assert len(cards) == 45
    assert burst[-1]["created"] - burst[0]["created"] < 360
    assert sum(c["status"] == "failed" for c in burst) == 43
    assert {(c["amount"], c["customer"]) for c in burst} == {(100, None)}


def test_paid_and_not_paid(store: Any) -> None:
    paid = found("invoice_paid_without_payment", "invoice")
    assert (paid["status"], paid["subtotal"]) == ("paid", 18_000)
    assert not [p for p in store.all("invoice_payment") if p["invoice"] == paid["id"]]
    charge = found("payment_without_invoice", "charge")
    (payment,) = [p for p in store.all("invoice_payment")
                  if p["payment"]["payment_intent"] == charge["payment_intent"]]  # fmt: skip
    invoice = store.get("invoice", payment["invoice"])
    assert (payment["status"], invoice["status"], invoice["amount_paid"]) == ("paid", "open", 0)


def test_sums_that_are_wrong(store: Any) -> None:
    invoice = found("invoice_total_mismatch", "invoice")
    taxes = sum(tax["amount"] for tax in invoice["total_taxes"])
    assert invoice["total"] - invoice["subtotal"] - taxes == 500
    taxed = found("tax_total_mismatch", "invoice")
    lines = sum(t["amount"] for line in taxed["lines"]["data"] for t in line["taxes"])
    assert sum(tax["amount"] for tax in taxed["total_taxes"]) - lines == 111
    charge = found("charge_amount_mismatch", "charge")
    entry = store.get("balance_transaction", charge["balance_transaction"])
    assert (charge["amount"], entry["amount"]) == (13_200, 12_300)


def test_what_should_not_be_there(store: Any) -> None:
    text = found("card_number", "customer")["description"]
    number = "".join(filter(str.isdigit, text))
    assert len(number) == 16 and luhn.is_valid(number)
    assert not vat.is_valid(found("bad_vat_id", "tax_id")["value"])
    others = [t["value"] for t in store.all("tax_id") if t["type"] == "eu_vat"
              and t["id"] not in default_company().planted.found["bad_vat_id"]]  # fmt: skip
    assert len(others) > 10 and all(vat.is_valid(value) for value in others)
    assert len(set(others)) == len(others)


def test_a_wrong_rate(store: Any) -> None:
    invoice = found("wrong_vat_rate", "invoice")
    assert invoice["customer_address"]["country"] == "DE"
    (tax,) = invoice["lines"]["data"][0]["taxes"]
    rate = store.get("tax_rate", tax["tax_rate_details"]["tax_rate"])
    assert (rate["country"], rate["percentage"], tax["amount"]) == ("FR", 20.0, 2_000)


def test_one_invoice_does_not_tell_the_seller_s_tax_id(store: Any) -> None:
    without = {i["id"] for i in store.all("invoice") if not i["account_tax_ids"]}
    assert without == {found("no_seller_tax_id", "invoice")["id"]}


def test_payouts_that_did_not_arrive(store: Any) -> None:
    failed = found("payout_failed", "payout")
    assert failed["status"] == "failed"
    back = store.get("balance_transaction", failed["failure_balance_transaction"])
    assert back["net"] == failed["amount"]
    missing = missing_payout(store)
    assert missing is not None
    assert (missing["status"], missing["automatic"], missing["currency"]) == ("paid", True, "usd")
