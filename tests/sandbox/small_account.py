"""A small account by hand, for what is tested by its exact contents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.serving import serve, server_of
from heirpay_pipelines.sandbox.store import Store

NOW = 1_800_000_000
DAY = 86_400


def account(now: int = NOW) -> Store:
    """An account that holds itself and its balance."""
    store = Store(now)
    store.put({"id": store.account_id, "object": "account", "created": now - 100 * DAY})
    store.put({"id": "balance", "object": "balance", "available": [], "pending": []})
    return store


def put(store: Store, object_type: str, id: str, created: int = NOW - DAY, **fields: Any) -> None:
    store.put({"id": id, "object": object_type, "created": created, **fields})


@contextmanager
def client_of(server: Server, key: str = SANDBOX_KEY) -> Iterator[httpx.Client]:
    """A client of a served account, whose paths begin under /v1/."""
    headers = {"authorization": f"Bearer {key}"}
    with (
        serve(server) as base_url,
        httpx.Client(base_url=f"{base_url}/v1/", headers=headers, timeout=10) as client,
    ):
        yield client


@contextmanager
def served(store: Store, **options: Any) -> Iterator[httpx.Client]:
    with client_of(server_of(store, **options)) as client:
        yield client


def ids(answer: httpx.Response) -> list[str]:
    return [obj["id"] for obj in answer.raise_for_status().json()["data"]]


def admin(client: httpx.Client, method: str, what: str, **sent: Any) -> httpx.Response:
    """A request to what only the embedded account has: stats, log, faults, advance."""
    url = str(client.base_url).replace("/v1/", f"/_sandbox/{what}")
    return client.request(method, url, **sent)
