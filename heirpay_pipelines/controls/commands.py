"""`heirpay controls` and `heirpay attest`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say

if TYPE_CHECKING:
    from heirpay_pipelines.controls.register import Control


@click.group()
def controls() -> None:
    """The controls register, and what the newest run found."""


@controls.command("list")
@click.option("--framework", help="Only this framework, such as pci_dss.")
@click.option("--failing", is_flag=True, help="Only those that did not pass in the newest run.")
def list_controls(framework: str | None, failing: bool) -> None:
    """List the controls with their newest status."""
    from heirpay_pipelines.controls.register import load_register
    from heirpay_pipelines.text.listing import print_list

    settings = Settings.load()
    newest = _newest(settings)
    rows = []
    for item in load_register():
        status = str(newest.get(item.identifier(settings.project), {}).get("status", "not run"))
        passed = status in ("pass", "attested", "not_applicable")
        if (framework and item.framework != framework) or (failing and passed):
            continue
        rows.append((item.key, item.requirement, item.severity, status, item.title))
    headings = ("control", "clause", "severity", "status", "title")
    print_list(headings, rows, prose=("title", "clause"))


@controls.command("show")
@click.argument("control")
def show_control(control: str) -> None:
    """Show one control (its key or id): what it demands, what was found, what to do."""
    from heirpay_pipelines.controls.register import find_control

    settings = Settings.load()
    try:
        item = find_control(control, settings.project)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    found = _newest(settings).get(item.identifier(settings.project), {})
    lines = {
        "Control": item.identifier(settings.project),
        "Title": item.title,
        "Clause": f"{item.requirement} ({item.framework})",
        "Severity": item.severity,
        "Owner": item.owner,
        "Reads": item.table or item.probe or "a person's attestation",
        "Expects": item.rows or item.attestation or (item.native and item.native.type),
        "Waiver": _waiver(settings, item),
        "Newest": found and f"{found['status']} at {found['checked_at']}",
        "Evidence": found.get("evidence"),
        "What to do": item.what_to_do,
    }
    for name, value in lines.items():
        if value:
            say(f"{name:11} {str(value).strip()}")


@click.command()
@click.argument("control")
@click.option("--by", "attested_by", required=True, help="Who states it.")
@click.option("--statement", help="What is stated; by default the register's own words.")
@click.option("--reference", help="Where the proof lies, such as a report's number.")
@click.option(
    "--on",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="The day of the assessment, where it is not today: validity counts from it.",
)
def attest(
    control: str, attested_by: str, statement: str | None, reference: str | None,
    on: datetime | None,
) -> None:  # fmt: skip
    """Sign, with a date, for a control that the pipeline cannot see.

    The attestation expires after the control's period; the audit log records who entered it.
    """
    from heirpay_pipelines.controls.attestations import attest as record
    from heirpay_pipelines.controls.register import find_control
    from heirpay_pipelines.state.database import open_state

    settings, now = Settings.load(), datetime.now(UTC)
    if on is not None and on.replace(tzinfo=UTC) > now:
        raise click.UsageError("--on lies in the future")
    try:
        item = find_control(control, settings.project)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    if item.attestation is None:
        raise click.UsageError(f"{item.key} is measured; it cannot be attested")
    with open_state(settings.state_file) as state:
        signed = record(
            state,
            item.key,
            attested_by,
            acting(attested_by),
            statement or item.attestation,
            reference,
            now,
            item.valid_days,
            done_at=on.replace(tzinfo=UTC) if on else None,
        )
    say(f"{item.key} is attested by {attested_by} until {signed.expires_at:%Y-%m-%d}.")


def _waiver(settings: Settings, item: Control) -> str | None:
    from heirpay_pipelines.controls.waivers import standing_waivers
    from heirpay_pipelines.state.database import open_state

    if settings.state_file.is_file():
        with open_state(settings.state_file) as state:
            found = standing_waivers(state, datetime.now(UTC)).get(item.key)
        if found:
            who = f"asked for by {found.requested_by}, approved by {found.approved_by}"
            return f"{found.reason}, until {found.expires}, {who}"
    given = item.waiver
    if given is None:
        return None
    return f"{given.reason}, until {given.expires}, approved by {given.approver}"


def _newest(settings: Settings) -> dict[str, dict[str, object]]:
    from heirpay_pipelines.state.database import open_state

    if not settings.state_file.is_file():
        return {}
    with open_state(settings.state_file) as state:
        rows = state.rows(
            "select control_id, status, evidence, checked_at from control_results where run_id ="
            " (select run_id from control_results order by checked_at desc limit 1)"
        )
    return {str(row["control_id"]): row for row in rows}
