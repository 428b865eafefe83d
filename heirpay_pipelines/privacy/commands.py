"""`heirpay gdpr`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say, say_json


@click.group()
def gdpr() -> None:
    """Personal data: where it is, a person's copy of it, erasure, retention."""


@gdpr.command("map")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show_map(as_json: bool) -> None:
    """What personal data is where (landing, published warehouse, state), and how long it is kept.
    Exit code 1 when a column of the published warehouse is not classified."""
    import json
    from dataclasses import asdict

    from heirpay_pipelines.controls.retention import RetentionError, kept_for, load_rules
    from heirpay_pipelines.duck import WarehouseError
    from heirpay_pipelines.privacy.data_map import data_map

    settings = Settings.load()
    try:
        entries, wrong = data_map(settings)
        kept = kept_for(load_rules(settings))
    except (WarehouseError, RetentionError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        say_json(json.dumps([asdict(entry) for entry in entries], indent=1))
    else:
        for entry in entries:
            say(f"{entry.where:10} {entry.data_class:19} {entry.place}")
        for kind, period in kept.items():
            say(f"kept       {kind:19} {period}")
    for line in wrong:
        say(line, err=True)
    if wrong:
        raise click.ClickException(f"{len(wrong)} columns do not fit: tag or clear them")


@gdpr.command("export")
@click.argument("customer")
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="A new ZIP.")
@click.option("--by", help="Who hands it over; by default the user of this machine.")
def export_customer(customer: str, target: Path, by: str | None) -> None:
    """Write everything that is kept about a CUSTOMER (cus_…) to a ZIP of JSON files, plain: hand it
    over and delete it."""
    from heirpay_pipelines.privacy.erase import GdprError
    from heirpay_pipelines.privacy.export import export

    settings = Settings.load()
    try:
        records = export(settings, customer, target, acting(by), datetime.now(UTC))
    except GdprError as error:
        raise click.ClickException(str(error)) from None
    say(f"{records} records about {customer}: {target}")


@gdpr.command("erase")
@click.argument("customer")
@click.option("--reason", required=True, help="Why, such as the request's date. Name nobody.")
@click.option("--by", required=True, help="Who decided it.")
def erase_customer(customer: str, reason: str, by: str) -> None:
    """Erase what names a CUSTOMER (cus_…), and keep what the law demands, pseudonymised.

    Amounts, dates, tax country and the ids of documents stay, so every total does. Erase the
    customer in Stripe, too: what Stripe still sends about them is pseudonymised when it lands.
    """
    from heirpay_pipelines.landing.manifest import LandingError
    from heirpay_pipelines.privacy.erase import GdprError, erase
    from heirpay_pipelines.state.run_lock import AnotherRunError, run_lock

    settings = Settings.load()
    try:
        with run_lock(settings):
            done = erase(settings, customer, reason, acting(by), datetime.now(UTC))
    except (GdprError, LandingError, AnotherRunError) as error:
        raise click.ClickException(str(error)) from None
    say(
        f"Erased as {done}: {done.landed_rows} rows in {done.landed_files} landed files,"
        f" {done.warehouse_rows} rows of the warehouse, {done.state_cells} cells of the state,"
        f" {done.files} other files. A scan found nothing left."
    )
    for clause, places in done.by_clause.items():
        say(f"Kept by law ({clause}): {', '.join(places)}")
    for name in done.kept:
        say(
            f"Delete by hand, when the law lets you: {name} names the person. It is the bank's own"
            " file and was not changed; what it says of the person is not landed again."
        )


@gdpr.command("retention")
@click.option("--apply", "applied", is_flag=True, help="Erase exactly what is listed.")
@click.option("--by", help="Who decided it; needed with --apply.")
@click.option(
    "--as-of", type=click.DateTime(), help="A UTC instant; by default that of the published night."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def retention(applied: bool, by: str | None, as_of: datetime | None, as_json: bool) -> None:
    """Whose personal data of which class is past its period, since when, by which rule.

    The period counts from a customer's last activity. Nobody with an active subscription, an open
    invoice or an open dispute is listed. HEIRPAY_HOME/retention.yaml sets a company's own periods.
    """
    from heirpay_pipelines.controls.retention import RetentionError
    from heirpay_pipelines.duck import WarehouseError
    from heirpay_pipelines.landing.manifest import LandingError
    from heirpay_pipelines.privacy.erase import GdprError
    from heirpay_pipelines.state.run_lock import AnotherRunError

    if applied and (not by or as_of):
        raise click.UsageError("--apply needs --by NAME, and takes the instant of the last night")
    settings = Settings.load()
    try:
        if applied:
            _apply(settings, acting(by))
        else:
            _list(settings, as_of.replace(tzinfo=UTC) if as_of else None, as_json)
    except (RetentionError, WarehouseError, GdprError, LandingError, AnotherRunError) as error:
        raise click.ClickException(str(error)) from None


def _apply(settings: Settings, by: str) -> None:
    from heirpay_pipelines.privacy.retention import apply
    from heirpay_pipelines.state.run_lock import run_lock

    with run_lock(settings):
        done = apply(settings, by, datetime.now(UTC))
    people = sum(len(item.pseudonyms) for item in done)
    rows = sum(item.landed_rows for item in done)
    if done:
        say(f"Erased what was due of {people} people: {rows} landed rows. Nothing is left.")
    else:
        say("Nothing is past its period.")


def _list(settings: Settings, as_of: datetime | None, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from heirpay_pipelines.privacy.retention import overdue

    instant, found = overdue(settings, as_of)
    if as_json:
        say_json(json.dumps([asdict(item) for item in found], indent=1, default=str))
        return
    for item in found:
        say(
            f"{item.subject}  {item.data_class:18}  {item.country or '??'}  last active"
            f" {item.last_active_at:%Y-%m-%d}, due since {item.since:%Y-%m-%d}: {item.rule}"
        )
    people = len({item.subject for item in found})
    say(
        f"{len(found)} classes of {people} people are past their period, as of {instant:%Y-%m-%d}."
        + (" Erase them with --apply --by NAME." if found else "")
    )
