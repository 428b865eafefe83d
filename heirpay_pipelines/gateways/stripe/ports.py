"""What a pull needs around it: where versions go, what was landed before, who watches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from heirpay_pipelines.gateways.coverage import Coverage
from heirpay_pipelines.gateways.stripe.lister import Object
from heirpay_pipelines.gateways.stripe.references import Missing


@dataclass(frozen=True)
class Named:
    """The newest version of one object that the event log carries (`payload`, JSON text).

    `doubtful` says that the log alone does not tell which version is the newest: events of the
    same second differ, or an event came late.
    """

    object_name: str
    id: str
    event_id: str
    event_type: str
    observed_at: datetime
    api_version: str | None
    doubtful: bool
    payload: str


@dataclass(frozen=True)
class PaidOut:
    """An automatic payout: when it is expected at the bank (epoch seconds), and the balance
    transaction of the payout itself."""

    id: str
    arrival_date: int
    balance_transaction: str | None


class Progress(Protocol):
    """Hears what a pull does, as it does it. `left` is an estimate of objects still to come."""

    def started(self, limits: tuple[float, float]) -> None: ...
    def listed(self, object_name: str, rows: int, requests: int) -> None: ...
    def left(self, object_name: str, objects: int) -> None: ...
    def done(self, coverage: Coverage) -> None: ...
    def note(self, text: str) -> None: ...


@dataclass(frozen=True)
class Later:
    """What was listed in a version later than the instant: how many objects, and (object, id) of
    those without a version that is known of then."""

    moved: int
    left_out: list[tuple[str, str]]


class Store(Protocol):
    """Where a pull puts what it reads, and what it may ask about this pull and earlier ones."""

    async def put(
        self,
        obj: Object,
        source: str,
        observed_at: datetime | None = None,
        event_id: str | None = None,
        api_version: str | None = None,
    ) -> None:
        """Keep one version."""

    async def flush(self, object_name: str) -> None:
        """Make what was put so far visible to the questions below."""

    def known_events(self, since: int) -> set[str]:
        """Events created at or after `since` (epoch seconds) that earlier pulls have followed."""

    def named_by_events(self, seen_until: int) -> Iterator[list[Named]]:
        """What the events of this pull name, in batches; an event stamped `seen_until` or before
        came late."""

    def event_object(self, event_id: str) -> Object:
        """The object that an event of this pull carries."""

    def payouts_to_compose(self) -> list[PaidOut]:
        """Automatic payouts that Stripe has reconciled and whose composition is not landed, by
        their arrival date."""

    def credit_used_up(self) -> list[str]:
        """Customers of this pull without a credit balance, of whose changes landed before some
        balance is left: at least one change is not landed."""

    def taxes_to_ask(self) -> list[str]:
        """Payment intents whose tax association was landed before and has more to tell: none of
        its transactions was known yet, or this pull holds a refund of the payment."""

    def unlisted(self, object_name: str) -> list[Object]:
        """Objects landed before, not deleted, that this pull's full list does not hold."""

    async def missing_references(self, asked: bool, is_first: bool) -> list[Missing]:
        """What landed objects name and landing does not hold, but for what Stripe refused for good
        (unless it is `asked` for again). At `is_first` those of all pulls since the last that
        followed its references to the end are looked at, later what was put since."""

    def holds(self, object_name: str) -> bool:
        """Whether any object of the kind was ever landed."""

    async def correct_later(self) -> Later:
        """Move what was put in a version later than the instant to when it held, and put the
        version of then beside it. What was put as `late_event` is used and forgotten."""
