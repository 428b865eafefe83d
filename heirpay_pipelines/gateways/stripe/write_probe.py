"""May the key write? Asked so that nothing can change, whatever the answer.

Each request is a POST to one object's own address, with an id that no object has and without a
single parameter. Stripe looks at a restricted key's permission first: without the write permission
it answers 403 and names the permission that is missing (`rak_charge_write`); with it, 404, there
being no such object. Even of an object that was there, an update without parameters changes
nothing. Disputes are left out for that reason: updating one submits its evidence by default.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx

from heirpay_pipelines.gateways.stripe.client import Client

Answer = Literal["refused", "permitted", "unclear"]
# Path → how its ids begin. What follows has an underscore, which Stripe's ids never have there.
WRITABLE = {
    "charges": "ch", "payment_intents": "pi", "payment_methods": "pm", "refunds": "re",
    "payouts": "po", "transfers": "tr", "topups": "tu", "customers": "cus", "products": "prod",
    "prices": "price", "coupons": "coupon", "promotion_codes": "promo", "tax_rates": "txr",
    "subscriptions": "sub", "subscription_schedules": "sub_sched", "invoices": "in",
    "credit_notes": "cn", "webhook_endpoints": "we",
}  # fmt: skip
IMPOSSIBLE = "heirpay_write_probe"
EVERY = timedelta(days=7)


def key_id(key: str) -> str:
    """Which key it was, from which no key can be found out."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def probe_due(newest: Mapping[str, Any] | None, key: str, now: datetime) -> bool:
    """Whether to ask again: of a restricted key that was never asked of, a week ago, or without a
    clear answer. A secret key (`sk_`) can do everything: nothing needs to be asked."""
    if not key.startswith("rk_"):
        return False
    if newest is None or newest["key"] != key_id(key):
        return True
    unclear = "unclear" in newest["answers"].values()
    return unclear or datetime.fromisoformat(newest["probed_at"]) <= now - EVERY


async def probe_writes(client: Client, key: str, now: datetime) -> dict[str, Any]:
    """Ask for every resource: one request each. The record of a manifest: `key` (see `key_id`),
    `probed_at`, and `answers` by resource."""
    found = await asyncio.gather(*(_ask(client, path) for path in WRITABLE))
    return {
        "key": key_id(key),
        "probed_at": now.isoformat(),
        "answers": dict(zip(WRITABLE, found, strict=True)),
    }


async def _ask(client: Client, path: str) -> Answer:
    status, code = await client.post_nothing(f"{path}/{WRITABLE[path]}_{IMPOSSIBLE}")
    if status == httpx.codes.FORBIDDEN:
        return "refused"
    if status == httpx.codes.NOT_FOUND and code == "resource_missing":
        return "permitted"
    # An update without parameters that is found wanting was looked at: the key may write.
    return "permitted" if status in (httpx.codes.OK, httpx.codes.BAD_REQUEST) else "unclear"
