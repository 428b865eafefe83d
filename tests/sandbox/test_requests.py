"""Keys, versions, routes, expansion: answers and errors in Stripe's shape, through Stripe's SDK."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe
from small_account import DAY, NOW, account, client_of, ids, put, served

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import API_VERSION, Store


def shop() -> Store:
    """A customer with two charges, one refunded twice, and a coupon on a price with tiers."""
    store = account()
    put(store, "customer", "cus_1", name="Ada", tax_ids=None, email="ada@example.com", metadata={})
    put(store, "charge", "ch_1", NOW - 2 * DAY, customer="cus_1", refunds=None, amount=5,
        balance_transaction="txn_1")  # fmt: skip
    put(store, "charge", "ch_2", customer="cus_1", refunds=None, balance_transaction=None)
    put(store, "balance_transaction", "txn_1", source="ch_1", amount=5)
    for number in (1, 2):
        put(store, "refund", f"re_{number}", NOW - number, charge="ch_1")
    put(store, "tax_id", "txi_1", customer="cus_1", owner={"type": "customer"}, value="DE1")
    put(store, "price", "price_1", tiers=[{"up_to": 5}], product="prod_1")
    put(
        store,
        "price",
        "price_2",
        NOW - 2 * DAY,
        tiers=[{"up_to": 5}],
        currency_options={"eur": {"tiers": [{"up_to": 6}]}, "gbp": {"tiers": [{"up_to": 7}]}},
    )
    put(store, "product", "prod_1", name="Box")
    put(store, "discount", "di_1", source={"type": "coupon", "coupon": "TEN"})
    put(store, "coupon", "TEN", percent_off=10, applies_to={"products": ["prod_1"]})
    put(store, "invoice", "in_1", discounts=["di_1"], customer="cus_1", payments=None)
    return store


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with served(shop()) as found:
        yield found


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@pytest.mark.parametrize("header", [f"Bearer {SANDBOX_KEY}", basic(SANDBOX_KEY)])
def test_bearer_and_basic_keys_are_taken(client: httpx.Client, header: str) -> None:
    assert client.get("account", headers={"authorization": header}).status_code == 200


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "You did not provide an API key"),
        ("Bearer", "You did not provide an API key"),
        ("Bearer sk_test_someone_elses_0001", "Invalid API Key provided: sk_test_********0001"),
        (basic("rk_live_wrong"), "Invalid API Key provided"),
        ("Basic ***", "You did not provide an API key"),
    ],
)
def test_other_keys_are_refused(client: httpx.Client, header: str, said: str) -> None:
    answer = client.get("account", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert said in answer.json()["error"]["message"]
    assert "someone_elses" not in answer.text


def test_a_restricted_key_reads_what_it_may() -> None:
    api = Api(shop(), frozenset({SANDBOX_KEY}), denied=frozenset({"charges"}))
    with client_of(Server(api, Limiter(0, 0))) as client:
        for path in ("charges", "charges/ch_1", "charges/ch_1/refunds"):
            answer = client.get(path)
            assert answer.status_code == 403
            assert "rak_charges_read" in answer.json()["error"]["message"]
        assert ids(client.get("refunds")) == ["re_1", "re_2"]


def test_the_version_is_echoed_and_every_request_has_an_id(client: httpx.Client) -> None:
    first, second = client.get("charges"), client.get("charges", headers={"x": "y"})
    assert first.headers["stripe-version"] == API_VERSION
    assert first.headers["request-id"].startswith("req_")
    assert first.headers["request-id"] != second.headers["request-id"]


def test_another_version_is_refused_by_name(client: httpx.Client) -> None:
    answer = client.get("charges", headers={"stripe-version": "2019-01-01"})
    assert answer.status_code == 400
    assert "Invalid Stripe API version: 2019-01-01" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "charges/ch_none", 404, "resource_missing"),
        ("GET", "charges/ch_none/refunds", 404, "resource_missing"),
        ("GET", "charges/ch_1/refunds/re_none", 404, "resource_missing"),
        ("GET", "charges/ch_1/nothing", 404, None),
        ("GET", "unicorns", 404, None),
        ("GET", "charges/", 404, None),
        ("POST", "charges", 404, None),
        ("POST", "customers/cus_1", 403, "more_permissions_required"),
        ("DELETE", "customers/cus_1", 404, None),
        ("GET", "subscription_items", 400, "parameter_missing"),
        ("GET", "charges/ch_1?limit=3", 400, "parameter_unknown"),
        ("GET", "balance?currency=usd", 400, "parameter_unknown"),
    ],
)
def test_errors(
    client: httpx.Client, method: str, path: str, status: int, code: str | None
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"].get("code") == code


def test_nothing_can_be_written(client: httpx.Client) -> None:
    before = client.get("customers").content
    client.post("customers", data={"name": "Eve"})
    client.post("customers/cus_1", data={"name": "Eve"})
    client.delete("customers/cus_1")
    assert client.get("customers").content == before


def test_lists_under_an_object_and_their_entries(client: httpx.Client) -> None:
    assert ids(client.get("charges/ch_1/refunds")) == ["re_1", "re_2"]
    assert ids(client.get("charges/ch_2/refunds")) == []
    assert ids(client.get("charges/ch_1/refunds?limit=1&starting_after=re_1")) == ["re_2"]
    assert client.get("charges/ch_1/refunds/re_2").json()["charge"] == "ch_1"
    assert ids(client.get("customers/cus_1/tax_ids")) == ["txi_1"]


def test_fields_that_are_only_there_when_expanded(client: httpx.Client) -> None:
    assert "refunds" not in client.get("charges/ch_1").json()
    assert "tax_ids" not in client.get("customers/cus_1").json()
    assert "tiers" not in client.get("prices/price_1").json()
    assert "applies_to" not in client.get("coupons/TEN").json()
    charge = client.get("charges/ch_1?expand[]=refunds").json()
    assert [each["id"] for each in charge["refunds"]["data"]] == ["re_1", "re_2"]
    assert charge["refunds"]["url"] == "/v1/charges/ch_1/refunds"
    assert client.get("prices?expand[]=data.tiers").json()["data"][0]["tiers"] == [{"up_to": 5}]
    options = "prices/price_2?expand[]=currency_options"
    assert client.get(options).json()["currency_options"] == {"eur": {}, "gbp": {}}
    euros = client.get(f"{options}&expand[]=currency_options.eur.tiers").json()
    assert euros["currency_options"] == {"eur": {"tiers": [{"up_to": 6}]}, "gbp": {}}
    customer = client.get("customers/cus_1?expand[]=tax_ids").json()
    assert customer["tax_ids"]["data"][0]["value"] == "DE1"


def test_references_are_ids_until_they_are_expanded(client: httpx.Client) -> None:
    assert client.get("charges/ch_1").json()["customer"] == "cus_1"
    deep = client.get("balance_transactions?expand[]=data.source.customer").json()["data"][0]
    assert deep["source"]["customer"]["name"] == "Ada"
    assert deep["source"]["balance_transaction"] == "txn_1"
    listed = client.get("invoices?expand[]=data.discounts.source.coupon").json()["data"][0]
    assert listed["discounts"][0]["source"]["coupon"]["percent_off"] == 10


def test_what_is_null_or_unknown_stays_when_it_is_expanded(client: httpx.Client) -> None:
    assert client.get("charges/ch_2?expand[]=balance_transaction").json()[
        "balance_transaction"
    ] is None  # fmt: skip


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("charges/ch_1?expand[]=amount", "cannot be expanded (amount)"),
        ("charges/ch_1?expand[]=id", "cannot be expanded (id)"),
        ("charges/ch_1?expand[]=unicorn", "cannot be expanded (unicorn)"),
        ("charges?expand[]=customer", "expanding 'data.customer' instead"),
        ("charges?expand[]=data.a.b.c.d", "more than 4 levels"),
        ("charges?expand[]=data.customer.email", "cannot be expanded (email)"),
    ],
)
def test_what_cannot_be_expanded_is_refused(client: httpx.Client, query: str, said: str) -> None:
    answer = client.get(query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "expand"
    assert said in answer.json()["error"]["message"]


def sdk(url: str, key: str = SANDBOX_KEY) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": url, "files": url})


def test_the_sdk_reads_the_company(company_url: str) -> None:
    client = sdk(company_url)
    charges = list(client.v1.charges.list({"limit": 100}).auto_paging_iter())
    assert len(charges) > 1000
    assert charges == sorted(charges, key=lambda each: each.created, reverse=True)
    invoice = client.v1.invoices.list({"expand": ["data.customer"]}).data[0]
    assert isinstance(invoice.customer, stripe.Customer)
    lines = list(invoice.lines.auto_paging_iter())
    assert sum(line.amount for line in lines) == invoice.subtotal
    assert client.v1.balance.retrieve().object == "balance"


def test_the_sdk_knows_the_errors(company_url: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        sdk(company_url, "rk_test_wrong").v1.balance.retrieve()
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk(company_url).v1.charges.retrieve("ch_none")
    assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)


def test_a_fault_of_the_account_itself_is_a_500_in_stripes_shape() -> None:
    store = account()
    put(store, "payout", "po_1", arrival_date="broken")
    with served(store) as client:
        answer = client.get("payouts?arrival_date[gt]=1")
        assert client.get("payouts").status_code == 200
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "api_error"


def test_the_items_of_a_subscription(company: httpx.Client) -> None:
    subscription: dict[str, Any] = company.get("subscriptions").json()["data"][0]
    wanted = [item["id"] for item in subscription["items"]["data"]]
    params = {"subscription": subscription["id"]}
    assert ids(company.get("subscription_items", params=params)) == wanted
    assert company.get(f"subscription_items/{wanted[0]}").json()["id"] == wanted[0]
    assert company.get("subscription_items/si_none").status_code == 404
