"""`heirpay evidence`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(invoke_without_command=True)
@click.option("--from", "since", type=DAY, help="First day; by default 90 days ago.")
@click.option("--to", "until", type=DAY, help="Last day; by default today.")
@click.option("--to-folder", "folder", type=click.Path(path_type=Path), help="Where to write.")
@click.pass_context
def evidence(
    context: click.Context, since: datetime | None, until: datetime | None, folder: Path | None
) -> None:
    """Write a signed folder of evidence for an auditor (or check one: evidence verify)."""
    if context.invoked_subcommand:
        return
    from heirpay_pipelines.controls.evidence import EvidenceError, write_evidence
    from heirpay_pipelines.state.database import open_state

    settings = Settings.load()
    now = datetime.now(UTC)
    last = (until or now).date()
    first = since.date() if since else last - timedelta(days=90)
    target = folder or settings.folder / "evidence" / f"{first}_{last}_{now:%H%M%S}"
    try:
        with open_state(settings.state_file) as state:
            write_evidence(settings, state, target, first, last, now, acting())
    except EvidenceError as error:
        raise click.UsageError(str(error)) from None
    say(f"Evidence of {first} to {last}: {target}")
    say(f"Public key: {(target / 'public_key.hex').read_text()}")


@evidence.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--public-key", help="The key that the auditor was told, hexadecimal.")
def verify(folder: Path, public_key: str | None) -> None:
    """Check that an evidence folder is as it was signed, and say when it was signed again. Exit
    code 1 when it was changed."""
    from heirpay_pipelines.controls.evidence import rewritings, verify_evidence

    faults = verify_evidence(folder, public_key)
    for fault in faults:
        say(fault, err=True)
    if faults:
        raise click.ClickException("this evidence was changed after it was written")
    for item in rewritings(folder):
        say(
            f"Signed again on {item['at'][:10]}: {item['why']}. It replaces the manifest with"
            f" SHA-256 {item['instead_of']}."
        )
    say("The folder is as it was signed.")
