"""Read the served account's events, as Stripe itself would to deliver them."""

from __future__ import annotations

from typing import Any

import click
import httpx

from heirpay_pipelines.sandbox.store import Object

DAY = 86_400


def events_of(base_url: str, key: str, days: int) -> list[Object]:
    """The events of the account's last days, oldest first; ClickException if it cannot be asked."""
    try:
        with httpx.Client(base_url=base_url, headers={"authorization": f"Bearer {key}"}) as client:
            now = client.get("/_sandbox/stats").raise_for_status().json()["now"]
            params: dict[str, Any] = {"limit": 100, "created[gt]": now - days * DAY}
            found: list[Object] = []
            while True:
                page = client.get("/v1/events", params=params).raise_for_status().json()
                found += page["data"]
                if not page["has_more"]:
                    return found[::-1]
                params["starting_after"] = found[-1]["id"]
    except httpx.HTTPError as error:
        raise click.ClickException(
            f"The embedded account at {base_url} cannot be read ({error}); "
            "serve it with `heirpay sandbox serve`."
        ) from None
