"""Lists: newest first, in pages by cursor, by time, by filter, nested ones cut at ten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from small_account import DAY, NOW, account, ids, put, served

from heirpay_pipelines.sandbox.store import Store

FIRST = NOW - 25 * DAY


def charges() -> Store:
    """Twenty-five charges, one a day, and three more in the second of the newest."""
    store = account()
    for number in range(25):
        put(store, "charge", f"ch_{number:02d}", FIRST + number * DAY, customer=f"cus_{number % 2}")
    for extra in ("a", "b", "c"):
        put(store, "charge", f"ch_24{extra}", FIRST + 24 * DAY, customer="cus_x")
    return store


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with served(charges()) as found:
        yield found


NEWEST_FIRST = ["ch_24c", "ch_24b", "ch_24a", *(f"ch_{number:02d}" for number in range(24, -1, -1))]


def test_a_list_is_newest_first_ten_at_a_time(client: httpx.Client) -> None:
    page = client.get("charges").json()
    assert [obj["id"] for obj in page["data"]] == NEWEST_FIRST[:10]
    assert (page["object"], page["url"], page["has_more"]) == ("list", "/v1/charges", True)


@pytest.mark.parametrize("limit", [1, 3, 7, 27, 28, 100])
def test_pages_forward_hold_everything_once(client: httpx.Client, limit: int) -> None:
    found: list[str] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        page = client.get("charges", params=params).json()
        found += [obj["id"] for obj in page["data"]]
        if not page["has_more"]:
            break
        params["starting_after"] = found[-1]
    assert found == NEWEST_FIRST


@pytest.mark.parametrize("limit", [1, 3, 28])
def test_pages_backward_hold_everything_once(client: httpx.Client, limit: int) -> None:
    found: list[str] = [NEWEST_FIRST[-1]]
    while True:
        page = client.get("charges", params={"limit": limit, "ending_before": found[0]}).json()
        found = [obj["id"] for obj in page["data"]] + found
        if not page["has_more"]:
            break
    assert found == NEWEST_FIRST


@pytest.mark.parametrize(
    ("params", "days"),
    [
        ({"created[gte]": FIRST + 3 * DAY, "created[lt]": FIRST + 6 * DAY}, [5, 4, 3]),
        ({"created[gt]": FIRST + 3 * DAY, "created[lte]": FIRST + 6 * DAY}, [6, 5, 4]),
        ({"created": FIRST + 3 * DAY}, [3]),
        ({"created[lt]": FIRST + 2 * DAY}, [1, 0]),
        ({"created[gt]": NOW}, []),
        ({"created[lt]": FIRST + 6 * DAY, "customer": "cus_1"}, [5, 3, 1]),
        ({"created[lt]": FIRST + 6 * DAY, "starting_after": "ch_04"}, [3, 2, 1, 0]),
    ],
)
def test_time_ranges(client: httpx.Client, params: dict[str, Any], days: list[int]) -> None:
    assert ids(client.get("charges", params=params)) == [f"ch_{day:02d}" for day in days]


def test_the_edge_of_a_page_within_one_second(client: httpx.Client) -> None:
    page = client.get("charges", params={"limit": 2}).json()
    after = client.get("charges", params={"limit": 2, "starting_after": page["data"][-1]["id"]})
    assert ids(after) == ["ch_24a", "ch_24"]


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"limit": 0}, "limit", "parameter_invalid_integer"),
        ({"limit": 101}, "limit", "parameter_invalid_integer"),
        ({"limit": "many"}, "limit", "parameter_invalid_integer"),
        ({"created[gte]": "yesterday"}, "created", "parameter_invalid_integer"),
        ({"created[after]": 1}, "created[after]", "parameter_unknown"),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"starting_after": "ch_none"}, "starting_after", "resource_missing"),
        ({"ending_before": "ch_none"}, "ending_before", "resource_missing"),
    ],
)
def test_bad_parameters(
    client: httpx.Client, params: dict[str, Any], param: str, code: str
) -> None:
    answer = client.get("charges", params=params)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["param"], error["code"], error["type"]) == (param, code, "invalid_request_error")


def test_both_cursors_at_once_are_refused(client: httpx.Client) -> None:
    params = {"starting_after": "ch_01", "ending_before": "ch_09"}
    assert client.get("charges", params=params).status_code == 400


def test_an_object_that_appears_while_a_list_is_paged_repeats_and_loses_nothing() -> None:
    store = charges()
    with served(store) as client:
        first = ids(client.get("charges"))
        put(store, "charge", "ch_new", NOW)
        rest = ids(client.get("charges", params={"starting_after": first[-1], "limit": 100}))
    assert first + rest == NEWEST_FIRST


def test_a_changed_object_is_served_changed() -> None:
    store = charges()
    with served(store) as client:
        assert client.get("charges/ch_03").json()["customer"] == "cus_1"
        put(store, "charge", "ch_03", FIRST + 3 * DAY, customer="cus_new")
        assert client.get("charges/ch_03").json()["customer"] == "cus_new"
        assert ids(client.get("charges", params={"customer": "cus_new"})) == ["ch_03"]


def with_lines(count: int) -> Store:
    store = account()
    lines = [{"id": f"il_{n:02d}", "object": "line_item", "amount": n} for n in range(count)]
    listed = {"object": "list", "data": lines, "has_more": False, "url": "/v1/invoices/in_1/lines"}
    put(store, "invoice", "in_1", lines=listed, customer=None)
    return store


@pytest.mark.parametrize("count", [0, 9, 10, 11, 250])
def test_a_nested_list_is_cut_at_ten_and_goes_on_under_its_url(count: int) -> None:
    with served(with_lines(count)) as client:
        nested = client.get("invoices/in_1").json()["lines"]
        assert [line["amount"] for line in nested["data"]] == list(range(min(count, 10)))
        assert nested["has_more"] == (count > 10)
        url = nested["url"].removeprefix("/v1/")
        found = [line["amount"] for line in nested["data"]]
        while nested["has_more"]:
            params = {"limit": 100, "starting_after": nested["data"][-1]["id"]}
            nested = client.get(url, params=params).json()
            found += [line["amount"] for line in nested["data"]]
        assert found == list(range(count))


def test_events_are_kept_for_thirty_days() -> None:
    store = account()
    kept = store.emit("ping", {"id": "x", "object": "ping"}, NOW - 30 * DAY)
    gone = store.emit("ping", {"id": "x", "object": "ping"}, NOW - 30 * DAY - 1)
    with served(store) as client:
        assert ids(client.get("events")) == [kept["id"]]
        assert client.get(f"events/{kept['id']}").status_code == 200
        assert client.get(f"events/{gone['id']}").status_code == 404
        assert client.get("events", params={"starting_after": gone["id"]}).json()["data"] == []


def test_an_event_shows_its_object_as_it_then_was() -> None:
    store = account()
    obj = {"id": "cus_1", "object": "customer", "created": NOW, "name": "Ada", "address": {"x": 1}}
    event = store.emit("customer.updated", store.put(obj), NOW, {"name": "Eve"})
    obj["name"], obj["address"]["x"] = "Bob", 2
    with served(store) as client:
        data = client.get(f"events/{event['id']}").json()["data"]
    assert data["object"]["name"] == "Ada"
    assert data["object"]["address"] == {"x": 1}
    assert data["previous_attributes"] == {"name": "Eve"}
