"""Dagster's web server behind our guard: `python -m heirpay_pipelines.orchestration.ui_server`,
started by `ui_services` with the arguments of `dagster_webserver`."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import uvicorn
from dagster_webserver import cli

from heirpay_pipelines.at_rest.tokens import read_or_make_token
from heirpay_pipelines.host.http_door import Patience, patient_protocol
from heirpay_pipelines.orchestration.chart_pages import ChartPages
from heirpay_pipelines.orchestration.report_pages import ReportPages
from heirpay_pipelines.orchestration.ui_guard import GuardedUi
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text import shown

BUSY = Patience(message_seconds=120.0)
"""A browser that loads the UI on a slow machine keeps many connections busy."""


def guarded(create: Any, port: int, token: str, settings: Settings) -> Any:
    """Dagster's function that creates its application, with reports and charts beside what it
    creates and the guard around all."""

    def create_guarded(*arguments: Any, **options: Any) -> Any:
        app = ChartPages(create(*arguments, **options), settings)
        return GuardedUi(ReportPages(app, settings), port, token)

    return create_guarded


def main() -> None:
    """Serve; without the port among the arguments nothing is served."""
    shown.install()
    port = int(sys.argv[sys.argv.index("--port") + 1])
    settings = Settings.load()
    token = read_or_make_token(settings.ui_token)
    server: Any = cli
    name = "create_app_from_workspace_process_context"
    setattr(server, name, guarded(getattr(server, name), port, token, settings))
    # Dagster calls uvicorn.run itself; `proxy_headers` would believe what a client says of itself.
    patient = partial(
        uvicorn.run, http=patient_protocol(BUSY), proxy_headers=False, server_header=False
    )
    server.uvicorn = _With(server.uvicorn, run=patient)
    server.main()


class _With:
    """A module with some names replaced."""

    def __init__(self, module: Any, **replaced: Any) -> None:
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


if __name__ == "__main__":
    main()
