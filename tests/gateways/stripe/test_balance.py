"""Stripe states its balance as of now: it counts only with what moved since the night's instant."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from heirpay_pipelines.gateways.stripe.balance import (
    DAY_SECONDS,
    TOO_BUSY,
    TOO_LATE,
    TRIES,
    read_balance,
)
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.event_log import Tally
from heirpay_pipelines.gateways.stripe.ports import Store

NIGHT = 1_793_491_200


class Account:
    """An account in which payments are made while its balance is read the first `busy` times."""

    def __init__(self, busy: int) -> None:
        self.busy, self.payments, self.landed = busy, 1, dict[str, Any]()

    async def get(self, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        if path == "balance":
            self.payments += 1 if self.busy > 0 else 0
            self.busy -= 1
            return {"object": "balance", "available": [{"amount": 100 * self.payments}]}
        assert params is not None
        assert params["created"] == {"gte": NIGHT}
        data = [
            {"id": f"txn_{n}", "created": NIGHT + n, "currency": "usd", "net": 100,
             "balance_type": "payments", "description": "to Jenny Rosen"}
            for n in range(self.payments)
        ]  # fmt: skip
        return {"object": "list", "data": data, "has_more": False}

    async def put(self, obj: dict[str, Any], source: str) -> None:
        self.landed[obj["object"]] = obj

    async def land(self, resource: None, obj: dict[str, Any], source: str) -> None:
        self.landed[obj["object"]] = obj

    def read(self, now: int) -> Tally:
        tally = Tally()
        client, store = cast("Client", self), cast("Store", self)
        asyncio.run(read_balance(client, store, self.land, now, NIGHT, tally))
        return tally


@pytest.mark.parametrize("busy", [0, 1, TRIES - 1])
def test_a_balance_is_landed_with_just_the_movements_that_are_in_it(busy: int) -> None:
    account = Account(busy)
    tally = account.read(NIGHT + 60)
    assert (tally.rows, tally.note, tally.requests) == (1, None, 3 + 2 * busy)
    moved = account.landed["balance_since"]["movements"]
    assert sum(each["net"] for each in moved) == account.landed["balance"]["available"][0]["amount"]
    assert all("description" not in each for each in moved)


def test_of_an_account_that_never_rests_no_balance_is_compared_and_that_is_said() -> None:
    account = Account(TRIES)
    tally = account.read(NIGHT + 60)
    assert (account.landed, tally.rows, tally.note) == ({}, 0, TOO_BUSY)


def test_of_a_night_long_over_no_balance_is_read() -> None:
    account = Account(0)
    tally = account.read(NIGHT + DAY_SECONDS + 1)
    assert (account.landed, tally.requests, tally.note) == ({}, 0, TOO_LATE)
