"""`heirpay home`: what is kept, how large it is, for how long; and `prune`, which lets go."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from heirpay_pipelines.console.demo_home import show_demo
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say, say_json


@click.group(invoke_without_command=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text",
              show_default=True)  # fmt: skip
@click.option("--demo", is_flag=True, is_eager=True, expose_value=False, callback=show_demo,
              help="Of the demo's home, not of HEIRPAY_HOME.")  # fmt: skip
@click.pass_context
def home(context: click.Context, form: str) -> None:
    """Sizes of what HEIRPAY_HOME keeps, and for how long each is kept.

    Every night lets go what is past that; `heirpay home prune` does it now.
    """
    if context.invoked_subcommand:
        return
    from heirpay_pipelines.orchestration.keeping.parts import parts
    from heirpay_pipelines.orchestration.keeping.policy import policy

    settings = Settings.load()
    found = parts(settings, policy())
    total = sum(part.bytes for part in found)
    if form == "json":
        shown = {
            "home": str(settings.folder),
            "bytes": total,
            "parts": [asdict(part) for part in found],
            "policy": policy().model_dump(),
        }
        say_json(json.dumps(shown, indent=2))
        return
    say(str(settings.folder))
    for part in found:
        say(f"{megabytes(part.bytes)}  {part.part:<24} {part.kept}")
    say(f"{megabytes(total)}  in all")


@home.command()
@click.option("--dry-run", is_flag=True, help="Only list what would be let go.")
def prune(dry_run: bool) -> None:
    """Let go what is kept longer than the policy says.

    Never evidence of a closed month, the audit chain, landing or the state file.
    """
    from dagster import DagsterInstance

    from heirpay_pipelines.orchestration.home import prepare_dagster_home
    from heirpay_pipelines.orchestration.keeping.prune import prune as let_go
    from heirpay_pipelines.state.run_lock import run_lock

    settings = Settings.load()
    if not settings.folder.is_dir():
        raise click.ClickException(f"{settings.folder} is not there yet: nothing is kept.")
    with run_lock(settings):
        prepare_dagster_home(settings)
        with DagsterInstance.get() as instance:
            found = let_go(settings, instance, dry=dry_run)
    for item in found:
        say(f"{megabytes(item.bytes)}  {item.path}")
    said = "would be let go" if dry_run else "let go"
    say(f"{megabytes(sum(item.bytes for item in found))}  {said}", err=True)


def megabytes(size: int) -> str:
    """Ten to the six bytes, in a column."""
    return f"{size / 1e6:9.1f} MB"
