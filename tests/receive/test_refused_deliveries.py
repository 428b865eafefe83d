"""Requests that are refused for their signature are counted where the night sees them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from heirpay_pipelines.controls.probes.abuse import TEXT, signed
from heirpay_pipelines.receive.app import WEBHOOK_PATH, create_app
from heirpay_pipelines.receive.refusals import Refusals
from heirpay_pipelines.receive.signature import Verifier
from heirpay_pipelines.state import open_state

AT = datetime(2026, 11, 1, 10, 59, 59, tzinfo=UTC)


async def posted(state_file: Path, secrets: list[str]) -> list[int]:
    app = create_app(state_file, Verifier(("whsec_ours",), 300))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://endpoint") as client,
    ):
        return [
            (
                await client.post(WEBHOOK_PATH, content=TEXT, headers=signed(TEXT, secret=secret))
            ).status_code
            for secret in secrets
        ]


@pytest.mark.parametrize(
    ("secrets", "answers", "counted"),
    [
        (["whsec_other"] * 3, [400] * 3, [{"reason": "signature_wrong", "requests": 3}]),
        (["whsec_ours"], [200], []),
    ],
)
def test_the_endpoint_counts_what_it_refuses(
    tmp_path: Path, secrets: list[str], answers: list[int], counted: list[dict[str, object]]
) -> None:
    state_file = tmp_path / "state.sqlite"
    assert asyncio.run(posted(state_file, secrets)) == answers
    with open_state(state_file) as state:
        found = state.rows("select reason, sum(requests) as requests from webhook_refusals"
                           " group by reason")  # fmt: skip
    assert found == counted


def test_counts_are_by_hour_and_forgotten_after_a_month(tmp_path: Path) -> None:
    state_file = tmp_path / "state.sqlite"
    refusals = Refusals(state_file)
    for at in (AT, AT.replace(minute=0), AT.replace(hour=11), AT.replace(month=12, day=2)):
        refusals.count("signature_wrong", at)
        refusals.write()
        with open_state(state_file) as state:
            newest = state.rows("select hour, requests from webhook_refusals order by hour")
        if at.month == 11 and at.hour == 11:
            assert newest == [
                {"hour": "2026-11-01T10", "requests": 2}, {"hour": "2026-11-01T11", "requests": 1}
            ]  # fmt: skip
    assert newest == [{"hour": "2026-12-02T10", "requests": 1}]
