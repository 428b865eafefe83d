"""What Stripe (or whoever answers in its name) calls an object becomes a folder and a view."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heirpay_pipelines.gateways.stripe.resources import RESOURCES
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.writer import Writer, fault_of

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    ["../../escaped", "/tmp/escaped", "charge/../../..", "..", "", ".", "a\0b", "Charge", "a b",
     'x" as select 1; --', "x'; drop view y; --", "über", "a" * 300, "charge\n", "a..b", "-rf"],
)  # fmt: skip
def test_a_name_that_is_a_path_or_sql_is_quarantined(tmp_path: Path, name: str) -> None:
    landing = Landing(tmp_path / "home" / "landing", None)

    async def write() -> list[str]:
        writer = Writer(landing, "p1", "acct_1", "2026-10-28.endive", AT, suppressed=None)
        await writer.add({"id": "x_1", "object": name}, "list")
        return [file.object_name for file in await writer.finish()]

    assert asyncio.run(write()) == ["quarantine"]
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent.as_posix() for path in written] == ["home/landing/objects/quarantine"]


def test_every_name_of_stripes_passes() -> None:
    known = {resource.object_name for resource in RESOURCES} | {"v2.core.event", "tax.transaction"}
    faults = {name: fault_of({"id": "x_1", "object": name}) for name in known}
    assert {name: fault for name, fault in faults.items() if fault} == {}
