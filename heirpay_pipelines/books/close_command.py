"""`heirpay close`."""

from __future__ import annotations

import click

from heirpay_pipelines.books.close import (
    CloseError,
    approve_month,
    blockers,
    close_month,
    month_start,
    verify_month,
)
from heirpay_pipelines.duck import WarehouseError
from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say


@click.command()
@click.argument("month")
@click.option("--by", help="A name, recorded beside your login.")
@click.option("--check", is_flag=True, help="Only list what still blocks the close.")
@click.option("--approve", is_flag=True, help="Approve a closed month; another person than closed.")
@click.option("--verify", is_flag=True, help="Hold a closed month against hash and warehouse.")
def close(month: str, by: str | None, check: bool, approve: bool, verify: bool) -> None:
    """Close MONTH (like 2026-10): freeze its figures, their data and the control results.

    Exit code 1 when something blocks it, or a closed month was restated.
    """
    who = acting(by)
    settings = Settings.load()
    try:
        start = month_start(month)
        if check:
            _check(settings, month)
        elif verify:
            _verify(settings, month)
        elif approve:
            approve_month(settings, start, who)
            say(f"{month} is approved by {who}.")
        else:
            digest = close_month(settings, start, who)
            say(f"{month} is closed by {who}: {digest}")
            say("Another person approves it, logged in as themselves:")
            say(f"  heirpay close {month} --approve")
    except (CloseError, WarehouseError) as error:
        raise click.ClickException(str(error)) from None


def _check(settings: Settings, month: str) -> None:
    standing = blockers(settings, month_start(month))
    for blocker in standing:
        say(f"{blocker.what:18} {blocker.subject}  {blocker.detail}")
    say(f"{len(standing)} things block the close of {month}.", err=True)
    if standing:
        raise SystemExit(1)


def _verify(settings: Settings, month: str) -> None:
    differences = verify_month(settings, month_start(month))
    for difference in differences:
        say(f"{difference.figure}: closed {difference.closed}, now {difference.now}")
    say(
        f"{month} is as it was frozen; {len(differences)} figures are published otherwise now.",
        err=True,
    )
    if differences:
        raise SystemExit(1)
