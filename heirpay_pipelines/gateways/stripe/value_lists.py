"""Radar value lists: the one thing that this project ever writes at Stripe, on explicit command.

The key is STRIPE_WRITE_KEY, a restricted key with the write permission of Radar and nothing else;
the nightly run never has it.
"""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import stripe

from heirpay_pipelines.gateways.errors import (
    KeyRefusedError,
    NotReadableError,
    PullError,
    TransientError,
)
from heirpay_pipelines.gateways.stripe.client import SyncTransport

TIMEOUT_SECONDS = 30.0
RETRIES = 3


class ValueLists:
    """The value lists of one account, with the SDK's own retries (writes carry a key for that)."""

    def __init__(self, key: str, base: str) -> None:
        self._transport = SyncTransport(timeout=TIMEOUT_SECONDS)
        self._stripe = stripe.StripeClient(
            key,
            base_addresses={"api": base},
            http_client=self._transport,
            max_network_retries=RETRIES,
        )

    def find(self, alias: str) -> str:
        """The id of the list of this alias; PullError when the account has none."""
        found = self._request("get", "radar/value_lists", {"alias": alias})["data"]
        if not found:
            raise PullError(
                f"the account has no Radar value list {alias}: create it in the dashboard"
            )
        return str(found[0]["id"])

    def holds(self, list_id: str, value: str) -> bool:
        """Whether the list has this value."""
        params = {"value_list": list_id, "value": value}
        found = self._request("get", "radar/value_list_items", params)["data"]
        return any(item["value"] == value for item in found)

    def add(self, list_id: str, value: str, idempotency_key: str) -> str:
        """Add a value; the id of its item. The same key never adds it twice."""
        params = {"value_list": list_id, "value": value}
        answer = self._request("post", "radar/value_list_items", params, idempotency_key)
        return str(answer["id"])

    def _request(
        self, method: str, path: str, params: dict[str, Any], once: str | None = None
    ) -> dict[str, Any]:
        options = {"idempotency_key": once} if once else {}
        try:
            answer = self._stripe.raw_request(method, f"/v1/{path}", **params, **options)
        except stripe.StripeError as error:
            raise _explained(method, path, error) from None
        return dict(orjson.loads(answer.body))


def _explained(method: str, path: str, error: stripe.StripeError) -> PullError:
    what, status = f"{method.upper()} /v1/{path}", error.http_status
    if status == httpx.codes.UNAUTHORIZED:
        return KeyRefusedError("Stripe does not accept STRIPE_WRITE_KEY: set the right key")
    if status == httpx.codes.FORBIDDEN:
        return NotReadableError(
            status,
            f"{what}: STRIPE_WRITE_KEY has no permission; give it write on Radar, nothing else",
        )
    if status is None or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return TransientError(f"{what}: Stripe did not answer ({status}); apply it again")
    return PullError(f"{what}: Stripe refused the request ({status}: {error.code})")
