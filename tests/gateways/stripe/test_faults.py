"""Whatever goes wrong on the way: the same objects in the end, or a line that says what is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served_account import (
    DAY,
    Account,
    Fault,
    landed,
    served,
    small_store,
)

from heirpay_pipelines.gateways.errors import KeyRefusedError, PullError
from heirpay_pipelines.landing.landing import Landing

Landed = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def company() -> Iterator[Account]:
    with served(days=20) as account:
        yield account


@pytest.fixture(scope="module")
def undisturbed(company: Account, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    home = tmp_path_factory.mktemp("undisturbed")
    company.pull(home)
    return landed(company.settings(home))


@pytest.fixture
def faults(company: Account) -> Iterator[list[Fault]]:
    yield company.app.faults
    company.app.faults.clear()


def refused(reason: str) -> Fault:
    headers = (("Stripe-Rate-Limited-Reason", reason), ("Retry-After", "0"))
    return Fault("", times=25, status=429, headers=headers, after=3)


PASSING = {
    "a storm of 429 for all": lambda: refused("global-rate"),
    "a storm of 429 for an endpoint": lambda: refused("endpoint-rate"),
    "500": lambda: Fault("/v1/charges", times=4, status=500),
    "503": lambda: Fault("/v1/invoices", times=4, status=503),
    "a reset in mid-body": lambda: Fault("balance_transactions", times=4, cut=True),
    "a truncated 200": lambda: Fault("/v1/events", times=3, body=lambda b: b[: len(b) // 2]),
    "invalid JSON": lambda: Fault("/v1/customers", times=3, body=lambda b: b"<html>oops"),
    "no list": lambda: Fault("/v1/charges", times=1, body=lambda b: b"[]"),
    "a hang": lambda: Fault("/v1/payouts", times=1, hang=True),
    "has_more and nothing in it": lambda: Fault(
        "/v1/charges", times=2, body=lambda b: b'{"object":"list","data":[],"has_more":true}'
    ),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_leaves_no_trace(
    company: Account, undisturbed: Landed, faults: list[Fault], tmp_path: Path, name: str
) -> None:
    fault: Callable[[], Fault] = PASSING[name]
    faults.append(fault())
    outcome = company.pull(tmp_path)
    assert faults[0].met > 0
    assert landed(company.settings(tmp_path)) == undisturbed
    assert {line["status"] for line in outcome.manifest.coverage} == {"complete"}


def line_of(outcome: Any, endpoint: str) -> dict[str, Any]:
    return next(line for line in outcome.manifest.coverage if line["endpoint"] == endpoint)


@pytest.mark.parametrize(("status", "word"), [(403, "forbidden"), (404, "gone")])
def test_what_may_not_be_read_is_a_line_of_the_coverage(
    company: Account,
    undisturbed: Landed,
    faults: list[Fault],
    tmp_path: Path,
    status: int,
    word: str,
) -> None:
    faults.append(Fault("/v1/disputes", status=status))
    outcome = company.pull(tmp_path)
    line = line_of(outcome, "/v1/disputes")
    assert (line["status"], line["rows"]) == (word, 0)
    assert str(status) in line["reason"]
    others = {k: v for k, v in undisturbed.items() if k[0] != "dispute"}
    assert landed(company.settings(tmp_path)) == others
    # With the permission given, the next pull lists what it never saw.
    faults.clear()
    assert line_of(company.pull(tmp_path), "/v1/disputes")["mode"] == "full"
    assert landed(company.settings(tmp_path)).keys() == undisturbed.keys()


def test_an_endpoint_that_fails_for_a_day_recovers(tmp_path: Path) -> None:
    with served(days=20) as account:
        account.pull(tmp_path / "one")
        account.advance(1)
        account.app.faults.append(Fault("/v1/charges", status=500))
        account.app.faults.append(Fault("/v1/balance_transactions", status=500))
        outcome = account.pull(tmp_path / "one")
        assert line_of(outcome, "/v1/balance_transactions")["status"] == "failed"
        account.app.faults.clear()
        account.advance(1)
        account.pull(tmp_path / "one")
        account.pull(tmp_path / "other")
        one, other = (landed(account.settings(tmp_path / name)) for name in ("one", "other"))
        kinds = ("charge", "balance_transaction", "payout_composition", "refund")
        for kind in kinds:
            assert {i for k, i in one if k == kind} == {i for k, i in other if k == kind}
        assert all(one[key] == other[key] for key in other if key[0] == "charge")


def test_when_the_event_log_fails_the_next_night_takes_it_up(tmp_path: Path) -> None:
    with served(days=20) as account:
        account.pull(tmp_path / "one")
        account.advance(1)
        account.app.faults.append(Fault("/v1/events", status=503))
        outcome = account.pull(tmp_path / "one")
        assert line_of(outcome, "/v1/charges")["status"] == "failed"
        account.app.faults.clear()
        account.advance(1)
        assert account.pull(tmp_path / "one").manifest.mode == "events"
        account.pull(tmp_path / "other")
        one, other = (landed(account.settings(tmp_path / name)) for name in ("one", "other"))
        assert all(one[key] == other[key] for key in other if key[0] == "charge")


def test_without_permission_for_events_everything_is_listed(tmp_path: Path) -> None:
    with served(days=20) as account:
        account.pull(tmp_path / "one")
        account.advance(1)
        account.app.faults.append(Fault("/v1/events", status=403))
        outcome = account.pull(tmp_path / "one")
        assert line_of(outcome, "/v1/charges")["mode"] == "full"
        assert line_of(outcome, "/v1/charges")["status"] == "complete"
        assert line_of(outcome, "/v1/events")["status"] == "forbidden"


def test_a_revoked_key_ends_the_pull_and_nothing_is_visible(
    company: Account, faults: list[Fault], tmp_path: Path
) -> None:
    faults.append(Fault("/v1/", status=401, after=5))
    with pytest.raises(KeyRefusedError, match="STRIPE_API_KEY"):
        company.pull(tmp_path)
    assert Landing(company.settings(tmp_path).landing_dir).newest() is None


def test_no_error_shows_the_key_or_a_body(
    company: Account, faults: list[Fault], tmp_path: Path
) -> None:
    faults.append(Fault("/v1/account", body=lambda b: b"sk_live_secret in a body"))
    with pytest.raises(PullError) as caught:
        company.pull(tmp_path)
    shown = repr(caught.value) + str(caught.value.__cause__) + str(caught.value)
    assert "rk_test_of_the_tests" not in shown
    assert "secret in a body" not in shown


@pytest.mark.parametrize("lie", ["circle", "stuck", "empty"])
def test_a_list_that_never_ends_ends_as_failed(tmp_path: Path, lie: str) -> None:
    store = small_store()
    pages = {"circle": ["prod_a", "prod_b"], "stuck": ["prod_a", "prod_a"], "empty": []}[lie]
    turn = iter(range(10_000))

    def answer(_: bytes) -> bytes:
        n = next(turn)
        data = [{"id": pages[n % 2], "object": "product", "created": store.now - DAY}] * 1
        return json.dumps({"object": "list", "data": data, "has_more": True}).encode()

    def nothing(_: bytes) -> bytes:
        return b'{"object":"list","data":[],"has_more":true}'

    with served(store) as account:
        account.app.faults.append(Fault("/v1/products", body=answer if pages else nothing))
        line = line_of(account.pull(tmp_path), "/v1/products")
        assert line["status"] == "failed"
        assert "/v1/products" in line["reason"]
        assert account.app.requests["/v1/products"] < 20


def test_a_poisoned_object_is_quarantined_and_stops_nothing(tmp_path: Path) -> None:
    store = small_store()
    for n in range(250):
        store.put({"id": f"prod_{n:03d}", "object": "product", "created": store.now - n - 1,
                   "livemode": False})  # fmt: skip
    poison: list[Any] = ["text", {"object": "product"}, {"id": 7, "object": "product"},
                         {"id": "prod_x", "object": "product", "created": "yesterday"}]  # fmt: skip

    def spoil(body: bytes) -> bytes:
        page = json.loads(body)
        page["data"] += poison  # at the end, where the cursor is read
        return json.dumps(page).encode()

    with served(store) as account:
        account.app.faults.append(Fault("/v1/products", times=1, body=spoil))
        outcome = account.pull(tmp_path)
        found = landed(account.settings(tmp_path))
        assert sum(kind == "product" for kind, _ in found) == 250
        reasons = sorted(obj["reason"] for (kind, _), obj in found.items() if kind == "quarantine")
        assert len(reasons) == 4
        assert "field `id` is missing or no text" in reasons
        assert line_of(outcome, "/v1/products")["status"] == "complete"


def test_unknown_fields_and_values_are_landed_as_they_are(tmp_path: Path) -> None:
    store = small_store()
    odd = {"id": "ch_1", "object": "charge", "created": store.now - DAY, "status": "teleported",
           "new": {"deep": [1, None, "€"]}, "amount": 2**53 + 1}  # fmt: skip
    store.put(odd)
    with served(store) as account:
        account.pull(tmp_path)
        assert landed(account.settings(tmp_path))["charge", "ch_1"] == odd


def test_an_object_deleted_while_its_list_is_paged_breaks_nothing(tmp_path: Path) -> None:
    store = small_store()
    for n in range(350):
        store.put({"id": f"cus_{n:03d}", "object": "customer", "created": store.now - n - 1})
    with served(store) as account:

        def delete_the_cursor(path: str) -> None:
            if "/v1/customers?" in path and "starting_after=cus_099" in path:
                store._objects["customer"].pop("cus_099", None)
                store._order["customer"] = [x for x in store._order["customer"]
                                            if x[1] != "cus_099"]  # fmt: skip
                store._lists.clear()

        account.app.before = delete_the_cursor
        outcome = account.pull(tmp_path)
        assert line_of(outcome, "/v1/customers")["status"] == "complete"
        found = landed(account.settings(tmp_path))
        assert sum(kind == "customer" for kind, _ in found) == 350
