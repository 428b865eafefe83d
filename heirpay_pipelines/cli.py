"""The console script. Thin: each command is imported when it is called, never before.

Exit codes: 0 success, 1 a run failed, 2 bad usage or settings, 3 a blocking check refused
publication.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import Any, cast

import click

# name: (where the command lives, its line in `heirpay --help`)
COMMANDS = {
    "demo": ("nightly.commands:demo", "The whole nightly job on the embedded account."),
    "run": ("nightly.commands:run", "The nightly job on the configured account."),
    "ui": ("nightly.ui:ui", "Dagster's web UI and daemon, on loopback."),
    "doctor": ("nightly.doctor:doctor", "Check settings, key, reachability, disk, versions."),
    "receive": ("receive.command:receive", "Stripe's webhooks into a durable inbox."),
    "controls": ("check.commands:controls", "The controls register and its newest results."),
    "attest": ("check.commands:attest", "Sign for a control that the pipeline cannot see."),
    "waive": ("check.waive_command:waive", "Accept a failing control until a date, by two people."),
    "audit": ("audit.commands:audit", "Verify and read the hash-chained audit log."),
    "evidence": ("check.evidence.commands:evidence", "A signed evidence folder for an auditor."),
    "breaks": ("publish.break_commands:breaks", "Reconciliation breaks: list, show, resolve."),
    "close": ("publish.close_command:close", "Close a month: freeze, approve, verify it."),
    "gdpr": ("gdpr.commands:gdpr", "Personal data: map, export, erasure, retention."),
    "incidents": ("escalate.commands:incidents", "List, show, acknowledge, resolve incidents."),
    "risk": ("publish.risk.commands:risk", "Velocity rules, back-tests, proposals to block."),
    "mcp": ("serve.command:mcp", "An MCP server for the published figures, read-only."),
    "quarantine": ("land.commands:quarantine", "Poisoned objects: list, show, try again."),
    "key": ("rotate.command:key", "Rotate the encryption key; encrypt a home, or decrypt it."),
    "sandbox": ("sandbox.command:sandbox", "The embedded Stripe account."),
    "explain": ("publish.explain.command:explain", "The rows and rules behind a figure."),
    "query": ("publish.commands:query", "Read-only SQL on the published warehouse."),
    "report": ("publish.report_command:report", "Where the newest report is."),
}


# Full, over its quota, read-only, not ours: the error names the path, a traceback adds nothing.
REFUSED_BY_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
WRONG_KEY = ("EncryptionKeyError", "WarehouseKeyError")


class WrongKey(click.ClickException):
    """A command worded that the key does not fit: its exit code is that of a wrong setting."""

    exit_code = 2


class LazyGroup(click.Group):
    """Lists every command from COMMANDS; imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"heirpay_pipelines.{module}"), attribute)
        return cast("click.Command", command)

    def invoke(self, ctx: click.Context) -> Any:
        """A wrong key ends every command alike, also one that words the error itself."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if type(error.__context__).__name__ in WRONG_KEY:
                raise WrongKey(error.message) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heirpay-pipelines")
def cli() -> None:
    """The nightly finance pipeline for companies that take payments with Stripe."""


def main() -> None:
    """Run the command line; turn an expected error into one line and its exit code."""
    os.umask(0o077)  # nothing that the pipeline writes is readable by others
    try:
        cli(standalone_mode=True)
    except Exception as error:
        from heirpay_pipelines.at_rest.sqlite import is_of_sqlite

        if type(error).__name__ in ("SettingsError", *WRONG_KEY):
            click.echo(f"heirpay: {error}", err=True)
            sys.exit(2)
        if isinstance(error, OSError) and error.errno in REFUSED_BY_THE_DISK:
            click.echo(f"heirpay: {error}", err=True)
            sys.exit(1)
        if is_of_sqlite(error):
            click.echo(f"heirpay: SQLite cannot use a file in HEIRPAY_HOME: {error}", err=True)
            sys.exit(1)
        raise
