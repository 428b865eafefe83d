"""`heirpay repair`."""

from __future__ import annotations

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say


@click.command()
@click.option(
    "--new-state",
    is_flag=True,
    help="Begin a new state file also where the old one may only need another key.",
)
def repair(new_state: bool) -> None:
    """Restore what is lost or damaged in the home; give up what cannot be.

    Run it when a message says so and there is no backup to restore from. What is damaged is set
    aside, never deleted. The next `heirpay run` reads again what was given up.
    """
    from heirpay_pipelines.landing.landing import Landing
    from heirpay_pipelines.landing.repair import give_up_damaged
    from heirpay_pipelines.orchestration.state_file import repair_state
    from heirpay_pipelines.state.database import open_state
    from heirpay_pipelines.state.run_lock import run_lock

    settings = Settings.load(any_key=True)
    with run_lock(settings):
        said = repair_state(settings, acting(), force=new_state)
        with open_state(settings.state_file) as state:
            said += give_up_damaged(state, Landing.of(settings))
    for line in said or ["Nothing is lost or damaged in landing and state."]:
        say(line)
