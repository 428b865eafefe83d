"""The token that HTTP clients of this machine show: other users of it have no business here."""

from __future__ import annotations

import hmac
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def token_file(home: Path) -> Path:
    """Where the token lies, for its owner only."""
    return home / "state" / "mcp.token"


class RequireToken:
    """ASGI middleware: HTTP requests without `Authorization: Bearer <token>` are refused."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # there is none here: nothing gets by without the token
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                refusal = PlainTextResponse("a bearer token is needed", 401)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
