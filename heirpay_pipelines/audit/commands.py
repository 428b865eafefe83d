"""`heirpay audit`."""

from __future__ import annotations

import click

from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say


@click.group()
def audit() -> None:
    """The append-only, hash-chained log of what was done."""


@audit.command("verify")
@click.option("--head", "kept", multiple=True, help="A head kept elsewhere: sequence:hash.")
def verify_log(kept: tuple[str, ...]) -> None:
    """Verify the chain, against the heads in warehouse and reports and those given; and the
    published files, landed pulls and their files against the hashes that the chain holds.

    Exit code 1 when anything was altered, removed, added or reordered, or a head cannot be read.
    """
    from heirpay_pipelines.audit import AuditError, Head, verify
    from heirpay_pipelines.audit.heads import kept_heads
    from heirpay_pipelines.audit.landed import verify_landed
    from heirpay_pipelines.audit.published import verify_published
    from heirpay_pipelines.state.database import open_state

    settings = Settings.load()
    try:
        heads = [Head.parse(text) for text in kept]
    except AuditError as error:
        raise click.UsageError(str(error)) from None
    with open_state(settings.state_file) as state:
        found = kept_heads(settings)
        checked = verify(state, [*found.heads, *heads])
        compared, changed = verify_published(settings, state)
        landed = verify_landed(settings, state, files=True)
    for finding in (*checked.findings, *changed, *landed.findings):
        say(f"{finding.kind} at record {finding.sequence}: {finding.detail}", err=True)
    for fault in found.faults:
        say(fault, err=True)
    if not checked.ok and checked.only_the_clock:
        raise click.ClickException(
            "the clock of this machine was set back, nothing else is found: if that is so, record"
            " it with `heirpay audit correct-clock`"
        )
    if not checked.ok:
        raise click.ClickException("the audit log was tampered with; call the security officer")
    if landed.findings:
        raise click.ClickException(
            "landed data is not what was pulled: restore it from a backup (docs/how-to/recovery.md)"
            "; where nobody lost or replaced it, call the security officer"
        )
    if changed:
        raise click.ClickException(
            "a published file was changed after it was published: `heirpay run` publishes it anew;"
            " call the security officer"
        )
    if found.faults:
        raise click.ClickException(
            "a head of the log is missing or cannot be read: restore its file from a backup"
            " (docs/how-to/recovery.md)"
        )
    say(f"{checked.records} records, unbroken. Head {checked.head}")
    say(f"{len(found.heads) + len(heads)} heads kept elsewhere are in the log.")
    say(f"{compared} published files are as the log says.")
    say(f"{landed.manifests} landed pulls with {landed.files} files are as the log says.")
    if landed.not_recorded:
        say(f"{landed.not_recorded} pulls of an earlier release are not recorded in the log yet.")


@audit.command("correct-clock")
@click.option("--by", help="A name, recorded beside your login.")
def correct_clock(by: str | None) -> None:
    """Record, signed, that this machine's clock was set back where the log's dates go back.

    For logs of earlier releases: since then each correction is recorded by itself.
    """
    from heirpay_pipelines.audit.clock import correct
    from heirpay_pipelines.audit.verify import CLOCK_BACK, verify
    from heirpay_pipelines.host.person import acting
    from heirpay_pipelines.state.database import open_state

    with open_state(Settings.load().state_file) as state:
        found = [f.sequence for f in verify(state).findings if f.kind == CLOCK_BACK]
        for sequence in found:
            correct(state, sequence, str(acting(by)))
    say(f"{len(found)} corrections recorded.")


@audit.command("log")
@click.option("--last", default=20, show_default=True, help="How many records.")
def show_log(last: int) -> None:
    """Print the newest records."""
    from heirpay_pipelines.state.database import open_state

    with open_state(Settings.load().state_file) as state:
        rows = state.rows(
            "select * from (select * from audit_log order by sequence desc limit ?)"
            " order by sequence",
            (last,),
        )
    for row in rows:
        say(
            f"{row['sequence']:>6} {row['occurred_at'][:19]} {row['actor']} {row['action']}"
            f" {row['subject']} {row['detail']}"
        )
