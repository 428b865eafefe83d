"""Radar value lists of the embedded account: read by all, written with permission only."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from small_account import account, client_of, ids
from typed_objects import violations

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import Limiter
from heirpay_pipelines.sandbox.server import Server

ITEMS = "radar/value_list_items"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    api = Api(account(), frozenset({SANDBOX_KEY}), write_keys=frozenset({SANDBOX_KEY}))
    with client_of(Server(api, Limiter(0, 0))) as client:
        yield client


def test_a_key_without_the_permission_is_refused() -> None:
    with client_of(Server(Api(account(), frozenset({SANDBOX_KEY})), Limiter(0, 0))) as client:
        answer = client.post(ITEMS, data={"value_list": "rsl_1", "value": "x"})
    assert answer.status_code == 403
    assert "rak_radar_value_list_items_write" in answer.json()["error"]["message"]


def test_values_are_added_once_and_found(client: httpx.Client) -> None:
    (block_list,) = client.get(
        "radar/value_lists", params={"alias": "card_fingerprint_blocklist"}
    ).json()["data"]
    form = {"value_list": block_list["id"], "value": "print_1"}
    once = {"idempotency-key": "one"}
    first = client.post(ITEMS, data=form, headers=once).raise_for_status().json()
    assert list(violations(first)) == []
    assert client.post(ITEMS, data=form, headers=once).json() == first
    assert client.post(ITEMS, data=form).status_code == 400
    assert ids(client.get(ITEMS, params=form)) == [first["id"]]
    assert ids(client.get("radar/value_lists", params={"contains": "print_1"})) == [
        block_list["id"]
    ]
    assert client.get(f"radar/value_lists/{block_list['id']}").json()["list_items"]["data"] == [
        first
    ]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"value": "x"}, 400, "parameter_missing"),
        ({"value_list": "rsl_000000000000000000000001"}, 400, "parameter_missing"),
        ({"value_list": "rsl_none", "value": "x"}, 404, "resource_missing"),
    ],
)
def test_what_cannot_be_added(
    client: httpx.Client, form: dict[str, str], status: int, code: str
) -> None:
    answer = client.post(ITEMS, data=form)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
