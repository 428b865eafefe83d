"""Every object that is served has the shape of the SDK's class, and a wrong shape is seen."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import httpx
import pytest
import stripe
from typed_objects import violations

from heirpay_pipelines.sandbox import store as sandbox_store
from heirpay_pipelines.sandbox.routes import ROUTES

# The company has none of these: it sells by subscription, not by Checkout. test_value_lists.py
# looks at an item that was added.
EMPTY = ("webhook_endpoints", "radar/value_list_items", "checkout/sessions")
WITHOUT_LIST = {
    "customers/{}/balance_transactions": "customers",
    "credit_notes/{}/lines": "credit_notes",
    "application_fees/{}/refunds": "application_fees",
    "transfers/{}/reversals": "transfers",
    "customers/{}/tax_ids": "customers",
}
# All that can be expanded and that the pull asks for.
EXPANDED = {
    "customers": ("data.tax_ids", "data.subscriptions",
                  "data.invoice_settings.default_payment_method"),
    "prices": ("data.tiers", "data.product"),
    "coupons": ("data.applies_to",),
    "charges": ("data.refunds", "data.balance_transaction", "data.payment_intent.latest_charge"),
    "invoices": ("data.payments", "data.discounts", "data.customer", "data.lines.data.discounts"),
    "subscriptions": ("data.discounts", "data.items.data.discounts", "data.latest_invoice"),
    "balance_transactions": ("data.source",),
    "disputes": ("data.charge.balance_transaction",),
}  # fmt: skip


def listed(client: httpx.Client, path: str, *expand: str, **params: Any) -> list[dict[str, Any]]:
    """A list read to its end."""
    query: list[tuple[str, Any]] = [("limit", 100), *(("expand[]", each) for each in expand)]
    query += list(params.items())
    found: list[dict[str, Any]] = []
    while True:
        after = [("starting_after", found[-1]["id"])] if found else []
        page = client.get(path, params=[*query, *after]).raise_for_status().json()
        found += page["data"]
        if not page["has_more"]:
            return found


def test_the_account_speaks_the_version_that_the_sdk_pins() -> None:
    assert stripe.api_version == sandbox_store.API_VERSION


@pytest.mark.parametrize("path", [route.path for route in ROUTES])
def test_every_listed_object_has_the_shape_of_its_class(company: httpx.Client, path: str) -> None:
    params = {"subscriptions": {"status": "all"}, "tax_ids": {"owner[type]": "customer"}}
    found = listed(company, path, **params.get(path, {}))
    assert bool(found) == (path not in EMPTY)
    assert Counter(each for obj in found for each in violations(obj)) == Counter()


@pytest.mark.parametrize("path", EXPANDED)
def test_every_expanded_object_has_the_shape_of_its_class(company: httpx.Client, path: str) -> None:
    found = listed(company, path, *EXPANDED[path])
    assert found
    assert Counter(each for obj in found for each in violations(obj)) == Counter()


@pytest.mark.parametrize("path", WITHOUT_LIST)
def test_objects_under_others_have_the_shape_of_their_class(
    company: httpx.Client, path: str
) -> None:
    parents = listed(company, WITHOUT_LIST[path])
    found = [obj for parent in parents for obj in listed(company, path.format(parent["id"]))]
    assert found
    assert Counter(each for obj in found for each in violations(obj)) == Counter()


@pytest.mark.parametrize("path", ["account", "balance"])
def test_singletons_have_the_shape_of_their_class(company: httpx.Client, path: str) -> None:
    assert violations(company.get(path).json()) == []


@pytest.fixture(scope="module")
def charge(company: httpx.Client) -> dict[str, Any]:
    found = listed(company, "charges", **{"created[lt]": 1_770_000_000})[0]
    assert violations(found) == []
    return found


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("amount", None, "charge.amount: null"),
        ("amount", "100", "charge.amount: '100' is no <class 'int'>"),
        ("amount", True, "charge.amount: True is no <class 'int'>"),
        ("status", "won", "charge.status: no known value: 'won'"),
        ("surprise", 1, "charge.surprise: no such field (1)"),
        ("billing_details", [], "charge.billing_details: no object: []"),
        ("payment_method_details.card.checks", 7, ".card.checks: no object: 7"),
        ("metadata", "none", "charge.metadata: no object: 'none'"),
        ("balance_transaction", {"object": "payout"}, "of class BalanceTransaction: 'payout'"),
        ("refunds", {"object": "list", "data": []}, "a list without data, has_more or url"),
    ],
)
def test_a_wrong_value_is_seen(charge: dict[str, Any], path: str, value: Any, said: str) -> None:
    spoiled = copy.deepcopy(charge)
    *parents, name = path.split(".")
    holder = spoiled
    for parent in parents:
        holder = holder[parent]
    holder[name] = value
    found = violations(spoiled)
    assert len(found) == 1
    assert said in found[0]


def test_a_missing_field_is_seen(charge: dict[str, Any]) -> None:
    spoiled = {name: value for name, value in charge.items() if name != "currency"}
    assert violations(spoiled) == ["charge.currency: missing"]


def test_a_fault_in_what_an_event_carries_is_seen(company: httpx.Client) -> None:
    event = next(each for each in listed(company, "events") if each["type"] == "charge.succeeded")
    assert violations(event) == []
    del event["data"]["object"]["paid"]
    assert violations(event) == ["event.data.object: charge.paid: missing"]


def test_an_object_of_no_known_type_is_seen() -> None:
    assert violations({"object": "unicorn", "id": "uni_1"})
