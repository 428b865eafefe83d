"""`heirpay schedule`: whether the nightly job is started every night, and the switch for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heirpay_pipelines.console.demo_home import show_demo
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.remote_origin import RemoteInstigatorOrigin
    from dagster._core.scheduler.instigation import InstigatorState

NIGHTLY_CRON = ("0 3 * * *", "Every night at 03:00")
SCHEDULE = "nightly"


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]), required=False)
@click.option("--demo", is_flag=True, is_eager=True, expose_value=False, callback=show_demo,
              help="Of the demo's home, not of HEIRPAY_HOME.")  # fmt: skip
def schedule(state: str | None) -> None:
    """Switch the nightly schedule on or off; without an argument say which it is.

    The daemon of `heirpay ui` starts what is scheduled: leave it running. Its page Automation shows
    the same switch.
    """
    from dagster import DagsterInstance

    from heirpay_pipelines.orchestration.dagster_files import set_damaged_aside
    from heirpay_pipelines.orchestration.home import prepare_dagster_home

    settings = Settings.load()
    prepare_dagster_home(settings)
    for line in set_damaged_aside(settings):
        say(f"heirpay: {line}", err=True)
    with DagsterInstance.get() as instance:
        if state is not None:
            switch(instance, settings, state == "on")
        is_on = is_running(instance)
    when = f"{NIGHTLY_CRON[1]} ({settings.timezone})"
    if is_on:
        running = "" if settings.ui_file.is_file() else " Start it: it does not run now."
        say(f"on   {when}, by the daemon of `heirpay ui`.{running}")
    else:
        say(f"off  `heirpay schedule on`: {when[0].lower()}{when[1:]}.")


def is_running(instance: DagsterInstance, name: str = SCHEDULE) -> bool:
    """Whether the schedule is switched on, here or in Dagster's UI."""
    found = _stored(instance, name)
    return found is not None and found.is_running


def switch(instance: DagsterInstance, settings: Settings, on: bool) -> None:
    """Switch the schedule as Dagster's UI does: what is kept is its own record of it."""
    from datetime import UTC, datetime

    from dagster._core.scheduler.instigation import (
        InstigatorState,
        InstigatorStatus,
        InstigatorType,
        ScheduleInstigatorData,
    )

    found = _stored(instance)
    if on == (found is not None and found.is_running):
        return
    since = datetime.now(UTC).timestamp() if on else None
    new = InstigatorState(
        _origin(),
        InstigatorType.SCHEDULE,
        InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED,
        ScheduleInstigatorData(NIGHTLY_CRON[0], since),
    )
    (instance.add_instigator_state if found is None else instance.update_instigator_state)(new)


def _stored(instance: DagsterInstance, name: str = SCHEDULE) -> InstigatorState | None:
    origin = _origin(name)
    return instance.get_instigator_state(origin.get_id(), origin.get_selector().get_id())


def _origin(name: str = SCHEDULE) -> RemoteInstigatorOrigin:
    from dagster._core.remote_origin import RemoteInstigatorOrigin

    from heirpay_pipelines.orchestration.code_location import repository_origin

    return RemoteInstigatorOrigin(repository_origin(), name)
