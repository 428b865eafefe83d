"""Attacks on the web UI from another tab, another name and another program of the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from heirpay_pipelines.orchestration.ui_guard import GuardedUi

PORT, TOKEN = 3000, "t" * 64
HERE = f"http://127.0.0.1:{PORT}"
MUTATION = {"query": "mutation { wipeAssets { __typename } }"}
BROWSER = {"origin": HERE, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.fixture
def reached() -> list[str]:
    return []


@pytest.fixture
def client(reached: list[str]) -> Iterator[TestClient]:
    async def dagster(request: Request) -> JSONResponse:
        reached.append(request.url.path)
        return JSONResponse({"ok": True})

    async def dagster_socket(socket: WebSocket) -> None:
        reached.append("socket")
        await socket.accept()
        await socket.send_text("in")
        await socket.close()

    routes = [
        WebSocketRoute("/graphql", dagster_socket),
        Route("/{path:path}", dagster, methods=["GET", "POST", "PUT", "DELETE"]),
    ]
    app = GuardedUi(Starlette(routes=routes), PORT, TOKEN)
    with TestClient(app, base_url=HERE, follow_redirects=False) as client:
        yield client


def let_in(client: TestClient) -> None:
    answer = client.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_printed_link_lets_a_browser_in_and_leaves_no_token_in_its_address(
    client: TestClient, reached: list[str]
) -> None:
    assert client.get("/runs").status_code == 401
    answer = client.get(f"/runs?view=all&token={TOKEN}&x=")
    assert answer.headers["location"] == "/runs?view=all&x="
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and TOKEN not in cookie
    assert reached == []
    assert client.get("/runs").status_code == 200
    # As Dagster's pages send it: the operation's name stands in the address.
    answer = client.post("/graphql?op=WipeAssets", json=MUTATION, headers=BROWSER)
    assert answer.status_code == 200
    assert client.get("/assets", headers=LINK).status_code == 200  # a link in the report
    assert reached == ["/runs", "/graphql", "/assets"]
    assert client.get("/runs").headers["x-frame-options"] == "DENY"


def test_a_program_shows_the_token_as_a_bearer(client: TestClient) -> None:
    good = {"authorization": f"Bearer {TOKEN}"}
    assert client.post("/graphql", json=MUTATION, headers=good).status_code == 200
    assert client.get("/logs/x.err", headers=good).status_code == 200


def test_a_proxy_with_a_login_before_it_lets_its_people_in_and_no_other_page(
    client: TestClient,
) -> None:
    """As docs/how-to/security.md has it: the proxy names the server and shows the token."""
    through = {"host": f"127.0.0.1:{PORT}", "authorization": f"Bearer {TOKEN}"}
    ours = {**through, "origin": HERE, "sec-fetch-site": "same-origin"}
    assert client.post("/graphql?op=x", json=MUTATION, headers=ours).status_code == 200
    with client.websocket_connect(f"ws://127.0.0.1:{PORT}/graphql", headers=ours) as socket:
        assert socket.receive_text() == "in"
    evil = {**through, "origin": "https://evil.test", "sec-fetch-site": "cross-site"}
    assert client.post("/graphql", json=MUTATION, headers=evil).status_code == 403
    image = {**through, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert client.get("/logs/x.out", headers=image).status_code == 403


ATTACKS: dict[str, dict[str, Any]] = {
    # With the cookie of whoever looks at another page meanwhile.
    "a hidden image": {"url": "/graphql?query=mutation{wipe}", "headers": {
        "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}},
    "an image in an old browser": {"url": "/graphql?query=mutation{wipe}", "headers": {}},
    "a link to a mutation": {"url": "/graphql?query=mutation{wipe}", "headers": LINK},
    "our own page led to a mutation": {"url": "/graphql?query=mutation{wipe}", "headers": BROWSER},
    "a mutation in the address of a POST": {"method": "POST",
        "url": "/graphql?query=mutation{wipe}", "headers": BROWSER, "json": {}},
    "a form": {"method": "POST", "url": "/graphql", "data": MUTATION, "headers": {
        "origin": "https://evil.test", "sec-fetch-site": "cross-site"}},
    "a form of an old browser": {"method": "POST", "url": "/graphql", "data": MUTATION,
        "headers": {}},
    "a form that names itself JSON": {"method": "POST", "url": "/graphql",
        "content": json.dumps(MUTATION), "headers": {"content-type": "text/plain",
        "sec-fetch-site": "cross-site", "origin": "null"}},
    "text of our own page": {"method": "POST", "url": "/graphql", "content": json.dumps(MUTATION),
        "headers": {**BROWSER, "content-type": "text/plain"}},
    "GraphQL as its own type": {"method": "POST", "url": "/graphql", "content": "mutation{wipe}",
        "headers": {**BROWSER, "content-type": "application/graphql"}},
    "a script of another site": {"method": "POST", "url": "/graphql", "json": MUTATION,
        "headers": {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}},
    "a script of another port": {"method": "POST", "url": "/graphql", "json": MUTATION,
        "headers": {"origin": "http://127.0.0.1:9999", "sec-fetch-site": "same-site"}},
    "a script without a stated origin": {"method": "POST", "url": "/graphql", "json": MUTATION,
        "headers": {}},
    "a sandboxed frame": {"method": "POST", "url": "/graphql", "json": MUTATION,
        "headers": {"origin": "null", "sec-fetch-site": "cross-site"}},
    "two origins": {"method": "POST", "url": "/graphql", "json": MUTATION,
        "headers": [("origin", HERE), ("origin", "https://evil.test"),
                    ("sec-fetch-site", "same-origin")]},
    "a rebound name": {"url": "/runs", "headers": {"host": f"evil.test:{PORT}"}},
    "a rebound name, same origin": {"method": "POST", "url": "/graphql", "json": MUTATION,
        "headers": {"host": f"evil.test:{PORT}", "origin": f"http://evil.test:{PORT}",
                    "sec-fetch-site": "same-origin"}},
    "another port": {"url": "/runs", "headers": {"host": "127.0.0.1:3001"}},
    "no port": {"url": "/runs", "headers": {"host": "127.0.0.1"}},
    "a frame": {"url": "/runs", "headers": {"sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}},
    "a chart as a script": {"url": "/logs/x.out", "headers": {"sec-fetch-site": "cross-site",
        "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}},
    "a link to a log": {"url": "/logs/x.out", "headers": LINK},
    "a report of an asset": {"method": "POST", "url": "/report_asset_materialization/x",
        "data": {"asset_key": "x"}, "headers": {}},
    "another method": {"method": "PUT", "url": "/graphql", "json": MUTATION, "headers": BROWSER},
    "a preflight": {"method": "OPTIONS", "url": "/graphql", "headers": {
        "origin": "https://evil.test", "access-control-request-method": "POST"}},
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_another_site_does_and_reads_nothing(
    client: TestClient, reached: list[str], name: str
) -> None:
    let_in(client)
    attack = {"method": "GET", **ATTACKS[name]}
    answer = client.request(**attack)
    assert 400 <= answer.status_code < 500, answer.status_code
    assert reached == []
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": f"Basic {TOKEN}"},
        {"cookie": f"heirpay_ui={TOKEN}"},
        {"cookie": "heirpay_ui_000000000000=" + "0" * 64},
        {"cookie": "é"},
    ],
)
def test_without_the_token_nothing_is_read(
    client: TestClient, reached: list[str], shown: dict[str, str]
) -> None:
    headers = {name: value.encode("latin-1") for name, value in shown.items()}
    for path in ("/", "/graphql", "/logs/x.out", "/download_debug/x", "/?token=", "/?token=wrong"):
        assert client.get(path, headers=headers).status_code == 401
    assert client.post("/graphql", json=MUTATION, headers={**headers, **BROWSER}).status_code == 401
    assert reached == []
    assert client.get("/server_info", headers=headers).status_code == 200  # whether it is up


@pytest.mark.parametrize(
    ("headers", "admitted", "opens"),
    [
        ({"origin": HERE, "sec-fetch-site": "same-origin"}, True, True),
        ({"origin": HERE}, True, True),
        ({"origin": HERE}, False, False),
        ({"origin": "https://evil.test", "sec-fetch-site": "cross-site"}, True, False),
        ({"origin": "http://127.0.0.1:9999"}, True, False),
        ({"origin": "null"}, True, False),
        ({}, True, False),
        ({"origin": HERE, "host": f"evil.test:{PORT}"}, True, False),
        ({"authorization": f"Bearer {TOKEN}"}, False, True),
    ],
)
def test_a_websocket_is_judged_like_a_request(
    client: TestClient, reached: list[str], headers: dict[str, str], admitted: bool, opens: bool
) -> None:
    if admitted:
        let_in(client)
    if opens:
        with client.websocket_connect(f"ws://127.0.0.1:{PORT}/graphql", headers=headers) as socket:
            assert socket.receive_text() == "in"
    else:
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(f"ws://127.0.0.1:{PORT}/graphql", headers=headers),
        ):
            pass
    assert reached == (["socket"] if opens else [])


def test_the_redirect_stays_on_this_server(client: TestClient) -> None:
    for path in ("//evil.test/x", "/\\evil.test", "///evil.test"):
        there = client.get(f"{HERE}{path}?token={TOKEN}").headers["location"]
        assert there.startswith("/") and not there.startswith(("//", "/\\"))
