"""An account ready to be served: the company in a store behind the API."""

from __future__ import annotations

from datetime import datetime

from heirpay_pipelines.sandbox.api import Api
from heirpay_pipelines.sandbox.company import build_company
from heirpay_pipelines.sandbox.limits import LIMITS, Limiter
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.store import Store

DAY = 86_400


def open_account(
    seed: int, scale: int, start: datetime, now: datetime, key: str, limits: str, latency: float
) -> Server:
    """Build the company and the server in front of it; `latency` in seconds."""
    store = Store(int(now.timestamp()))
    company = build_company(store, seed, int(start.timestamp()), int(now.timestamp()), scale)

    def advance(days: int) -> None:
        company.advance_to(store.now + days * DAY)

    api = Api(store, frozenset({key}))
    return Server(api, Limiter(*LIMITS[limits]), latency, advance)


def open_bulk_account(
    transactions: int, start: datetime, now: datetime, key: str, limits: str, latency: float
) -> Server:
    """So many balance transactions, a fifth of them of charges. Raises ValueError if too few."""
    from heirpay_pipelines.sandbox.bulk import BulkStore

    store = BulkStore(transactions, transactions // 5, int(start.timestamp()), int(now.timestamp()))
    return Server(Api(store, frozenset({key})), Limiter(*LIMITS[limits]), latency)
