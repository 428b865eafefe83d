"""`heirpay waive`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say


@click.command()
@click.argument("control")
@click.option("--reason", help="Why the failure can be accepted; kept in the audit log.")
@click.option(
    "--until", type=click.DateTime(formats=["%Y-%m-%d"]), help="The last day on which it holds."
)
@click.option("--approve", is_flag=True, help="Approve what another person asked for.")
@click.option("--end", is_flag=True, help="End the waiver: the control fails openly again.")
@click.option("--by", help="A name, recorded beside your login.")
def waive(
    control: str, reason: str | None, until: datetime | None, approve: bool, end: bool,
    by: str | None,
) -> None:  # fmt: skip
    """Accept a failing CONTROL until a date. One person asks, another approves.

    \b
    heirpay waive invoice_totals --reason "credited by hand" --until 2026-12-31
    heirpay waive invoice_totals --approve
    heirpay waive invoice_totals --end

    A waived control is shown as waived and counts as not evidenced; after the date it fails.
    """
    from heirpay_pipelines.controls import waivers
    from heirpay_pipelines.controls.register import find_control
    from heirpay_pipelines.state.database import open_state

    if approve + end + (reason is not None or until is not None) != 1:
        raise click.UsageError("Give --reason and --until to ask, or --approve, or --end.")
    if not (approve or end) and (reason is None or until is None):
        raise click.UsageError("A waiver needs both --reason and --until.")
    settings, who, now = Settings.load(), acting(by), datetime.now(UTC)
    try:
        key = find_control(control, settings.project).key
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    try:
        with open_state(settings.state_file) as state:
            if approve:
                made = waivers.approve_waiver(state, key, who, now)
                say(f"{key} is waived until {made.expires} by {who}: {made.reason}")
            elif end:
                waivers.end_waiver(state, key, who, now)
                say(f"The waiver of {key} is ended.")
            elif reason is not None and until is not None:
                made = waivers.request_waiver(state, key, reason, who, until.date(), now)
                say(f"Asked for by {who}, until {made.expires}. It holds once another")
                say("person approves it, logged in as themselves:")
                say(f"  heirpay waive {key} --approve")
    except waivers.WaiverError as error:
        raise click.ClickException(str(error)) from None
