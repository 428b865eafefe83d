"""The token that HTTP clients of this machine show: other users of it have no business here."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

TOKEN_BYTES = 32


def token_file(home: Path) -> Path:
    """Where the token lies, for its owner only."""
    return home / "state" / "mcp.token"


def read_or_make_token(home: Path) -> str:
    """The installation's token; made once, mode 0600."""
    path = token_file(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as out:
        out.write(secrets.token_urlsafe(TOKEN_BYTES))
    return path.read_text().strip()


class RequireToken:
    """ASGI middleware: HTTP requests without `Authorization: Bearer <token>` are refused."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                refusal = PlainTextResponse("a bearer token is needed", 401)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
