"""`heirpay report`."""

from __future__ import annotations

import webbrowser
from datetime import UTC, datetime
from pathlib import Path

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.report.latest import fault_of_latest
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say


@click.command()
@click.option(
    "--to",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the report, readable, into this folder.",
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def report(target: Path | None, open_it: bool) -> None:
    """Print where the newest report is.

    With an encryption key the report lies there sealed: --to FOLDER writes it out readable. Keep
    that folder private, and delete it when it was read.
    """
    settings = Settings.load()
    newest = settings.reports_dir / "latest" / "report.html"
    if (fault := fault_of_latest(settings.reports_dir)) is not None:
        raise click.ClickException(
            f"reports/latest {fault}. The next `heirpay run` puts it right; earlier reports lie"
            " beside it, in folders named by date."
        )
    if not newest.is_file():
        raise click.ClickException("No report is written yet: start `heirpay run`.")
    if target is not None:
        newest = _write_out(settings, newest.parent.resolve(), target) / newest.name
    elif settings.key and open_it:
        raise click.UsageError("The report is sealed: say where to, --to FOLDER --open.")
    say(newest)
    if target is None and settings.key:
        say("It is sealed: `heirpay report --to FOLDER` writes it out readable.", err=True)
    if open_it:
        webbrowser.open(newest.resolve().as_uri())


def _write_out(settings: Settings, folder: Path, target: Path) -> Path:
    """Every file of the report, readable, and a record of who took it out."""
    from heirpay_pipelines.at_rest import sealed
    from heirpay_pipelines.at_rest.places import own_folder
    from heirpay_pipelines.audit import Action, append
    from heirpay_pipelines.state import open_state

    if target.resolve().is_relative_to(settings.folder):
        raise click.UsageError(
            f"{target} lies under HEIRPAY_HOME, where nothing is kept readable: name another."
        )
    own_folder(target)
    with open_state(settings.state_file) as state:
        who = acting()
        append(state, datetime.now(UTC), who, Action.REPORT_TAKEN_OUT, folder.name, {})
    for source in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        copy = target / source.relative_to(folder)
        own_folder(copy.parent)
        sealed.unseal(source, copy, settings.key)
    return target
