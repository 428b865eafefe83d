"""Dagster's services as `dagster dev` starts and ends them, but with our web server for its own:
`python -m heirpay_pipelines.orchestration.ui_services`, with the arguments of `dagster dev`."""

from __future__ import annotations

from typing import Any

from dagster._cli import dev

UNGUARDED = "dagster_webserver"
GUARDED = "heirpay_pipelines.orchestration.ui_server"


class NotGuardedError(RuntimeError):
    """Dagster starts its web server in another way than this knows: nothing is served."""


def main() -> None:
    """Start Dagster's services and wait for Ctrl-C."""
    services: Any = dev
    start = services.open_ipc_subprocess

    def start_guarded(parts: list[str], **options: Any) -> Any:
        replaced = [GUARDED if part == UNGUARDED else part for part in parts]
        if any("webserver" in part for part in replaced[:4]):
            raise NotGuardedError(f"unknown way to start the web server: {replaced[:4]}")
        return start(replaced, **options)

    services.open_ipc_subprocess = start_guarded
    services.dev_command()


if __name__ == "__main__":
    main()
