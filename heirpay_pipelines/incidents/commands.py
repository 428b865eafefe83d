"""`heirpay incidents`: what is open, what was tried, who takes it, what resolved it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.state import State, open_state
from heirpay_pipelines.text.shown import say, say_json, say_lines


@click.group()
def incidents() -> None:
    """What fails, what was tried, who acts: list, show, acknowledge, resolve."""


@contextmanager
def _state() -> Iterator[tuple[Settings, State]]:
    settings = Settings.load()
    with open_state(settings.state_file) as state:
        try:
            yield settings, state
        except LookupError as error:
            raise click.ClickException(str(error)) from None


@incidents.command("list")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def list_(everything: bool, as_json: bool) -> None:
    """List incidents, the most urgent first."""
    from heirpay_pipelines.incidents.details import decoded
    from heirpay_pipelines.incidents.incidents import unresolved
    from heirpay_pipelines.incidents.message import money
    from heirpay_pipelines.text.listing import print_list

    with _state() as (_, state):
        found = (
            state.rows("select * from incidents order by opened_at desc, incident_id")
            if everything
            else unresolved(state)
        )
    if as_json:
        say_json(json.dumps([decoded(incident) for incident in found], indent=2))
        return
    if not found:
        say("No incident is open.")
        return
    rows = []
    for row in found:
        what = f"{row['symptom']}: {row['subject']}"
        impact = money(row["financial_impact"], row["currency"])
        cells = (row["incident_id"], row["urgency"], row["status"], str(row["strike"]))
        rows.append((*cells, what, impact, row["role"]))
    headings = ("incident", "urgency", "status", "strike", "what", "impact", "role")
    print_list(headings, rows, prose=("what",))


@incidents.command()
@click.argument("incident_id")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
def show(incident_id: str, as_json: bool) -> None:
    """Show one incident: the facts, what was tried, the work lists, the runbooks."""
    from heirpay_pipelines.incidents.details import describe, details

    with _state() as (settings, state):
        found = details(settings, state, incident_id)
    if as_json:
        say_json(json.dumps(found, indent=2))
    else:
        say_lines(describe(found))


@incidents.command()
@click.argument("incident_id")
def notice(incident_id: str) -> None:
    """Print the draft of the regulator's notification, and say how much time is left."""
    from heirpay_pipelines.at_rest import sealed
    from heirpay_pipelines.incidents.incidents import read
    from heirpay_pipelines.incidents.notice import clock, write_draft

    with _state() as (settings, state):
        incident = read(state, incident_id)
        path = write_draft(settings, state, incident)
        text = sealed.read(path, settings.key).decode()
    say_lines(text)
    say(f"{path}: {clock(incident, datetime.now(UTC))}", err=True)


@incidents.command()
@click.argument("incident_id")
@click.option("--note", default="", help="What you are doing about it.")
def ack(incident_id: str, note: str) -> None:
    """Take an incident: reminders stop, the resolution is still told."""
    from heirpay_pipelines.incidents.by_hand import acknowledge

    with _state() as (_, state):
        acknowledge(state, incident_id, acting(), note, datetime.now(UTC))
    say(f"{incident_id} is acknowledged.")


@incidents.command()
@click.argument("incident_id")
@click.option("--note", required=True, help="Why it is over.")
@click.option("--worked", multiple=True, help="A step that worked; the runbook library keeps it.")
def resolve(incident_id: str, note: str, worked: tuple[str, ...]) -> None:
    """Close an incident by hand. A check that fails again opens the next one."""
    from heirpay_pipelines.incidents.by_hand import resolve_by_hand

    with _state() as (settings, state):
        resolve_by_hand(settings, state, incident_id, acting(), note, worked, datetime.now(UTC))
    say(f"{incident_id} is resolved.")


@incidents.command()
@click.argument("regulator")
@click.argument("reference")
@click.option(
    "--answer-within", default=30, show_default=True, help="Days until the answer is due."
)
@click.option("--close", "closing", is_flag=True, help="The inquiry is answered.")
def inquiry(regulator: str, reference: str, answer_within: int, closing: bool) -> None:
    """Record that a regulator asks: it escalates at the next run, until it is closed."""
    from heirpay_pipelines.incidents.by_hand import close_inquiry, open_inquiry

    now = datetime.now(UTC)
    with _state() as (_, state):
        if closing:
            close_inquiry(state, acting(), regulator, reference, now)
        else:
            due = now + timedelta(days=answer_within)
            open_inquiry(state, acting(), regulator, reference, now, due)
    say(f"{regulator} {reference} is {'closed' if closing else 'recorded'}.")


@incidents.command("isolate")
@click.option("--note", required=True, help="Why nothing may be published.")
def isolate_(note: str) -> None:
    """Stop publication until it is released."""
    from heirpay_pipelines.incidents.by_hand import isolate

    with _state() as (_, state):
        isolate(state, acting(), note, datetime.now(UTC))
    say("Nothing is published until `heirpay incidents release`.")


@incidents.command()
@click.option("--note", required=True, help="Why publication may go on.")
def release(note: str) -> None:
    """Release the isolation: publication goes on with the next run."""
    from heirpay_pipelines.incidents.by_hand import release_isolation

    with _state() as (_, state):
        release_isolation(state, acting(), note, datetime.now(UTC))
    say("Publication is released.")


@incidents.command()
@click.option("--read", "read_names", multiple=True, metavar="NAME", help="You have read it.")
def runbooks(read_names: tuple[str, ...]) -> None:
    """List ways that worked and nobody has read yet; note that you have read one."""
    from heirpay_pipelines.incidents.by_hand import runbooks_read

    with _state() as (settings, state):
        runbooks_read(state, read_names, acting(), datetime.now(UTC))
        new = state.rows(
            "select distinct learned from incidents where learned_new and learned <> ''"
            " order by learned"
        )
    if not new:
        say("No runbook is new.")
    for row in new:
        say(settings.folder / "runbooks" / f"{row['learned']}.md")


@incidents.command()
@click.argument("stored_as")
def restore(stored_as: str) -> None:
    """Put a quarantined file back where it was."""
    from heirpay_pipelines.incidents.quarantine import restore_file

    with _state() as (settings, state):
        path = restore_file(settings.folder, state, stored_as, acting())
    say(path)


@incidents.command()
def deliver() -> None:
    """Send what waits in the outbox and is due."""
    from heirpay_pipelines.incidents.outbox import deliver as send

    with _state() as (settings, state):
        done = send(settings, state, datetime.now(UTC))
    say(f"{done.sent} sent, {done.failed} failed, {done.waiting} waiting.")
    if done.failed:
        raise click.exceptions.Exit(1)


@incidents.command()
@click.option("--all", "everything", is_flag=True, help="Every message, not only the newest.")
def messages(everything: bool) -> None:
    """Print the newest message of the outbox, sent or not."""
    from heirpay_pipelines.incidents.outbox import messages as written

    with _state() as (_, state):
        found = written(state)
    if not found:
        say("No message was ever written.")
    for message in found if everything else found[:1]:
        say(f"{message['created_at']}  {message['delivery']}")
        say()
        say(message["title"])
        say()
        say_lines(message["body"])
