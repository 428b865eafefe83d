"""A customer's credit is read until it adds up, also when it was used up by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from served_account import DAY, landed, served, small_store

from heirpay_pipelines.sandbox.company.changes import change, keep
from heirpay_pipelines.sandbox.store import Store


def adjust(store: Store, at: int, customer: dict[str, Any], amount: int) -> None:
    """A change by hand: on no invoice, and afterwards in the customer's balance alone."""
    ending = int(customer["balance"]) + amount
    store.put(
        {
            "id": f"cbtxn_{at}", "object": "customer_balance_transaction", "created": at,
            "amount": amount, "currency": "usd", "customer": customer["id"],
            "ending_balance": ending, "type": "adjustment",
        }
    )  # fmt: skip
    change(store, at, "customer.updated", customer, balance=ending)


def test_the_change_that_uses_a_credit_up_is_landed(tmp_path: Path) -> None:
    store = small_store()
    customer = {"id": "cus_1", "object": "customer", "balance": 0, "currency": "usd",
                "created": store.now - 3 * DAY}  # fmt: skip
    keep(store, store.now - 3 * DAY, "customer.created", customer)
    with served(store) as account:
        adjust(store, store.now - 2 * DAY, store.get("customer", "cus_1"), -500)
        account.pull(tmp_path)
        store.now += DAY
        adjust(store, store.now - 60, store.get("customer", "cus_1"), 500)
        account.app.server.api.renderer.forget()
        account.pull(tmp_path)
        amounts = [
            entry["amount"]
            for (kind, _), entry in landed(account.settings(tmp_path)).items()
            if kind == "customer_balance_transaction"
        ]
        assert sorted(amounts) == [-500, 500]
        # Nothing is left to explain: the next night does not ask again.
        store.now += DAY
        before = account.app.requests["/v1/customers/cus_1/balance_transactions"]
        account.pull(tmp_path)
        assert account.app.requests["/v1/customers/cus_1/balance_transactions"] == before
