"""The embedded account's objects, events and clock."""

from __future__ import annotations

from bisect import insort
from typing import Any

import orjson

API_VERSION = "2026-10-28.endive"


class Store:
    """Every object of the account, newest version only, and its event log.

    Expandable references are plain ids and nested lists are complete: the server truncates,
    collapses and expands. `now` is the account's clock in epoch seconds.
    """

    def __init__(self, now: int, account_id: str = "acct_1HeirPaySandbox0") -> None:
        self.now = now
        self.account_id = account_id
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._order: dict[str, list[tuple[int, str]]] = {}
        self._payouts: dict[str, list[str]] = {}
        self._payout_of: dict[str, str] = {}
        self._lists: dict[str, list[dict[str, Any]]] = {}
        self._events = 0

    def put(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Insert or replace by (object, id)."""
        kind, key = obj["object"], obj["id"]
        known = self._objects.setdefault(kind, {})
        if key not in known:
            insort(self._order.setdefault(kind, []), (obj.get("created", 0), key))
        known[key] = obj
        self._lists.pop(kind, None)
        return obj

    def get(self, object_type: str, id: str) -> dict[str, Any]:
        """Raise KeyError when the account has no such object."""
        return self._objects[object_type][id]

    def find(self, object_type: str, id: str) -> dict[str, Any] | None:
        return self._objects.get(object_type, {}).get(id)

    def all(self, object_type: str) -> list[dict[str, Any]]:
        """Oldest first; objects of one second in the order of their ids."""
        listed = self._lists.get(object_type)
        if listed is None:
            known = self._objects.get(object_type, {})
            listed = [known[key] for _, key in self._order.get(object_type, [])]
            self._lists[object_type] = listed
        return listed

    def types(self) -> list[str]:
        return sorted(self._objects)

    def emit(
        self,
        type: str,
        obj: dict[str, Any],
        created: int,
        previous_attributes: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Append an event that holds the object as it is at this moment."""
        self._events += 1
        data: dict[str, Any] = {"object": obj}
        if previous_attributes is not None:
            data["previous_attributes"] = previous_attributes
        return self.put(
            {
                "id": f"evt_1{self._events:023d}",
                "object": "event",
                "api_version": API_VERSION,
                "created": created,
                "data": orjson.loads(orjson.dumps(data)),  # a copy, four times as fast as copy's
                "livemode": False,
                "pending_webhooks": 0,
                "request": {"id": None, "idempotency_key": None},
                "type": type,
            }
        )

    def link_payout(self, payout_id: str, balance_transaction_ids: list[str]) -> None:
        """Say which balance transactions an automatic payout contains."""
        self._payouts[payout_id] = list(balance_transaction_ids)
        self._payout_of.update(dict.fromkeys(balance_transaction_ids, payout_id))

    def payout_contents(self, payout_id: str) -> list[dict[str, Any]]:
        """The balance transactions of an automatic payout, oldest first."""
        return [self.get("balance_transaction", id) for id in self._payouts.get(payout_id, [])]

    def payout_of(self, balance_transaction_id: str) -> str | None:
        return self._payout_of.get(balance_transaction_id)
