"""The default company, built once for all tests that only read it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from heirpay_pipelines.sandbox.company import Company, build_company
from heirpay_pipelines.sandbox.store import Store

Object = dict[str, Any]
DAY = 86_400
START = int(datetime(2025, 5, 1, tzinfo=UTC).timestamp())
NOW = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())
SEED = 1


def build(until: int, seed: int = SEED) -> Company:
    return build_company(Store(until), seed, START, until)


@cache
def default_company() -> Company:
    """Tests must not change it."""
    return build(NOW)
