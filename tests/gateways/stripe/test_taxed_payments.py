"""Tax of payments without invoice: no list has it, the payment's tax association leads to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from served_account import DAY, Account, landed, served, small_store

from heirpay_pipelines.sandbox.company.changes import keep
from heirpay_pipelines.sandbox.store import Store

HOOKS = {"inputs": {"tax": {"calculation": "taxcalc_1"}}}
FIND = "/v1/tax/associations/find"


def transaction(store: Store, name: str, kind: str, lines: int, tax: int) -> dict[str, Any]:
    data = [
        {"id": f"tax_li_{name}{n:03d}", "object": "tax.transaction_line_item", "amount": 1200,
         "amount_tax": tax, "tax_behavior": "inclusive", "type": kind}
        for n in range(lines)
    ]  # fmt: skip
    url = f"/v1/tax/transactions/tax_{name}/line_items"
    items = {"object": "list", "data": data, "has_more": False, "url": url}
    return store.put({"id": f"tax_{name}", "object": "tax.transaction", "type": kind,
                      "created": store.now, "line_items": items})  # fmt: skip


def associate(store: Store, **sources: str) -> None:
    attempts = [
        {"source": source, "status": "committed", "committed": {"transaction": transaction}}
        for source, transaction in sources.items()
    ]
    known = {"payment_intent": "pi_1", "calculation": "taxcalc_1"}
    store.put({"id": "taxa_1", "object": "tax.association", **known,
               "tax_transaction_attempts": attempts or None})  # fmt: skip


def transactions(account: Account, home: Path) -> dict[str, dict[str, Any]]:
    found = landed(account.settings(home))
    return {id: obj for (kind, id), obj in found.items() if kind == "tax.transaction"}


def night(account: Account, home: Path) -> dict[str, dict[str, Any]]:
    """A day later, one more pull; the tax transactions that are landed after it."""
    account.store.now += DAY
    account.app.server.api.renderer.forget()
    account.pull(home)
    return transactions(account, home)


def test_tax_is_asked_for_until_it_is_recorded_and_again_with_a_refund(tmp_path: Path) -> None:
    store = small_store()
    intent = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "hooks": HOOKS,
              "created": store.now - DAY}  # fmt: skip
    keep(store, store.now - DAY, "payment_intent.succeeded", intent)
    untaxed = intent | {"id": "pi_2", "hooks": None}
    keep(store, store.now - DAY, "payment_intent.succeeded", untaxed)
    associate(store)
    with served(store) as account:
        account.pull(tmp_path)
        assert transactions(account, tmp_path) == {}
        transaction(store, "1", "transaction", 23, 200)
        associate(store, pi_1="tax_1")
        assert len(night(account, tmp_path)["tax_1"]["line_items"]["data"]) == 23
        asked = account.app.requests[FIND]
        assert night(account, tmp_path).keys() == {"tax_1"}
        assert account.app.requests[FIND] == asked == 2
        refund = {"id": "re_1", "object": "refund", "payment_intent": "pi_1",
                  "created": store.now + 60}  # fmt: skip
        keep(store, store.now + 60, "refund.created", refund)
        transaction(store, "2", "reversal", 1, -200)
        associate(store, pi_1="tax_1", re_1="tax_2")
        assert night(account, tmp_path).keys() == {"tax_1", "tax_2"}


def test_a_payment_of_which_nothing_was_recorded_stops_nothing(tmp_path: Path) -> None:
    store = small_store()
    intent = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "hooks": HOOKS,
              "created": store.now - DAY}  # fmt: skip
    store.put(intent)
    with served(store) as account:
        outcome = account.pull(tmp_path)
    (line,) = (x for x in outcome.manifest.coverage if "associations" in x["endpoint"])
    assert (line["status"], line["rows"], line["requests"]) == ("complete", 0, 1)


def test_the_company_s_one_off_payments_bring_their_tax(tmp_path: Path) -> None:
    with served(days=240) as account:
        account.pull(tmp_path)
        found = transactions(account, tmp_path)
        recorded = {obj["id"]: obj for obj in account.store.all("tax.transaction")}
        assert found.keys() == recorded.keys()
        assert {obj["type"] for obj in found.values()} >= {"transaction"}
        assert all(obj["line_items"]["data"] for obj in found.values())


def test_without_the_permission_for_tax_only_taxed_payments_block_until_it_is_given(
    tmp_path: Path,
) -> None:
    store = small_store()
    intent = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "hooks": None,
              "created": store.now - DAY}  # fmt: skip
    keep(store, store.now - DAY, "payment_intent.succeeded", intent)

    def line(account: Account, *denied: str) -> dict[str, Any]:
        store.now += DAY
        account.app.server.api.denied = frozenset(denied)
        lines = account.pull(tmp_path).manifest.coverage
        return next(each for each in lines if "associations" in each["endpoint"])

    with served(store) as account:
        assert line(account, "tax")["needed_for"] is None  # no payment was taxed: none is missed
        taxed = intent | {"id": "pi_2", "hooks": HOOKS, "created": store.now}
        keep(store, store.now, "payment_intent.succeeded", taxed)
        transaction(store, "1", "transaction", 1, 200)
        done = {"source": "pi_2", "status": "committed", "committed": {"transaction": "tax_1"}}
        store.put({"id": "taxa_1", "object": "tax.association", "payment_intent": "pi_2",
                   "tax_transaction_attempts": [done]})  # fmt: skip
        for _ in range(2):
            refused = line(account, "tax")
            assert refused["status"] == "forbidden"
            assert "tax_transactions" in refused["needed_for"]
        assert transactions(account, tmp_path) == {}
        healed = line(account)
        assert (healed["status"], healed["needed_for"]) == ("complete", None)
        assert transactions(account, tmp_path).keys() == {"tax_1"}
