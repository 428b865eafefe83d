"""`heirpay breaks`: what does not reconcile, and deciding upon it."""

from __future__ import annotations

import json
from typing import Any

import click

from heirpay_pipelines.books.breaks import BreakError, find_break, open_breaks, resolve_break
from heirpay_pipelines.duck import WarehouseError
from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say, say_json


@click.group()
def breaks() -> None:
    """Reconciliation breaks: list the open ones, show one, resolve it with a reason."""


@breaks.command("list")
@click.option("--kind", help="Only this kind.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def list_(kind: str | None, as_json: bool) -> None:
    """List the open breaks, with their age."""
    rows = _read(lambda settings: open_breaks(settings))
    rows = [row for row in rows if kind in (None, row["kind"])]
    if as_json:
        say_json(json.dumps(rows, default=str, indent=2))
        return
    for row in rows:
        amount = "" if row["amount"] is None else f"{row['amount']:f} {row['currency']}"
        say(
            f"{row['break_id']}  {row['severity']:8}  {row['kind']:30}  {amount:>18}"
            f"  {row['age_days']:>4} days  {row['object_id']}"
        )
    say(f"{len(rows)} open.", err=True)


@breaks.command()
@click.argument("break_id")
def show(break_id: str) -> None:
    """Show one break: what is wrong, who acts and what to do first."""
    row = _read(lambda settings: find_break(settings, break_id))
    for name, value in row.items():
        say(f"{name:18} {value}")


@breaks.command()
@click.argument("break_id")
@click.option("--reason", required=True, help="What explains it; kept in the audit log.")
@click.option("--by", help="Who decides; your login otherwise.")
def resolve(break_id: str, reason: str, by: str | None) -> None:
    """Resolve a break with a reason. It reopens when it changes or comes back."""
    _read(lambda settings: resolve_break(settings, break_id, acting(by), reason))
    say(f"{break_id} is resolved; the next run publishes it as such.")


def _read(action: Any) -> Any:
    try:
        return action(Settings.load())
    except (BreakError, WarehouseError) as error:
        raise click.ClickException(str(error)) from None
