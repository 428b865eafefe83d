"""Filters: every documented parameter is understood, and each selects what it should."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from stripe import RequestOptions

from heirpay_pipelines.sandbox.routes import ROUTES, Route

PAGING = {"limit", "starting_after", "ending_before", "expand", "created"}


def documented(route: Route) -> dict[str, Any]:
    """Parameter → annotation, of the SDK's `…ListParams` for this list."""
    *package, name = route.object_type.replace("invoiceitem", "invoice_item").split(".")
    module = importlib.import_module(".".join(["stripe.params", *package, f"_{name}_list_params"]))
    named = [each for each in vars(module) if each.endswith("ListParams")]
    assert len(named) == 1
    own = inspect.get_annotations(getattr(module, named[0])).items()
    of_the_request = inspect.get_annotations(RequestOptions)
    return {name: kind for name, kind in own if name not in of_the_request} | {"": module}


def queries(route: Route) -> Iterator[str]:
    """Every parameter that the SDK documents, in the form that it has in a query."""
    params = documented(route)
    module = params.pop("")
    for name, annotation in params.items():
        text = str(annotation)
        nested = re.search(r"'(\w+ListParams\w+)", text)
        if nested:
            for inner in inspect.get_annotations(getattr(module, nested[1])):
                yield f"{name}[{inner}]"
        elif "List[" in text and name != "expand":
            yield f"{name}[0]"
        elif name not in PAGING:
            yield name


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_documented_parameter_is_understood(company: httpx.Client, route: Route) -> None:
    names = list(queries(route))
    for name in names:
        answer = company.get(route.path, params={name: "1", "limit": 1})
        assert answer.status_code == 200, (name, answer.text)
    known = {each.partition("[")[0] for each in names}
    declared = {*route.fields(), *route.ranges, *route.lists, *route.custom}
    assert {each.partition("[")[0] for each in declared} <= known, "not documented"


def test_the_check_of_parameters_sees_an_undocumented_one(company: httpx.Client) -> None:
    assert company.get("charges", params={"status": "succeeded"}).status_code == 400
    assert "created[gte]" in set(queries(next(r for r in ROUTES if r.path == "charges")))


Test = Callable[[Any, dict[str, str]], bool]
CASES: list[tuple[str, dict[str, Any], Test]] = [
    ("charges", {"customer": "{customer}"}, lambda o, n: o["customer"] == n["customer"]),
    ("charges", {"payment_intent": "{payment_intent}"},
     lambda o, n: o["payment_intent"] == n["payment_intent"]),
    ("balance_transactions", {"type": "payment"}, lambda o, n: o["type"] == "payment"),
    ("balance_transactions", {"currency": "eur"}, lambda o, n: o["currency"] == "eur"),
    ("balance_transactions", {"source": "{charge}"}, lambda o, n: o["source"] == n["charge"]),
    ("invoices", {"subscription": "{subscription}"},
     lambda o, n: ((o["parent"] or {}).get("subscription_details") or {}).get("subscription")
     == n["subscription"]),
    ("invoices", {"status": "void"}, lambda o, n: o["status"] == "void"),
    ("invoices", {"due_date[gt]": 0}, lambda o, n: o["due_date"] is not None),
    ("invoice_payments", {"invoice": "{invoice}"}, lambda o, n: o["invoice"] == n["invoice"]),
    ("invoice_payments", {"payment[payment_intent]": "{payment_intent}"},
     lambda o, n: o["payment"].get("payment_intent") == n["payment_intent"]),
    ("payouts", {"arrival_date[lt]": 1_760_000_000},
     lambda o, n: o["arrival_date"] < 1_760_000_000),
    ("payouts", {"status": "in_transit"}, lambda o, n: o["status"] == "in_transit"),
    ("prices", {"type": "one_time"}, lambda o, n: o["type"] == "one_time"),
    ("prices", {"recurring[interval]": "year"},
     lambda o, n: (o["recurring"] or {}).get("interval") == "year"),
    ("prices", {"active": "true"}, lambda o, n: o["active"]),
    ("prices", {"product": "{product}"}, lambda o, n: o["product"] == n["product"]),
    ("subscriptions", {"status": "canceled"}, lambda o, n: o["status"] == "canceled"),
    ("subscriptions", {"status": "ended"},
     lambda o, n: o["status"] in ("canceled", "incomplete_expired")),
    ("subscriptions", {"price": "{price}", "status": "all"},
     lambda o, n: any(i["price"]["id"] == n["price"] for i in o["items"]["data"])),
    ("events", {"type": "payout.*"}, lambda o, n: o["type"].startswith("payout.")),
    ("events", {"types[]": ["payout.paid", "charge.failed"]},
     lambda o, n: o["type"] in ("payout.paid", "charge.failed")),
    ("customers", {"email": "{email}"}, lambda o, n: o["email"] == n["email"]),
    ("refunds", {"charge": "{refunded}"}, lambda o, n: o["charge"] == n["refunded"]),
    ("promotion_codes", {"coupon": "{coupon}"},
     lambda o, n: o["promotion"]["coupon"] == n["coupon"]),
    ("tax_ids", {"owner[type]": "customer", "owner[customer]": "{owner}"},
     lambda o, n: o["owner"]["customer"] == n["owner"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def names(company: httpx.Client) -> dict[str, str]:
    """Ids of the company's objects, by what the cases call them."""

    def newest(path: str, **params: Any) -> dict[str, Any]:
        found: dict[str, Any] = company.get(path, params={"limit": 1, **params}).json()["data"][0]
        return found

    paid = newest("invoice_payments", status="paid")
    charge = newest("charges", payment_intent=paid["payment"]["payment_intent"])
    subscription = newest("subscriptions")
    return {
        "customer": charge["customer"], "charge": charge["id"], "invoice": paid["invoice"],
        "payment_intent": charge["payment_intent"], "subscription": subscription["id"],
        "price": subscription["items"]["data"][0]["price"]["id"],
        "product": newest("products")["id"], "email": newest("customers")["email"],
        "refunded": newest("refunds")["charge"],
        "coupon": newest("promotion_codes")["promotion"]["coupon"],
        "owner": newest("tax_ids", **{"owner[type]": "customer"})["customer"],
    }  # fmt: skip


def filled(value: Any, names: dict[str, str]) -> Any:
    return value.format(**names) if isinstance(value, str) else value


def everything(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = client.get(path, params={"limit": 100, **params, **after}).json()
        found += page["data"]
        if not page["has_more"]:
            return found


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    CASES,
    ids=[f"{path}-{'-'.join(params)}-{number}" for number, (path, params, _) in enumerate(CASES)],
)
def test_a_filter_selects_what_it_says_and_nothing_else(
    company: httpx.Client, names: dict[str, str], path: str, params: dict[str, Any],
    expected: Test,
) -> None:  # fmt: skip
    unfiltered: dict[str, Any] = {
        "subscriptions": {"status": "all"}, "tax_ids": {"owner[type]": "customer"},
    }.get(path, {})  # fmt: skip
    filled_in = {name: filled(value, names) for name, value in params.items()}
    wanted = [obj["id"] for obj in everything(company, path, **unfiltered) if expected(obj, names)]
    found = [obj["id"] for obj in everything(company, path, **filled_in)]
    assert found == wanted
    assert len(found) > 0
