"""A restricted key without some permission: only what a published figure rests on blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_account import DAY, KEY, Account, landed, served, small_store

from heirpay_pipelines.gateways.errors import NotReadableError
from heirpay_pipelines.gateways.stripe.identity import UNKNOWN, identify
from heirpay_pipelines.gateways.stripe.resources import RESOURCES
from heirpay_pipelines.orchestration.doctor import examine
from heirpay_pipelines.sandbox.store import Store

NEVER = {r.path for r in RESOURCES if r.needed == "never"} - {"events"}
NAMED = {r.path for r in RESOURCES if r.needed == "named"}
ALWAYS = {r.path for r in RESOURCES if r.needed == "always"}


def account_of_each(store: Store) -> None:
    """A customer and an invoice with a discount: they name a coupon, a price, a rate."""

    def put(kind: str, id: str, **fields: Any) -> None:
        store.put({"id": id, "object": kind, "created": store.now - DAY, **fields})

    put("coupon", "C1", percent_off=10, duration="forever")
    put("customer", "cus_1", name="Jo")
    put("tax_id", "txi_1", customer="cus_1", type="eu_vat", value="DE1")
    put("discount", "di_1", source={"type": "coupon", "coupon": "C1"})
    lines = [{"id": "il_1", "object": "line_item", "discounts": [],
              "pricing": {"price_details": {"price": "price_1", "product": "prod_1"}},
              "taxes": [{"tax_rate_details": {"tax_rate": "txr_1"}}]}]  # fmt: skip
    put("invoice", "in_1", customer="cus_1", status="paid", discounts=["di_1"],
        hosted_invoice_url=f"https://invoice.stripe.com/i/{store.account_id}/live_x",
        lines={"object": "list", "data": lines, "has_more": False,
               "url": "/v1/invoices/in_1/lines"})  # fmt: skip
    for name in ("transfer", "application_fee"):
        prefix = {"transfer": "tr", "application_fee": "fee"}[name]
        put("balance_transaction", f"txn_{prefix}", amount=1, net=1, fee=0, currency="usd",
            source=f"{prefix}_1", type=name)  # fmt: skip


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    store = small_store()
    account_of_each(store)
    with served(store) as account:
        yield account


def pulled(account: Account, home: Path, denied: set[str]) -> dict[str, dict[str, Any]]:
    """The lines of coverage that are not complete, by endpoint."""
    account.app.server.api.denied = frozenset(denied)
    try:
        manifest = account.pull(home).manifest
    finally:
        account.app.server.api.denied = frozenset()
    assert manifest.account == account.store.account_id
    return {line["endpoint"]: line for line in manifest.coverage if line["status"] != "complete"}


def test_what_no_figure_rests_on_never_blocks(account: Account, tmp_path: Path) -> None:
    """The account itself, Connect, Radar, reports, names: each denied, all at once."""
    lines = pulled(account, tmp_path, NEVER | {"reporting", "files"})
    refused = {path: line for path, line in lines.items() if line["status"] == "forbidden"}
    assert refused.keys() == {f"/v1/{path}" for path in NEVER}
    assert not [line for line in lines.values() if line["needed_for"]]
    assert all("without it: no" in line["reason"] for line in refused.values())
    assert landed(account.settings(tmp_path))["customer", "cus_1"]["tax_ids"]["data"]


def test_what_figures_rest_on_blocks_and_is_named(account: Account, tmp_path: Path) -> None:
    lines = pulled(account, tmp_path, ALWAYS | NAMED)
    needed = {path.removeprefix("/v1/"): line["needed_for"] for path, line in lines.items()}
    listed = {path: text for path, text in needed.items() if path in ALWAYS | NAMED}
    # Nothing that could be read names a customer, a coupon, a price: of these no figure is wrong.
    assert {path for path, text in listed.items() if text} == ALWAYS
    assert "daily_revenue" in listed["balance_transactions"]


def test_what_is_named_blocks_where_something_names_it(account: Account, tmp_path: Path) -> None:
    lines = pulled(account, tmp_path, NAMED)
    assert {path for path, line in lines.items() if line["needed_for"]} == {
        f"/v1/{path}" for path in NAMED
    }
    with served(small_store()) as empty:
        lines = pulled(empty, tmp_path / "empty", NAMED)
        assert {f"/v1/{path}" for path in NAMED} == lines.keys()
        assert not [line for line in lines.values() if line["needed_for"]]


def test_an_expansion_needs_a_permission_of_its_own(account: Account, tmp_path: Path) -> None:
    """Without tax ids, customers come without their tax ids."""
    account.app.server.api.denied = frozenset({"tax_ids"})
    manifest = account.pull(tmp_path).manifest
    account.app.server.api.denied = frozenset()
    (line,) = [line for line in manifest.coverage if line["endpoint"] == "/v1/customers"]
    assert (line["status"], line["rows"]) == ("complete", 1)
    assert line["reason"] == "without tax_ids: the key may not expand it"
    assert landed(account.settings(tmp_path))["customer", "cus_1"]["name"] == "Jo"


class Answers:
    """A client that may not ask for the account."""

    def __init__(self, said: str, invoices: list[Any] | None) -> None:
        self.said, self.invoices = said, invoices

    async def get(self, path: str, params: Any = None) -> Any:
        if path == "account" or self.invoices is None:
            raise NotReadableError(403, "no permission", self.said)
        return {"data": self.invoices}


LONG_KEY = "rk_live_5" + "1H1abcdEFGHijklM" + "x" * 82


@pytest.mark.parametrize(
    ("said", "invoices", "key", "known", "expected"),
    [
        ("required permissions on account 'acct_1PJBLEBBLEfV'.", None, KEY, None,
         "acct_1PJBLEBBLEfV"),
        # A masked id is none.
        ("on account 'acct_1****'.", [{"invoice_pdf": "https://x/invoice/acct_1Invoice/live_/pdf"}],
         KEY, None, "acct_1Invoice"),
        ("", [None, {"hosted_invoice_url": None}], LONG_KEY, None, "acct_1H1abcdEFGHijklM"),
        ("", None, KEY, "acct_known", "acct_known"),
        ("", None, KEY, None, UNKNOWN),
    ],
)  # fmt: skip
def test_the_account_is_learnt_where_it_cannot_be_asked_for(
    said: str, invoices: list[Any] | None, key: str, known: str | None, expected: str
) -> None:
    import asyncio

    found = asyncio.run(identify(Answers(said, invoices), key, known))  # type: ignore[arg-type]
    assert found["id"] == expected


def test_an_account_that_cannot_be_known_keeps_one_name(tmp_path: Path) -> None:
    """Unknown on the first night and known on the second: what was landed stays one account's."""
    store = small_store()
    store.account_id, real = "", store.account_id  # a refusal that names no account
    with served(store) as account:
        account.app.server.api.denied = frozenset({"account"})
        assert account.pull(tmp_path).manifest.account == UNKNOWN
        store.account_id = real
        account.app.server.api.denied = frozenset()
        store.now += DAY
        assert account.pull(tmp_path).manifest.account == UNKNOWN


def test_doctor_names_each_missing_permission_and_what_it_costs(
    account: Account, tmp_path: Path
) -> None:
    account.app.server.api.denied = frozenset({"account", "accounts", "charges", "reporting"})
    found = {f.subject: f for f in examine(account.settings(tmp_path)) if "/v1/" in f.subject}
    account.app.server.api.denied = frozenset()
    wrong = {subject: finding for subject, finding in found.items() if not finding.well}
    assert {subject: finding.optional for subject, finding in wrong.items()} == {
        "GET /v1/account": True,
        "GET /v1/accounts": True,
        "GET /v1/charges": False,
        "GET /v1/reporting/report_types/balance.summary.1": True,
    }
    charges = wrong["GET /v1/charges"]
    assert "rak_charges_read is missing: nothing is published" in charges.detail
    assert "payment_failures" in charges.detail
    assert "rak_charges_read" in charges.fix
    assert "the night goes on without" in wrong["GET /v1/accounts"].detail


TAX_IDS = "/v1/customers?expand[]=data.tax_ids"


def test_tax_ids_are_told_apart_and_come_back_with_their_permission(tmp_path: Path) -> None:
    """Customers are read without them, coverage says since when; the night after the permission
    was given reads them, though no event names a customer."""
    store = small_store()
    account_of_each(store)
    with served(store) as account:
        told = []
        for denied in (set(), {"tax_ids"}, {"tax_ids"}, set()):
            store.now += DAY
            if len(told) == 1:
                changed = store.put(store.get("customer", "cus_1") | {"name": "Ann"})
                store.emit("customer.updated", changed, store.now - 60, {"name": "Jo"})
                late = {"id": "cus_2", "object": "customer", "created": store.now - 60}
                store.emit("customer.created", store.put(late), store.now - 60)
                store.put({"id": "txi_2", "object": "tax_id", "customer": "cus_2", "value": "DE2",
                           "type": "eu_vat", "created": store.now - 60})  # fmt: skip
            account.app.server.api.denied = frozenset(denied)
            (line,) = (x for x in account.pull(tmp_path).manifest.coverage
                       if x["endpoint"] == TAX_IDS)  # fmt: skip
            found = {id for kind, id in landed(account.settings(tmp_path)) if kind == "tax_id"}
            told.append((line["status"], found))
        assert "tax_registrations" in str(line["reason"]) or line["status"] == "complete"
    assert told == [
        ("complete", {"txi_1"}), ("forbidden", {"txi_1"}), ("forbidden", {"txi_1"}),
        ("complete", {"txi_1", "txi_2"}),
    ]  # fmt: skip


def test_doctor_names_what_is_read_with_a_permission_of_its_own(
    account: Account, tmp_path: Path
) -> None:
    account.app.server.api.denied = frozenset({"tax_ids", "tax", "checkout/sessions"})
    found = {f.subject: f for f in examine(account.settings(tmp_path)) if "/v1/" in f.subject}
    account.app.server.api.denied = frozenset()
    wrong = {subject: finding.optional for subject, finding in found.items() if not finding.well}
    assert wrong == {
        "GET /v1/customers with tax_ids": True,
        "GET /v1/checkout/sessions": True,
        "GET /v1/tax/transactions/tax_0": False,
    }
    assert "null" in found["GET /v1/checkout/sessions"].detail
    assert "tax_registrations" in found["GET /v1/customers with tax_ids"].detail
