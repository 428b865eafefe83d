"""The console script. Thin: each command is imported when it is called, never before.

Exit codes: 0 success, 1 a run failed, 2 bad usage or settings, 3 a blocking check refused
publication.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from heirpay_pipelines.console.command_line import LazyGroup
from heirpay_pipelines.console.errors import exit_with
from heirpay_pipelines.console.lost_readers import tolerate_lost_readers
from heirpay_pipelines.text import shown

# name: (where the command lives, its line in `heirpay --help`)
COMMANDS = {
    "demo": ("orchestration.commands:demo", "The whole nightly job on the embedded account."),
    "run": ("orchestration.commands:run", "The nightly job on the configured account."),
    "ui": ("orchestration.ui:ui", "Dagster's web UI and daemon, on loopback."),
    "schedule": (
        "orchestration.schedule_command:schedule",
        "The nightly schedule: on, off, or which it is.",
    ),
    "doctor": ("orchestration.doctor:doctor", "Check settings, key, host, disk, versions."),
    "backup": ("orchestration.backup_commands:backup", "A copy of the home, verified by hashes."),
    "restore": ("orchestration.backup_commands:restore", "A copy of the home put in its place."),
    "repair": (
        "orchestration.repair_command:repair",
        "Restore what is damaged, give up the lost.",
    ),
    "receive": ("receive.command:receive", "Stripe's webhooks into a durable inbox."),
    "controls": ("controls.commands:controls", "The controls register and its newest results."),
    "attest": ("controls.commands:attest", "Sign for a control that the pipeline cannot see."),
    "waive": (
        "controls.waive_command:waive",
        "Accept a failing control for a time; two people.",
    ),
    "audit": ("audit.commands:audit", "Verify and read the hash-chained audit log."),
    "evidence": ("controls.evidence.commands:evidence", "A signed evidence folder for an auditor."),
    "breaks": ("books.break_commands:breaks", "Reconciliation breaks: list, show, resolve."),
    "close": ("books.close_command:close", "Close a month: freeze, approve, verify it."),
    "gdpr": ("privacy.commands:gdpr", "Personal data: map, export, erasure, retention."),
    "incidents": ("incidents.commands:incidents", "List, show, acknowledge, resolve incidents."),
    "requirements": (
        "report.requirements_command:requirements",
        "What is demanded of this domain, met or not.",
    ),
    "risk": ("risk.commands:risk", "Velocity rules, back-tests, proposals to block."),
    "mcp": ("serve.command:mcp", "An MCP server for the published figures, read-only."),
    "bank": ("bank.command:bank", "What is understood of a bank statement."),
    "quarantine": (
        "gateways.quarantine_commands:quarantine",
        "Poisoned objects: list, show, retry.",
    ),
    "home": ("orchestration.keeping.command:home", "What is kept, how large, for how long; prune."),
    "key": ("rotate.command:key", "Rotate the encryption key; encrypt a home, or decrypt it."),
    "sandbox": ("sandbox.command:sandbox", "The embedded Stripe account."),
    "explain": ("explain.command:explain", "The rows and rules behind a figure."),
    "query": ("query.command:query", "Read-only SQL on the published warehouse."),
    "report": ("report.command:report", "Where the newest report is."),
}


class Commands(LazyGroup):
    """Every command of the product."""

    places = COMMANDS


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heirpay-pipelines")
def cli() -> None:
    """The nightly finance pipeline for companies that take payments with Stripe."""


def main() -> None:
    """Run the command line; turn a known error into one line and its exit code."""
    os.umask(0o077)  # nothing that the pipeline writes is readable by others
    shown.install()
    with tolerate_lost_readers():
        try:
            cli(standalone_mode=True)
        except Exception as error:
            exit_with(error, _home())
            raise


def _home() -> Path:
    """HEIRPAY_HOME as it was meant, for the words of an error: its own faults are told already."""
    from heirpay_pipelines.home import SettingsError
    from heirpay_pipelines.settings import given_settings

    try:
        return Path(given_settings().get("HEIRPAY_HOME") or "var").expanduser().absolute()
    except SettingsError:
        return Path("var").absolute()
