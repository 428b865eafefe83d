"""Radar value lists of the embedded account: the one thing in it that can be written."""

from __future__ import annotations

from typing import Any

import orjson

from heirpay_pipelines.sandbox.errors import ApiError, missing
from heirpay_pipelines.sandbox.filters import Params
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
LISTS, ITEMS = "radar.value_list", "radar.value_list_item"
# The lists that every account has: alias → what it holds.
DEFAULTS = {
    "card_fingerprint_blocklist": "card_fingerprint",
    "card_bin_blocklist": "card_bin",
    "card_country_blocklist": "country",
    "client_ip_address_blocklist": "ip_address",
    "customer_id_blocklist": "customer_id",
    "email_blocklist": "email",
}


class ValueLists:
    """Serves and extends the lists of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._by_key: dict[str, str] = {}

    def prepare(self) -> None:
        """Give the account the lists that every account has, when they are first asked for."""
        if self.store.all(LISTS):
            return
        created = self.store.get("account", self.store.account_id)["created"]
        for number, (alias, kind) in enumerate(DEFAULTS.items(), 1):
            self.store.put({
                "id": f"rsl_{number:024d}", "object": LISTS, "alias": alias, "created": created,
                "created_by": "stripe", "item_type": kind, "list_items": _no_items(number),
                "livemode": False, "metadata": {}, "name": alias.replace("_", " ").capitalize(),
            })  # fmt: skip

    def add(self, form: Params, idempotency_key: str) -> bytes:
        """POST radar/value_list_items; the same idempotency key gives the same item."""
        self.prepare()
        given = dict(form)
        if (known := self._by_key.get(idempotency_key)) is not None:
            return orjson.dumps(self.store.get(ITEMS, known))
        for name in ("value_list", "value"):
            if not given.get(name):
                raise ApiError(
                    400, f"Missing required param: {name}.", param=name, code="parameter_missing"
                )
        holder = self.store.find(LISTS, given["value_list"])
        if holder is None:
            raise missing(LISTS, given["value_list"])
        if any(item["value"] == given["value"] for item in holder["list_items"]["data"]):
            raise ApiError(400, "This value is in the list already.", param="value")
        item = {
            "id": f"rsli_{len(self.store.all(ITEMS)) + 1:024d}", "object": ITEMS,
            "created": self.store.now, "created_by": "API", "livemode": False,
            "value": given["value"], "value_list": holder["id"],
        }  # fmt: skip
        self.store.put(item)
        items = {**holder["list_items"], "data": [item, *holder["list_items"]["data"]]}
        self.store.put({**holder, "list_items": items})
        if idempotency_key:
            self._by_key[idempotency_key] = item["id"]
        return orjson.dumps(item)


def _no_items(number: int) -> Object:
    url = f"/v1/radar/value_list_items?value_list=rsl_{number:024d}"
    return {"object": "list", "data": [], "has_more": False, "url": url}
