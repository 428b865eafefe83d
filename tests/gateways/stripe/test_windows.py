"""Splitting a list by time: everything exactly once, in few requests, whatever its shape."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirpay_pipelines.gateways.stripe.lister import ListPull, Page, Window
from heirpay_pipelines.gateways.stripe.resources import BY_OBJECT, Resource

CHARGES = BY_OBJECT["charge"]
UNTIL = 10_000_000


class Wide:
    """A budget that lets eight chains run."""

    def chains(self, endpoint: str) -> int:
        return 8


@dataclass
class FakeList:
    """A Stripe list over objects in memory; one more object appears with each request."""

    objects: list[dict[str, Any]]
    budget: Wide = field(default_factory=Wide)
    requests: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    async def get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0)
        self.requests += 1
        self.in_flight -= 1
        newest = {"id": f"new_{self.requests}", "created": UNTIL + self.requests}
        self.objects.append(newest)
        order = sorted(self.objects, key=lambda o: (o["created"], o["id"]), reverse=True)
        created = params["created"]
        shown = [o for o in order if created.get("gte", 0) <= o["created"] < created["lt"]]
        after = params.get("starting_after")
        if after is not None:
            at = next(i for i, o in enumerate(order) if o["id"] == after)
            rest = {o["id"] for o in order[at + 1 :]}
            shown = [o for o in shown if o["id"] in rest]
        return {"data": shown[: params["limit"]], "has_more": len(shown) > params["limit"]}


def read(objects: list[dict[str, Any]], origin: int = 0) -> tuple[list[str], FakeList, ListPull]:
    seen: list[str] = []

    async def sink(resource: Resource, page: Page) -> int:
        seen.extend(obj["id"] for obj in page)
        return 0

    fake = FakeList(objects)

    async def run() -> ListPull:
        pull = ListPull(fake, CHARGES, sink, origin)  # type: ignore[arg-type]
        await pull.run(Window(None, UNTIL))
        return pull

    return seen, fake, asyncio.run(run())


def at(times: list[int]) -> list[dict[str, Any]]:
    return [{"id": f"ch_{n:05d}", "created": t} for n, t in enumerate(times)]


clusters = st.lists(
    st.tuples(st.integers(0, UNTIL - 1), st.integers(1, 600), st.integers(1, 50_000)), max_size=8
)


@given(clusters, st.integers(0, UNTIL))
def test_every_object_is_read_exactly_once(shape: list[tuple[int, int, int]], origin: int) -> None:
    times = [
        min(UNTIL - 1, start + n * width // count)
        for start, count, width in shape
        for n in range(count)
    ]
    objects = at(times)
    wanted = sorted(obj["id"] for obj in objects)
    seen, fake, pull = read(objects, origin)
    assert sorted(seen) == wanted
    fewest = max(1, math.ceil(len(wanted) / 100))
    assert fake.requests <= fewest + pull.splits
    assert pull.splits <= 7 + fake.requests // 20


@pytest.mark.parametrize("growth", [1, 2, 3])
def test_a_long_list_takes_hardly_more_requests_than_the_fewest(growth: int) -> None:
    count = 12_000
    times = [int(UNTIL * (n / count) ** (1 / growth)) for n in range(count)]
    _, fake, pull = read(at(times))
    assert fake.most_in_flight >= 6
    assert fake.requests <= 1.1 * count / 100, pull.splits


def test_a_short_list_is_one_request() -> None:
    _, fake, pull = read(at(list(range(0, 100_000, 1_000))))
    assert (fake.requests, pull.splits) == (1, 0)
