"""Landed objects turned back into an account that is served over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from landing_harness import Landing, epoch

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.limits import LIMITS, Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import Store

JsonObject = dict[str, Any]


def store_of(landing: Landing, now: str) -> Store:
    """An account that holds what was landed: its newest objects, and its events."""
    store = Store(epoch(now))
    account = {"id": store.account_id, "object": "account", "created": epoch("2026-01-01")}
    store.put({**account, "default_currency": "usd", "country": "US", "livemode": False})
    store.put({"id": "balance", "object": "balance", "available": [], "pending": []})
    for row in sorted(landing.rows, key=lambda row: row["observed_at"]):
        body = json.loads(row["payload"])
        if body["object"] == "event":
            carried = body["data"]["object"]
            body["data"]["object"] = _collapsed(store, carried)
            store.put(body)
        elif body["object"] == "balance":
            store.put({**body, "id": "balance"})
        elif body["object"] == "payout_composition":
            store.link_payout(body["id"], body["balance_transactions"])
        else:
            store.put(_collapsed(store, body))
    return store


def _collapsed(store: Store, body: JsonObject) -> JsonObject:
    """Expanded discounts put as objects of their own; ids in their place, as Stripe lists them."""
    for holder in (body, *(body.get("items") or body.get("lines") or {}).get("data", [])):
        if "discounts" in holder:
            holder["discounts"] = [_kept(store, each) for each in holder["discounts"]]
    return body


def _kept(store: Store, discount: Any) -> str:
    if isinstance(discount, str):
        return discount
    coupon = discount["source"]["coupon"]
    if isinstance(coupon, dict):
        store.put({"created": epoch("2026-01-01"), "livemode": False, **coupon})
        discount["source"]["coupon"] = coupon["id"]
    store.put(discount)
    return str(discount["id"])


@contextmanager
def served(store: Store) -> Iterator[tuple[str, str]]:
    """Base URL and key of the account on a free loopback port, until the block ends."""
    server = Server(Api(store, frozenset({SANDBOX_KEY})), Limiter(*LIMITS["off"]))
    config = uvicorn.Config(
        server, host="127.0.0.1", port=0, log_level="warning", lifespan="off", date_header=False
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", SANDBOX_KEY
    finally:
        running.should_exit = True
        thread.join(timeout=10)
