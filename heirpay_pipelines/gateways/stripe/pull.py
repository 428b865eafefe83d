"""One pull: everything at first, then what the event log says has changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from heirpay_pipelines.gateways.coverage import COMPLETE, FAILED, FORBIDDEN, Coverage, verdict
from heirpay_pipelines.gateways.errors import KeyRefusedError, PullError, first_of
from heirpay_pipelines.gateways.stripe.afterwards import ENDPOINT as AFTERWARDS
from heirpay_pipelines.gateways.stripe.afterwards import late_events, leave_out, line_of
from heirpay_pipelines.gateways.stripe.balance import read_balance
from heirpay_pipelines.gateways.stripe.client import Client
from heirpay_pipelines.gateways.stripe.derived import (
    PAYOUT_REPORT,
    WORTH_A_REPORT,
    Derived,
    is_taxed,
)
from heirpay_pipelines.gateways.stripe.event_log import Changes, EventSink, Tally
from heirpay_pipelines.gateways.stripe.expansions import Expansions
from heirpay_pipelines.gateways.stripe.lister import (
    PAGE,
    ListPull,
    Object,
    Page,
    Window,
    complete_nested,
    is_cut,
)
from heirpay_pipelines.gateways.stripe.named import ENDPOINT, References
from heirpay_pipelines.gateways.stripe.ports import Progress, Store
from heirpay_pipelines.gateways.stripe.reports import Reports
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT, BY_PATH, RESOURCES, Resource

RETENTION_SECONDS = 30 * 86_400
# Stripe keeps events for 30 days; a cursor that is nearly as old is not trusted any more.
OLDEST_CURSOR_SECONDS = 29 * 86_400
# Objects may be listed a little after the second they are stamped with: look back a while.
OVERLAP_SECONDS = 3_600
EVENT, BALANCE = BY_OBJECT["event"], BY_OBJECT["balance"]
PAYOUTS = "payout_reconciliation"
TAXED = "tax_transactions of payments that Stripe Tax calculated"
FROM_REPORT = "from Stripe's own report, which costs no read allocation"
Read = Callable[[Tally], Awaitable[None]]


@dataclass
class Pull:
    """`cursors` say up to where (epoch seconds) earlier pulls have read each object; one without a
    cursor is listed in full. `origin` is when the account began (epoch seconds). `reports` is asked
    for the contents of many payouts; without it each is listed."""

    client: Client
    store: Store
    as_of: datetime
    cursors: Mapping[str, int]
    progress: Progress
    origin: int = 0
    full: bool = False
    reports: Reports | None = None
    coverage: dict[str, Coverage] = field(default_factory=dict)
    unread: list[Coverage] = field(default_factory=list)
    """Lines of single objects: what is gone or not for this key, or left out of this night."""
    newest_event: int = 0
    _credited: set[str] = field(default_factory=set)
    _taxed: set[str] = field(default_factory=set)
    _children: Counter[str] = field(default_factory=Counter)
    expansions: Expansions = field(init=False)

    def __post_init__(self) -> None:
        self.expansions = Expansions(self.client)

    @property
    def until(self) -> int:
        return int(self.as_of.timestamp()) + 1

    @property
    def mode(self) -> str:
        """`events` when the event log still reaches back to the newest pull, else `full`: a gap
        longer than Stripe's retention heals by listing everything again."""
        cursor = self.cursors.get("event")
        gap = cursor is None or self.until - cursor > OLDEST_CURSOR_SECONDS
        return "full" if self.full or gap else "events"

    def since(self, resource: Resource) -> int | None:
        """Up to where the resource was read; None when it must be listed in full."""
        cursor = self.cursors.get(resource.object_name)
        if self.mode == "full" or cursor is None:
            return None
        if resource.follow == "events" and cursor != self.cursors["event"]:
            return None  # what happened to it in between, the events to come do not tell
        return cursor

    async def run(self) -> None:
        """Read everything that belongs to this pull. Raises KeyRefusedError, or the first error
        that is not one endpoint's own."""
        self.progress.started(self.client.budget.limits)
        self.cursors = await self.expansions.regained(self.cursors)
        followed = [r for r in RESOURCES if r.follow == "events" and self.since(r) is not None]
        try:
            await self._all(r for r in RESOURCES if r not in followed)
            if followed:
                await self._follow(followed)
            await self._derived()
            await self._named()
            await self._cover(AFTERWARDS, "late_event", "derived", None, self._afterwards)
        except BaseExceptionGroup as errors:
            raise first_of(errors) from None

    def new_cursors(self) -> dict[str, int]:
        """Up to where each object is read now. Our clock may be ahead of Stripe's, or an as-of
        instant lie in the future: no cursor passes both Stripe's clock and the newest event."""
        clock = max(self.client.clock or int(datetime.now(UTC).timestamp()), self.newest_event)
        reached = min(self.until - 1, clock)
        broken = {line.object_name for line in self.coverage.values() if line.status != COMPLETE}
        if "customer_balance_transaction" in broken:  # these lists say whose credit changed
            broken |= {"customer", "invoice"}
        if "tax.transaction" in broken:  # which payments were taxed, the next pull learns again
            broken.add("payment_intent")
        read = {line.object_name for line in self.coverage.values()} & BY_OBJECT.keys()
        cursors = {**self.cursors, **dict.fromkeys(sorted(read - broken), reached)}
        return self.expansions.noted(cursors, reached)

    async def land(self, resource: Resource | None, obj: Any, source: str, **seen: Any) -> None:
        """Keep one object, its cut lists completed before, with its children beside it."""
        if not isinstance(obj, dict):
            await self.store.put(obj, source, **seen)
            return
        if obj.get("object") == "event":
            at = obj.get("created")
            if isinstance(at, int):
                self.newest_event = max(self.newest_event, at)
                seen["observed_at"] = datetime.fromtimestamp(at, UTC)
            seen |= {"event_id": obj.get("id"), "api_version": obj.get("api_version")}
        self._remember(obj)
        for name in resource.children if resource else ():
            nested = obj.get(name)
            for child in nested.get("data", []) if isinstance(nested, dict) else []:
                self._children[name] += 1
                await self.store.put(child, source, **seen)
        await self.store.put(obj, source, **seen)

    def _remember(self, obj: Object) -> None:
        kind = obj.get("object")
        if kind == "invoice" and (obj.get("starting_balance") or obj.get("ending_balance")):
            self._credited.add(str(obj.get("customer")))
        elif kind == "customer" and obj.get("balance"):
            self._credited.add(str(obj.get("id")))
        elif kind == "payment_intent" and obj.get("status") == "succeeded" and is_taxed(obj):
            self._taxed.add(str(obj.get("id")))

    async def _all(self, resources: Iterable[Resource]) -> None:
        async with asyncio.TaskGroup() as group:
            for resource in resources:
                once = resource.follow == "always"
                group.create_task(self._once(resource) if once else self._list(resource))

    async def _once(self, resource: Resource) -> None:
        async def read(tally: Tally) -> None:
            if resource is BALANCE:
                now = self.client.clock or int(datetime.now(UTC).timestamp())
                await read_balance(self.client, self.store, self.land, now, self.until, tally)
                return
            tally.requests += 1
            await self.land(resource, await self.client.get(resource.path), "list")
            tally.rows += 1

        await self._covered(resource, "always", None, read)

    async def _list(self, resource: Resource) -> None:
        cursor = self.since(resource)
        since = None if cursor is None else cursor - OVERLAP_SECONDS
        mode = "full" if since is None else resource.follow
        sink = self._sink
        if resource is EVENT:
            sink = EventSink(self.store, self.progress, since, self.land)
            since = self.until - RETENTION_SECONDS if since is None else since

        def left(pages: float) -> None:
            self.progress.left(resource.object_name, int(pages * PAGE))

        async def list_all(plain: Resource, tally: Tally) -> None:
            pull = ListPull(self.client, plain, sink, self.origin, left)
            try:
                await pull.run(Window(since, self.until))
            finally:
                tally.rows, tally.requests = pull.rows, pull.requests

        async def read(tally: Tally) -> None:
            await self.expansions.read(resource, list_all, tally)

        note = resource.why_listed if mode == "full" else None
        await self._covered(resource, mode, since, read, note)

    async def _sink(self, resource: Resource, page: Page) -> int:
        cut = [obj for obj in page if is_cut(obj)]
        extra = sum(await asyncio.gather(*(complete_nested(self.client, obj) for obj in cut)))
        for obj in page:
            await self.land(resource, obj, "list")
        self.progress.listed(resource.object_name, len(page), 1 + extra)
        return extra

    async def _follow(self, followed: list[Resource]) -> None:
        """Land what the events name. Without a permission for events, list everything; when their
        list fails, these resources are left as they were, and the next pull takes them up."""
        events = self.coverage[f"/v1/{EVENT.path}"]
        if events.status == FAILED:
            for resource in followed:
                self._tell(f"/v1/{resource.path}", resource.object_name, "events", None, Tally(),
                           FAILED, "the event log could not be read")  # fmt: skip
            return
        if events.status != COMPLETE:
            self.full = True
            await self._all(followed)
            return
        since = self.cursors["event"]
        changes = Changes(
            self.client, self.store, self.progress, since, self.until, self.land
        )  # fmt: skip
        fetched = {
            name
            for name, resource in BY_OBJECT.items()
            if resource.follow == "always" or self.since(resource) is None
        }
        await changes.take_whole(fetched)
        async with asyncio.TaskGroup() as group:
            for resource in BY_OBJECT.values():
                if resource in followed or resource.object_name in changes.wanted:
                    group.create_task(self._ask_again(resource, changes))

    async def _ask_again(self, resource: Resource, changes: Changes) -> None:
        async def ask(plain: Resource, tally: Tally) -> None:
            await changes.ask_again(plain, self._sink, tally)

        async def read(tally: Tally) -> None:
            await self.expansions.read(resource, ask, tally)

        await self._covered(resource, "events", changes.since, read)

    async def _derived(self) -> None:
        derived = Derived(self.client, self.store, self.land)
        await self._backfill(derived)
        await self._cover("/v1/balance_transactions?payout={id}", "payout_composition", "derived",
                          None, derived.compositions, needed_for=PAYOUTS)  # fmt: skip
        await self.store.flush("customer")
        self._credited.update(self.store.credit_used_up())
        await self._cover(
            "/v1/customers/{id}/balance_transactions", "customer_balance_transaction", "derived",
            None, lambda tally: derived.customer_credit(self._credited, tally),
        )  # fmt: skip
        await self._taxes(derived)
        for resource in RESOURCES:
            line = self.coverage.get(f"/v1/{resource.path}")
            if resource.deletable and line and (line.mode, line.status) == ("full", COMPLETE):
                await self._vanished(derived, resource)

    async def _taxes(self, derived: Derived) -> None:
        await self.store.flush("refund")
        self._taxed.update(self.store.taxes_to_ask())
        await self._cover(
            "/v1/tax/associations/find?payment_intent={id}", "tax.transaction", "derived", None,
            lambda tally: derived.taxes(self._taxed, tally), needed_for=TAXED,
        )  # fmt: skip

    async def _named(self) -> None:
        """What objects name and no list has; then, which kinds are named that cannot be read."""
        refused = {
            line.object_name
            for line in self.coverage.values()
            if line.status == FORBIDDEN and line.endpoint == f"/v1/{_path(line.object_name)}"
        }
        named = References(
            self.client, self.store, self.land, refused, self.expansions, self.as_of.isoformat(),
            self.full,
        )  # fmt: skip
        await self._cover(ENDPOINT, "unreadable_object", "derived", None, named.run)
        self.unread += named.unread
        for path, line in self.coverage.items():
            resource = BY_PATH.get(path.removeprefix("/v1/").removesuffix("/{id}"))
            if resource is None or line.status == COMPLETE or line.needed_for:
                continue
            is_named = line.object_name in named.named or self.store.holds(line.object_name)
            needed = resource.needed_for(is_named)
            cost = "" if needed else f"; without it: no {resource.figures}"
            self.coverage[path] = replace(
                line, needed_for=needed, reason=f"{line.reason or line.status}{cost}"
            )

    async def _afterwards(self, tally: Tally) -> None:
        """Take back what lists answered of the time after the instant."""
        try:
            await late_events(self.client, self.store, self.until, tally)
        finally:
            later = await self.store.correct_later()
            tally.rows = later.moved
            for object_name, id in later.left_out:
                resource = BY_OBJECT.get(object_name)
                path = resource.path if resource else object_name
                await leave_out(self.store, object_name, id)
                self.unread.append(line_of(path, object_name, id, self.as_of.isoformat()))

    async def _backfill(self, derived: Derived) -> None:
        """Many payouts at once, as at first: their contents from a report, where the key may."""
        await self.store.flush("payout")
        reports = self.reports
        if reports is None or len(self.store.payouts_to_compose()) < WORTH_A_REPORT:
            return
        await self._cover(
            f"reporting/{PAYOUT_REPORT} for payouts", "payout_composition", "report", None,
            lambda tally: derived.backfill(reports, tally), FROM_REPORT,
        )  # fmt: skip

    async def _vanished(self, derived: Derived, resource: Resource) -> None:
        await self.store.flush(resource.object_name)
        objects = self.store.unlisted(resource.object_name)
        if not objects:
            return

        async def read(tally: Tally) -> None:
            await derived.vanished(resource, objects, tally)

        path = f"/v1/{resource.path}/{{id}}"
        await self._cover(path, resource.object_name, "derived", None, read)

    async def _covered(
        self, resource: Resource, mode: str, since: int | None, read: Read, note: str | None = None
    ) -> None:
        path = f"/v1/{resource.path}"
        if path in self.coverage:  # listed by what was created, and named by events as well
            path += "/{id}"
        await self._cover(path, resource.object_name, mode, since, read, note)
        if self.coverage[path].status == COMPLETE:
            self._tell_of_children(resource, path, mode, since)

    def _tell_of_children(
        self, resource: Resource, path: str, mode: str, since: int | None
    ) -> None:
        """A line for what is landed from within the resource, and needs a permission of its own."""
        for name in resource.children:
            refused = name in self.expansions.lost(resource)
            self._tell(
                f"{path}?expand[]=data.{name}", name.removesuffix("s"), mode, since,
                Tally(rows=self._children[name]), FORBIDDEN if refused else COMPLETE,
                f"the key may not expand it; without it: no {resource.children_figures}"
                if refused else None,
            )  # fmt: skip

    async def _cover(
        self, path: str, name: str, mode: str, since: int | None, read: Read,
        note: str | None = None, needed_for: str | None = None,
    ) -> None:  # fmt: skip
        """Read, and say in a line of coverage how that went; `note` is said when it went well."""
        tally, status, reason = Tally(), COMPLETE, note
        try:
            await read(tally)
            reason = tally.note or note
        except PullError as error:
            status, reason = self._verdict(error)
        except BaseExceptionGroup as errors:
            status, reason = self._verdict(first_of(errors))
        needed = None if status == COMPLETE else needed_for
        self._tell(path, name, mode, since, tally, status, reason, needed)

    def _verdict(self, error: BaseException) -> tuple[str, str]:
        if not isinstance(error, PullError) or isinstance(error, KeyRefusedError):
            raise error
        return verdict(error)

    def _tell(
        self, path: str, name: str, mode: str, since: int | None, tally: Tally,
        status: str, reason: str | None, needed_for: str | None = None,
    ) -> None:  # fmt: skip
        line = Coverage(
            endpoint=path,
            object_name=name,
            mode=mode,
            covered_from=datetime.fromtimestamp(since, UTC).isoformat() if since else None,
            covered_until=self.as_of.isoformat(),
            rows=tally.rows,
            requests=tally.requests,
            status=status,
            reason=reason,
            needed_for=needed_for,
        )
        self.coverage[path] = line
        self.progress.done(line)


def _path(object_name: str) -> str:
    resource = BY_OBJECT.get(object_name)
    return resource.path if resource else ""
