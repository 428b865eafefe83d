"""`heirpay risk`: velocity rules, their back-test, and proposals to block."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import click

from heirpay_pipelines.duck import WarehouseError
from heirpay_pipelines.host.person import acting
from heirpay_pipelines.risk.rules import RiskError
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say, say_json

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def risk() -> None:
    """Velocity rules, what they would have done, and blocking that a second person approves."""


@contextmanager
def _explained() -> Iterator[None]:
    from heirpay_pipelines.gateways.errors import PullError

    try:
        yield
    except (RiskError, WarehouseError, PullError) as error:
        raise click.ClickException(str(error)) from None


@risk.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def rules(as_json: bool) -> None:
    """List the velocity rules; those of your own are in velocity_rules.yaml under HEIRPAY_HOME."""
    from heirpay_pipelines.risk.rules import load_rules

    with _explained():
        found = load_rules(Settings.load().folder)
    if as_json:
        say_json(json.dumps([rule.model_dump(mode="json") for rule in found.values()], indent=2))
        return
    for rule in found.values():
        say(
            f"{rule.name:18} {rule.threshold} {rule.measure} in {rule.window} by {rule.group_by}"
            f" → {rule.block.value_list}"
        )
        say(f"{'':18} {rule.title}")


@risk.command("backtest")
@click.argument("rule")
@click.option("--since", type=DAY, help="First day; the first payment's otherwise.")
@click.option("--until", type=DAY, help="Last day; the newest payment's otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def backtest_(rule: str, since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """Run RULE over the published history: precision, recall, money saved and lost."""
    from heirpay_pipelines.risk.backtest import backtest
    from heirpay_pipelines.risk.rules import find_rule

    settings = Settings.load()
    with _explained():
        found = backtest(
            settings,
            find_rule(settings.folder, rule),
            since.date() if since else None,
            until.date() if until else None,
        )
    if as_json:
        say_json(json.dumps(found.as_json(), indent=2))
        return
    say(f"{rule}, {found.since} to {found.until}, known as of {found.as_of}")
    say(
        f"flagged    {found.flagged} attempts: {found.bad} bad, {found.good} good,"
        f" {found.unknown} unknown"
    )
    say(f"precision  {_share(found.precision)}  of what it flags, with a known end, is bad")
    say(f"recall     {_share(found.recall)}  of {found.all_bad} bad attempts are flagged")
    for money in found.money:
        say(f"money      saved {money.saved:f}, lost {money.lost:f} {money.currency}")
    for currency, fees in found.dispute_fees_saved:
        say(f"fees       {fees:f} {currency} of dispute fees saved")


def _share(value: Decimal | None) -> str:
    return "none" if value is None else f"{value:.2%}"


@risk.group()
def proposals() -> None:
    """Proposed changes of Radar value lists: make, list, show, approve, reject, apply."""


@contextmanager
def _state() -> Iterator[tuple[Settings, Any]]:
    from heirpay_pipelines.state.database import open_state

    settings = Settings.load()
    with _explained(), open_state(settings.state_file) as state:
        yield settings, state


@proposals.command()
@click.argument("rule")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 366),
              help="What the rule flagged in so many last days.")  # fmt: skip
@click.option("--by", help="A name, recorded beside your login.")
def make(rule: str, days: int, by: str | None) -> None:
    """Propose to block what RULE flagged; nothing changes at Stripe."""
    from heirpay_pipelines.risk.proposals import items_of, propose
    from heirpay_pipelines.risk.rules import find_rule

    with _state() as (settings, state):
        found = propose(settings, state, find_rule(settings.folder, rule), acting(by), days)
        if found is None:
            say(f"{rule} flagged nothing new to block in {days} days.")
            return
        name = found["proposal_id"]
        say(f"{name}: {len(items_of(state, name))} values for {found['value_list']}")
        say(f"Read it: {settings.proposals_dir / name}.json")
        say("Another person approves it, logged in as themselves:")
        say(f"  heirpay risk proposals approve {name}")


@proposals.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def list_(as_json: bool) -> None:
    """List the proposals, the newest first."""
    with _state() as (_, state):
        found = state.rows(
            "select p.proposal_id, p.status, p.rule, p.value_list, p.author, p.created_at,"
            " p.decided_by, p.applied_by, count(i.value) as items from risk_proposals p"
            " left join risk_proposal_items i using (proposal_id) group by p.proposal_id"
            " order by p.created_at desc, p.proposal_id"
        )
    if as_json:
        say_json(json.dumps(found, indent=2))
        return
    for row in found:
        say(
            f"{row['proposal_id']}  {row['status']:9} {row['items']:>5} for {row['value_list']}"
            f"  {row['rule']} by {row['author']}"
        )
    say(f"{len(found)} proposals.", err=True)


@proposals.command()
@click.argument("proposal_id")
def show(proposal_id: str) -> None:
    """Show one proposal with its values, what the back-test says, and what became of it."""
    from heirpay_pipelines.risk.proposals import items_of, read

    with _state() as (_, state):
        found = read(state, proposal_id)
        document = json.loads(found.pop("document"))
        say_json(json.dumps(
            {**found, "document": document, "items": items_of(state, proposal_id)}, indent=2,
            ensure_ascii=False,
        ))  # fmt: skip


@proposals.command()
@click.argument("proposal_id")
@click.option("--by", help="A name, recorded beside your login.")
@click.option("--note", default="", help="Kept in the audit log.")
def approve(proposal_id: str, by: str | None, note: str) -> None:
    """Approve a proposal; nothing changes at Stripe yet."""
    from heirpay_pipelines.risk.proposals import decide

    with _state() as (settings, state):
        decide(settings, state, proposal_id, acting(by), approve=True, note=note)
    say(f"{proposal_id} is approved by {acting(by)}.")
    say(f"Apply it: STRIPE_WRITE_KEY=rk_… heirpay risk proposals apply {proposal_id}")


@proposals.command()
@click.argument("proposal_id")
@click.option("--by", help="A name, recorded beside your login.")
@click.option("--note", required=True, help="Why; kept in the audit log.")
def reject(proposal_id: str, by: str | None, note: str) -> None:
    """Reject a proposal; its values are not proposed again."""
    from heirpay_pipelines.risk.proposals import decide

    with _state() as (settings, state):
        decide(settings, state, proposal_id, acting(by), approve=False, note=note)
    say(f"{proposal_id} is rejected.")


@proposals.command()
@click.argument("proposal_id")
@click.option("--by", help="A name, recorded beside your login.")
def apply(proposal_id: str, by: str | None) -> None:
    """Add an approved proposal's values to the Radar value list, with STRIPE_WRITE_KEY."""
    from heirpay_pipelines.gateways.stripe.value_lists import ValueLists
    from heirpay_pipelines.risk.proposals import apply as apply_proposal

    with _state() as (settings, state):
        key = settings.secret("stripe_write_key")
        if key is None:
            raise click.ClickException(
                "STRIPE_WRITE_KEY is not set: create a restricted key with write on Radar and"
                " nothing else, and set it for this one command."
            )
        lists = ValueLists(key, settings.stripe_api_base)
        added = apply_proposal(settings, state, proposal_id, acting(by), lists)
    say(f"{proposal_id} is applied: {added} values were added.")
