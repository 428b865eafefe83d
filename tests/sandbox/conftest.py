"""The default company over HTTP, built and served once for all tests that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from heirpay_pipelines.sandbox import SANDBOX_KEY
from heirpay_pipelines.sandbox.account import open_account
from heirpay_pipelines.sandbox.server import Server
from heirpay_pipelines.sandbox.serving import serve

START = datetime(2025, 5, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="session")
def company_server() -> Server:
    """The default company behind its API, without limits. Tests must not change it."""
    return open_account(1, 1, START, NOW, SANDBOX_KEY, "off", 0.0)


@pytest.fixture(scope="session")
def company_url(company_server: Server) -> Iterator[str]:
    with serve(company_server) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def company(company_url: str) -> Iterator[httpx.Client]:
    """A client of the served company, whose paths begin under /v1/."""
    headers = {"authorization": f"Bearer {SANDBOX_KEY}"}
    with httpx.Client(base_url=f"{company_url}/v1/", headers=headers, timeout=30) as client:
        yield client
