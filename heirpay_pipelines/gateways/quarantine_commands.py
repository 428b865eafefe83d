"""`heirpay quarantine`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.quarantine_retry import (
    Poisoned,
    quarantined_objects,
    retry_quarantined,
)
from heirpay_pipelines.host.person import acting
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.landing.manifest import LandingError
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state.database import open_state
from heirpay_pipelines.state.run_lock import AnotherRunError, run_lock
from heirpay_pipelines.text.shown import say, say_json


@click.group()
def quarantine() -> None:
    """Poisoned objects: list them, show one, try them again."""


@quarantine.command(name="list")
def list_() -> None:
    """Every object in quarantine, with its reason."""
    found = quarantined_objects(_landing(Settings.load()))
    for poisoned in found:
        say(f"{poisoned.id}  {poisoned.first_seen_at:%Y-%m-%d %H:%M}  {poisoned.reason}")
    say(f"{len(found)} in quarantine.", err=True)


@quarantine.command()
@click.argument("id")
def show(id: str) -> None:
    """What Stripe answered for one of them, as JSON. It may hold personal data."""
    poisoned = _find(id)
    shown = poisoned.record if poisoned.raw is None else poisoned.record | {"raw": poisoned.raw}
    say_json(json.dumps(shown, indent=2, ensure_ascii=False))


@quarantine.command()
@click.argument("ids", nargs=-1)
def retry(ids: tuple[str, ...]) -> None:
    """Try them again: all, or those named. The next run models what was landed."""
    settings = Settings.load()
    try:
        with run_lock(settings):
            retried = retry_quarantined(stripe_account(settings), ids)
            _record(settings, len(retried), sum(one.landed for one in retried))
    except (LandingError, AnotherRunError) as error:
        raise click.ClickException(str(error)) from None
    for one in retried:
        say(f"{one.id}  {'landed' if one.landed else 'stays'}: {one.detail}")
    if any(not one.landed for one in retried):
        raise SystemExit(1)


def _record(settings: Settings, tried: int, landed: int) -> None:
    detail = {"tried": tried, "landed": landed}
    with open_state(settings.state_file) as state:
        at, who = datetime.now(UTC), acting()
        append(state, at, who, Action.QUARANTINE_RETRIED, f"{tried} objects", detail)


def _landing(settings: Settings) -> Landing:
    return Landing.of(settings)


def _find(id: str) -> Poisoned:
    for poisoned in quarantined_objects(_landing(Settings.load())):
        if poisoned.id == id:
            return poisoned
    raise click.ClickException(f"{id} is not in quarantine; see `heirpay quarantine list`.")
