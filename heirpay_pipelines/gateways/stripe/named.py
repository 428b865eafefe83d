"""Objects that lists leave out and others name: asked for by id, and landed as they answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from heirpay_pipelines.gateways.coverage import Coverage, verdict
from heirpay_pipelines.gateways.errors import (
    KeyRefusedError,
    NotReadableError,
    PullError,
    TransientError,
)
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.event_log import FETCHES, Land, Tally
from heirpay_pipelines.gateways.stripe.expansions import Expansions
from heirpay_pipelines.gateways.stripe.lister import Object, complete_nested, read_pages
from heirpay_pipelines.gateways.stripe.ports import Store
from heirpay_pipelines.gateways.stripe.references import Missing
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT, Resource

ENDPOINT = "objects named by others"
# What was fetched names others: a promotion code its coupon, that its products.
ROUNDS = 6
# So many of one kind on which no published figure rests; the others would be asked for in vain.
MOST_OF_NO_FIGURE = 500
# A discount of an item or a line is too deep in its holder to be expanded there: (holder, what of
# it is asked for, the expansion). Their list answers with the coupon although it was deleted.
DEEP_COUPONS = {
    "subscription": ("subscription_items", "subscription"),
    "invoice": ("invoices/{id}/lines", None),
}


@dataclass
class References:
    """Follows what was landed to what it names. `refused` are kinds whose list the key may not
    read: they are not asked for one by one. With `full`, what was refused for good before is
    asked for again. `unread` are lines of coverage for single objects."""

    client: Client
    store: Store
    land: Land
    refused: Collection[str]
    expansions: Expansions
    as_of: str
    full: bool = False
    named: Counter[str] = field(default_factory=Counter)
    unread: list[Coverage] = field(default_factory=list)
    failed: list[PullError] = field(default_factory=list)
    _asked: set[tuple[str, str]] = field(default_factory=set)

    async def run(self, tally: Tally) -> None:
        """Ask until nothing new is named. Raises TransientError when some could not be asked for:
        the next pull looks at the same objects again."""
        beyond: Counter[str] = Counter()
        for number in range(ROUNDS):
            missing = await self.store.missing_references(self.full, is_first=number == 0)
            wanted = [each for each in missing if (each.object_name, each.id) not in self._asked]
            self._asked |= {(each.object_name, each.id) for each in wanted}
            if not wanted:
                break
            wanted = self._bounded(wanted, beyond)
            gate = asyncio.Semaphore(FETCHES)
            async with asyncio.TaskGroup() as group:
                for each in wanted:
                    group.create_task(self._ask(each, gate, tally))
        if beyond:
            told = ", ".join(f"{count} {name}" for name, count in sorted(beyond.items()))
            tally.note = f"{told} were not asked for: no published figure rests on them"
        if self.failed:
            raise TransientError(f"{len(self.failed)} objects: {self.failed[0]}")

    def _bounded(self, wanted: list[Missing], beyond: Counter[str]) -> list[Missing]:
        kept, counts = [], Counter[str]()
        for each in wanted:
            resource = BY_OBJECT.get(each.object_name)
            self.named[each.object_name] += 1
            counts[each.object_name] += 1
            if resource is None:
                continue
            if resource.needed == "never" and counts[each.object_name] > MOST_OF_NO_FIGURE:
                beyond[each.object_name] += 1
                continue
            kept.append(each)
        return kept

    async def _ask(self, missing: Missing, gate: asyncio.Semaphore, tally: Tally) -> None:
        async with gate:
            name = missing.object_name
            resource = self.expansions.of(BY_OBJECT[name])
            if missing.object_name in self.refused:
                await self._keep(resource, missing, missing.embedded, tally)
                return
            try:
                await self._fetch(resource, missing, tally)
            except NotReadableError as error:
                await self._unreadable(resource, missing, error, tally)
            except KeyRefusedError:
                raise
            except PullError as error:
                self.failed.append(error)

    async def _fetch(self, resource: Resource, missing: Missing, tally: Tally) -> None:
        params = {"expand": list(resource.expand)} if resource.expand else {}
        tally.requests += 1
        obj: Object = await self.client.get(f"{_single(resource)}/{missing.id}", params)
        if obj.get("deleted") and missing.embedded is not None:
            obj = missing.embedded | {"deleted": True}
        tally.requests += await complete_nested(self.client, obj)
        await self._keep(resource, missing, obj, tally)

    async def _keep(
        self, resource: Resource, missing: Missing, obj: Object | None, tally: Tally
    ) -> None:
        if obj is None:
            return
        tally.rows += 1
        # A reference within an object holds no more than Stripe puts there.
        await self.land(resource, {"object": missing.object_name} | obj, "list")

    async def _unreadable(
        self, resource: Resource, missing: Missing, error: NotReadableError, tally: Tally
    ) -> None:
        """Gone for good, or not for this key: what another object carries of it is kept instead."""
        carried = missing.embedded
        if carried is None and missing.object_name == "coupon":
            carried = await self._deep_coupon(missing, tally)
        if carried is not None:
            gone = {"deleted": True} if error.status == 404 else {}
            await self._keep(resource, missing, carried | gone, tally)
            return
        status, reason = verdict(error)
        named_by = f"named by {missing.holder} {missing.holder_id}"
        await self.store.put(
            {
                "id": unreadable_id(missing.object_name, missing.id),
                "object": "unreadable_object",
                "object_name": missing.object_name,
                "object_id": missing.id,
                "named_by": missing.holder_id,
                "status": status,
            },
            "list",
        )
        self.unread.append(
            Coverage(
                endpoint=f"/v1/{_single(resource)}/{missing.id}",
                object_name=missing.object_name,
                mode="derived",
                covered_from=None,
                covered_until=self.as_of,
                rows=0,
                requests=1,
                status=status,
                reason=f"{reason}; {named_by}",
            )
        )

    async def _deep_coupon(self, missing: Missing, tally: Tally) -> Object | None:
        """The coupon as a discount of the holder's item or line carries it."""
        if missing.holder not in DEEP_COUPONS:
            return None
        path, name = DEEP_COUPONS[missing.holder]
        params: dict[str, Any] = {"expand": ["data.discounts.source.coupon"]}
        params |= {name: missing.holder_id} if name else {}
        try:
            found, requests = await read_pages(
                self.client, path.format(id=missing.holder_id), params
            )
        except NotReadableError:
            tally.requests += 1
            return None
        tally.requests += requests
        for discount in (d for entry in found for d in entry.get("discounts") or ()):
            source = discount.get("source") if isinstance(discount, dict) else None
            coupon = source.get("coupon") if isinstance(source, dict) else None
            if isinstance(coupon, dict) and coupon.get("id") == missing.id:
                return coupon
        return None


def unreadable_id(object_name: str, id: str, *more: str) -> str:
    """The id of the record of an object that cannot be read: a digest, for it may name a person."""
    text = ":".join((object_name, id, *more))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _single(resource: Resource) -> str:
    """The path under which one object of the resource is asked for."""
    return "accounts" if resource.path == "account" else resource.path
