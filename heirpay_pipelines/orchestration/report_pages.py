"""Reports behind the guard of Dagster's web UI: whoever may use the one may read the other.

A page is served readable where it lies sealed. It runs no script and reaches nothing of the UI: it
is shown in a sandbox of its own (https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from heirpay_pipelines.at_rest import EncryptionKeyError, sealed
from heirpay_pipelines.settings import Settings

ROOT = "/heirpay/reports/"
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox allow-popups allow-downloads; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; font-src data:",
}
SHOWN = frozenset({".html", ".json", ".csv", ".txt"})
"""What a browser shows; the rest it saves."""


def path_of_page(settings: Settings, page: Path) -> str:
    """The path of a report's page on the UI's server."""
    return ROOT + page.relative_to(settings.reports_dir).as_posix()


class ReportPages:
    """ASGI middleware: reports below `ROOT`, everything else is the application's."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(ROOT):
            await self._app(scope, receive, send)
            return
        page = self._page(scope["path"].removeprefix(ROOT))
        if page is None or scope["method"] not in ("GET", "HEAD"):
            await PlainTextResponse("there is no such page", 404)(scope, receive, send)
            return
        kind = mimetypes.guess_type(page.name)[0] or "application/octet-stream"
        shown = {} if page.suffix in SHOWN else {"content-disposition": "attachment"}
        try:
            chunks = sealed.chunks(page, self._settings.key)
            first = next(iter(chunks), b"")
        except (EncryptionKeyError, OSError):
            text = "the page cannot be read: `heirpay doctor --data` says why"
            await PlainTextResponse(text, 500)(scope, receive, send)
            return
        answer = StreamingResponse(_joined(first, chunks), 200, HEADERS | shown, kind)
        await answer(scope, receive, send)

    def _page(self, name: str) -> Path | None:
        """The file of the name, if it is one below the folder of reports."""
        root = self._settings.reports_dir.resolve()
        try:
            page = (root / name).resolve()
        except (OSError, ValueError):
            return None
        return page if page.is_relative_to(root) and page.is_file() else None


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
