"""Who may use Dagster's web UI: whoever opened the link that `heirpay ui` printed, in this browser.

Dagster's own server has no login, takes mutations in the address of a GET and answers to any name:
a page in another tab could start runs, wipe assets or read charts (a hidden image, DNS rebinding).
So every request, also the opening of a websocket, must name this server, come from its own pages
and show the token of this installation.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/server_info",)
"""Says the versions only: whether the UI is up."""
DATA = (
    "/graphql", "/report_asset", "/download_debug", "/logs", "/notebook", "/dagit/notebook",
    "/heirpay/",
)  # fmt: skip
"""No page of another site may lead here, not even by a link."""
READS = ("GET", "HEAD")
TOKEN = "token"  # noqa: S105 - the parameter's name
LOGIN = """<!doctype html><title>HeirPay</title>
<p>Open the link that <code>heirpay ui</code> printed: it lets this browser in."""
PRIVATE = {
    b"x-frame-options": b"DENY",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"referrer-policy": b"same-origin",
}


class GuardedUi:
    """ASGI middleware around Dagster's application on `port` of loopback."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._token = token
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        # Cookies know no port: two homes on one machine must not take each other's.
        self._cookie = f"heirpay_ui_{_digest(token, 'name')[:12]}"
        self._admitted = _digest(token, "cookie")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = self._refusal(_Asked(scope))
        if answer is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, _with_headers(send))

    def _refusal(self, asked: _Asked) -> Response | None:
        """What is answered instead of Dagster; None lets the request through."""
        if len(asked.all("host")) != 1 or asked.one("host") not in self._hosts:
            return PlainTextResponse("this server does not answer to that name", 421)
        if asked.path in OPEN and asked.method in READS:
            return None
        if not self._is_of_our_pages(asked):
            return PlainTextResponse("requests of other sites are refused", 403)
        if asked.method in READS and self._shows(asked.parameter(TOKEN)):
            return self._admit(asked)
        if not self._is_admitted(asked):
            return HTMLResponse(LOGIN, 401)
        return _wrong_form(asked)

    def _is_of_our_pages(self, asked: _Asked) -> bool:
        origins = asked.all("origin")
        if origins and origins != [f"http://{asked.one('host')}"]:
            return False
        site = asked.one("sec-fetch-site")
        if site in ("", "same-origin", "none"):
            return site != "" or not asked.changes or bool(origins) or self._is_program(asked)
        is_link = asked.one("sec-fetch-mode") == "navigate" and (
            asked.one("sec-fetch-dest") == "document"
        )
        return is_link and asked.method in READS and not asked.path.startswith(DATA)

    def _is_program(self, asked: _Asked) -> bool:
        return self._shows(asked.one("authorization").removeprefix("Bearer "))

    def _is_admitted(self, asked: _Asked) -> bool:
        cookies = [cookie.strip() for header in asked.all("cookie") for cookie in header.split(";")]
        expected = f"{self._cookie}={self._admitted}"
        return self._is_program(asked) or any(_same(cookie, expected) for cookie in cookies)

    def _shows(self, text: str) -> bool:
        return _same(text, self._token)

    def _admit(self, asked: _Asked) -> Response:
        """To the same page without the token in its address: the browser has a cookie then."""
        rest = [(name, value) for name, value in asked.parameters if name != TOKEN]
        # One slash: two would lead to another host.
        there = "/" + asked.path.lstrip("/\\") + (f"?{urlencode(rest)}" if rest else "")
        answer = RedirectResponse(there, 303, {"cache-control": "no-store"})
        answer.set_cookie(self._cookie, self._admitted, httponly=True, samesite="lax", path="/")
        return answer


class _Asked:
    """A request, or the opening of a websocket, as it is judged."""

    def __init__(self, scope: Scope) -> None:
        self.is_socket = scope["type"] == "websocket"
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self._headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        query = scope.get("query_string", b"").decode("latin-1")
        self.parameters = parse_qsl(query, keep_blank_values=True)

    @property
    def changes(self) -> bool:
        """Whether it could change something: a socket carries mutations, too."""
        return self.is_socket or self.method not in READS

    def all(self, name: str) -> list[str]:
        return [v.decode("latin-1") for n, v in self._headers if n.decode("latin-1") == name]

    def one(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def parameter(self, name: str) -> str:
        return next((value for found, value in self.parameters if found == name), "")


def _wrong_form(asked: _Asked) -> Response | None:
    """GraphQL comes as JSON in a POST, or over the socket: an address never carries a query."""
    if asked.is_socket:
        return None
    is_graphql = asked.path.rstrip("/").endswith("/graphql") or asked.method not in READS
    if is_graphql and any(name == "query" for name, _ in asked.parameters):
        return PlainTextResponse("send GraphQL as JSON by POST", 405)
    if asked.method in READS:
        return None
    kind = asked.one("content-type").split(";")[0].strip().lower()
    if asked.method != "POST" or kind != "application/json":
        return PlainTextResponse("send JSON by POST", 415)
    return None


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(n, v) for n, v in message.get("headers", []) if n.lower() not in PRIVATE]
            message = {**message, "headers": [*kept, *PRIVATE.items()]}
        await send(message)

    return sending


def _digest(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), f"heirpay ui {purpose}".encode(), hashlib.sha256).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())
