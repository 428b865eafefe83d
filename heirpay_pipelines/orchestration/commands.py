"""`heirpay run` and `heirpay demo`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.settings import STRIPE_API, Settings
from heirpay_pipelines.text.shown import say

if TYPE_CHECKING:
    from heirpay_pipelines.orchestration.launch import NightlyOutcome

PUBLISHED, REFUSED = 0, 3
SAMPLE_QUERY = (
    "select month, currency, mrr, active_customers, arpa from finance.mrr_monthly "
    "where month >= (select max(month) from finance.mrr_monthly) - interval 2 month "
    "order by currency, month"
)


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant; one without an offset is UTC, and a bare date is its first instant."""

    name = "ISO8601"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not an ISO 8601 instant such as 2026-10-31T23:59:59Z.")
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)


@click.command()
@click.option("--as-of", type=Instant(), help="Compute as of this instant (default: now).")
@click.option("--full", is_flag=True, help="List everything again, not only what changed.")
def run(as_of: datetime | None, full: bool) -> None:
    """Run the nightly job: pull, land, model, check, publish, report.

    An instant before the newest pull pulls nothing: that night is computed again from what was
    landed by then.
    """
    settings = Settings.load()
    if not settings.has_own_key and settings.stripe_api_base == STRIPE_API:
        raise SettingsError(
            "STRIPE_API_KEY is not set: create a restricted, read-only key in Stripe's dashboard"
            " (Developers, API keys) and set it. `heirpay demo` needs none."
        )
    _finish(settings, _nightly(settings, as_of, full))


@click.command()
def demo() -> None:
    """Run the whole nightly job on the embedded account, and say where the results are.

    The account is served over HTTP on loopback; the job is the one that `heirpay run` starts.
    Everything lies in HEIRPAY_HOME where that is set, else in ./var/demo: `heirpay query --demo`
    and other reading commands look there.
    """
    from heirpay_pipelines.console.demo_home import use_demo_home
    from heirpay_pipelines.orchestration.embedded import serve_account

    use_demo_home()
    home = Settings.load()
    with serve_account(home.bank_dir) as account:
        os.environ["STRIPE_API_BASE"] = account.base_url
        os.environ["STRIPE_API_KEY"] = account.key
        settings = Settings.load()
        outcome = _nightly(settings, None, False)
    _finish(settings, outcome, is_demo=True)


def _nightly(settings: Settings, as_of: datetime | None, full: bool) -> NightlyOutcome:
    from heirpay_pipelines.bank.folder import require_mappings
    from heirpay_pipelines.orchestration.launch import run_nightly
    from heirpay_pipelines.state.run_lock import AnotherRunError

    require_mappings(settings.bank_dir)
    try:
        return run_nightly(settings, as_of, full)
    except AnotherRunError as error:
        raise click.ClickException(str(error)) from None


def _finish(settings: Settings, outcome: NightlyOutcome, is_demo: bool = False) -> None:
    """Say how the night ended and, where there is something to read, how to read it."""
    from heirpay_pipelines.console.demo_home import is_demo_default

    try:
        if outcome.error:
            say(err=True)
            say(outcome.error, colour="red", err=True)
        if outcome.exit_code in (PUBLISHED, REFUSED):
            _say_where(settings, outcome, " --demo" if is_demo_default() else "")
            if is_demo:
                say(
                    "Every night  heirpay schedule on  (your account, with `heirpay ui` running;"
                    " the demo's is served during `heirpay demo` alone)"
                )
    finally:
        sys.exit(outcome.exit_code)  # also when nobody reads that


def _say_where(settings: Settings, outcome: NightlyOutcome, demo: str) -> None:
    say()
    say(f"Report     {outcome.report}")
    if settings.key:
        say(f"           sealed: heirpay report{demo} --to FOLDER --open")
    if settings.warehouse.is_file():
        say(f"Warehouse  {settings.warehouse}")
        say(f"UI         heirpay ui{demo}  →  {settings.ui_url}")
        say(f'Try        heirpay query{demo} "{SAMPLE_QUERY}"')
