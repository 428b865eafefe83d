"""The bulk account: its books balance, its objects have Stripe's shape, and it is quick."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_account import ids, served
from typed_objects import violations

from heirpay_pipelines.sandbox.bulk import BulkStore
from heirpay_pipelines.sandbox.bulk.ledger import DAY, Ledger

START = int(datetime(2026, 8, 1, tzinfo=UTC).timestamp())
NOW = START + 30 * DAY


@pytest.fixture(scope="module")
def store() -> BulkStore:
    return BulkStore(transactions=6_000, charges=1_200, start=START, now=NOW)


@pytest.fixture(scope="module")
def client(store: BulkStore) -> Iterator[httpx.Client]:
    with served(store) as found:
        yield found


def everything(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = client.get(path, params={"limit": 100, **params, **after}).json()
        found += page["data"]
        if not page["has_more"]:
            return found


def test_every_object_has_its_shape_and_its_place(client: httpx.Client) -> None:
    counts = {}
    for path in ("balance_transactions", "charges", "refunds", "customers", "payouts"):
        found = everything(client, path)
        assert [each for obj in found for each in violations(obj)] == []
        assert found == sorted(found, key=lambda o: (o["created"], o["id"]), reverse=True)
        assert all(START <= obj["created"] < NOW for obj in found)
        counts[path] = len(found)
    assert counts == {
        "balance_transactions": 6_000, "charges": 1_200, "refunds": 60, "customers": 1_000,
        "payouts": 28,
    }  # fmt: skip
    assert 1_900 < len(client.get("charges/ch_00000000000000000003").content) < 2_200


def test_every_source_has_its_transaction_and_the_amounts_agree(store: BulkStore) -> None:
    by_source = {each["source"]: each for each in store.all("balance_transaction")}
    kinds = Counter(each["type"] for each in store.all("balance_transaction"))
    assert kinds == {"charge": 1_200, "refund": 60, "payout": 28, "stripe_fee": 4_712}
    for kind, sign in (("charge", 1), ("refund", -1), ("payout", -1)):
        for obj in store.all(kind):
            transaction = by_source[obj["id"]]
            assert transaction["id"] == obj["balance_transaction"]
            assert transaction["amount"] == sign * obj["amount"]
            assert transaction["net"] == transaction["amount"] - transaction["fee"]
            assert transaction["fee"] == sum(each["amount"] for each in transaction["fee_details"])


def test_refunds_are_of_refunded_charges(store: BulkStore) -> None:
    refunded = {each["id"] for each in store.all("charge") if each["refunded"]}
    assert {each["charge"] for each in store.all("refund")} == refunded
    for refund in store.all("refund"):
        charge = store.get("charge", refund["charge"])
        assert refund["amount"] == charge["amount"] == charge["amount_refunded"]
        assert refund["created"] >= charge["created"]


def test_each_payout_is_what_it_contains_and_nothing_is_paid_twice(client: httpx.Client) -> None:
    paid: list[str] = []
    for payout in everything(client, "payouts"):
        contents = everything(client, "balance_transactions", payout=payout["id"])
        assert sum(each["net"] for each in contents) == 0
        others = [each for each in contents if each["id"] != payout["balance_transaction"]]
        assert sum(each["net"] for each in others) == payout["amount"] > 0
        assert all(each["available_on"] <= payout["created"] for each in others)
        paid += [each["id"] for each in contents]
    assert len(set(paid)) == len(paid)


def test_the_balance_is_what_the_transactions_leave(store: BulkStore, client: httpx.Client) -> None:
    balance = client.get("balance").json()
    for name in ("available", "pending"):
        left = [each["net"] for each in store.all("balance_transaction") if each["status"] == name]
        in_transit = [
            each["net"]
            for each in store.all("balance_transaction")
            if each["type"] == "payout" and each["status"] == "pending"
        ]
        moved = sum(in_transit) * (1 if name == "available" else -1)
        assert balance[name][0]["amount"] == sum(left) + moved


def test_ranges_cursors_and_single_objects(client: httpx.Client, store: BulkStore) -> None:
    params = {"created[gte]": START + 3 * DAY, "created[lt]": START + 4 * DAY}
    day = everything(client, "balance_transactions", **params)
    assert len(day) == 200
    assert day[0] == client.get(f"balance_transactions/{day[0]['id']}").json()
    assert ids(client.get("charges", params={"limit": 1}))[0] == "ch_00000000000000001199"
    for missing in ("ch_00000000000000001200", "ch_1", "ch_x", "txn_00000000000000000001"):
        assert client.get(f"charges/{missing}").status_code == 404
    assert everything(client, "balance_transactions", payout="po_none") == []
    assert client.get("events").json()["data"] == []


def test_what_it_cannot_filter_by_it_refuses(client: httpx.Client) -> None:
    answer = client.get("charges", params={"customer": "cus_000001"})
    assert answer.status_code == 400
    assert "cannot be searched" in answer.json()["error"]["message"]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(3, 12), st.integers(2, 30), st.integers(0, 50))
def test_no_days_count_or_share_breaks_the_books(
    days: int, stride: int, charges_a_day: int, odd: int
) -> None:
    count = days * stride * charges_a_day + odd
    ledger = Ledger(count, count // stride, START, START + days * DAY)
    payouts = [ledger.payout_transaction(day) for day in range(2, ledger.days)]
    assert [ledger.day_of(each) for each in payouts] == list(range(2, ledger.days))
    assert all(each % ledger.stride >= 2 for each in payouts)
    bounds = [ledger.first_of(day) for day in range(ledger.days + 1)]
    assert (bounds[0], bounds[-1]) == (0, count)
    assert all(ledger.day_of(first) == day for day, first in enumerate(bounds[:-1]))
    assert all(ledger.day_of(first - 1) == day for day, first in enumerate(bounds[1:]))


@pytest.mark.parametrize(
    ("transactions", "charges", "now"),
    [(6_000, 3_000, NOW), (100, 20, NOW), (6_000, 1_200, NOW + 1)],
)
def test_an_account_that_cannot_be_is_refused(transactions: int, charges: int, now: int) -> None:
    with pytest.raises(ValueError, match="a bulk account"):
        BulkStore(transactions, charges, START, now)


def processor_seconds(what: Callable[[], object]) -> float:
    """The best of some tries: what disturbs a try only makes it longer."""
    tries = []
    for _ in range(5):
        began = time.process_time()
        what()
        tries.append(time.process_time() - began)
    return min(tries)


def test_ten_million_transactions_are_opened_and_paged_as_fast_as_some_thousand() -> None:
    """What grows with the account would take more than a thousand times as long."""
    opened, paged = [], []
    for transactions, days in ((6_000, 30), (10_000_000, 530)):
        of_this_size = partial(BulkStore, transactions, transactions // 5, NOW - days * DAY, NOW)
        opened.append(processor_seconds(of_this_size))
        with served(of_this_size()) as client:
            params = {"limit": 100, "created[lt]": NOW - days * DAY // 2}
            assert len(client.get("charges", params=params).json()["data"]) == 100
            paged.append(processor_seconds(partial(client.get, "charges", params=params)))
    small, large = opened
    assert large < 100 * small  # its days are eighteen times as many
    small, large = paged
    assert large < 20 * small
