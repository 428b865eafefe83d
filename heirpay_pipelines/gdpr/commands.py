"""`heirpay gdpr`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from heirpay_pipelines.settings import Settings


@click.group()
def gdpr() -> None:
    """Personal data: where it is, a person's copy of it, erasure, retention."""


@gdpr.command("erase")
@click.argument("customer")
@click.option("--reason", required=True, help="Why, such as the request's date. Name nobody.")
@click.option("--by", required=True, help="Who decided it.")
def erase_customer(customer: str, reason: str, by: str) -> None:
    """Erase what names a CUSTOMER (cus_…), and keep what the law demands, pseudonymised.

    Amounts, dates, tax country and the ids of documents stay, so every total does. Erase the
    customer in Stripe, too: what Stripe still sends about them is pseudonymised when it lands.
    """
    from heirpay_pipelines.gdpr.erase import GdprError, erase
    from heirpay_pipelines.land.manifest import LandingError
    from heirpay_pipelines.nightly.lock import AnotherRunError, run_lock

    settings = Settings.load()
    try:
        with run_lock(settings):
            done = erase(settings, customer, reason, by, datetime.now(UTC))
    except (GdprError, LandingError, AnotherRunError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"Erased as {done.pseudonym}: {done.landed_rows} rows in {done.landed_files} landed files,"
        f" {done.warehouse_rows} rows of the warehouse, {done.state_cells} cells of the state,"
        f" {done.files} other files. A scan found nothing left."
    )
    for name in done.kept:
        click.echo(f"Kept, as an accounting record of the bank's: {name} names the person.")
