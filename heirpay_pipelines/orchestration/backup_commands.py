"""`heirpay backup` and `heirpay restore`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say

if TYPE_CHECKING:
    from heirpay_pipelines.backup import Backup

ANSWER_SECONDS = 0.5


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Copy HEIRPAY_HOME into a new FOLDER, and verify the copy by its hashes.

    Readers and `heirpay receive` go on meanwhile; a run has to end first. An encrypted home stays
    encrypted: keep its key elsewhere. No setting and no key of Stripe's is in the copy.
    """
    from heirpay_pipelines.audit import Action, append
    from heirpay_pipelines.backup import make_backup
    from heirpay_pipelines.state.database import open_state
    from heirpay_pipelines.state.run_lock import AnotherRunError, run_lock

    settings = Settings.load()
    if not settings.state_file.is_file():
        raise click.UsageError(f"{settings.folder} holds nothing yet: there is nothing to copy.")
    try:
        with run_lock(settings), open_state(settings.state_file) as state:
            made = make_backup(settings.folder, settings.state_file, folder)
            append(state, datetime.now(UTC), acting(), Action.HOME_BACKED_UP, "home", _detail(made))
    except AnotherRunError as error:
        raise click.ClickException(str(error)) from None
    say(f"{len(made.files)} files, {made.size / 1e6:.1f} MB, copied to {folder} and verified.")
    for place in made.left_out:
        say(f"heirpay: {place} is damaged and left out: it is made anew.", err=True)
    if settings.key:
        say("It is encrypted with the key that HEIRPAY_ENCRYPTION_KEY holds now: keep that, too.")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Also where HEIRPAY_HOME holds something.")
def restore(folder: Path, force: bool) -> None:
    """Put the backup in FOLDER in the place of HEIRPAY_HOME, once every file's hash was verified.

    A home that holds something is left as it is; with --force it moves to its own folder
    `replaced`, where it stays for a time (`heirpay home`). Interrupted, the same command with
    --force begins again; until it has ended no other command opens the home.
    """
    from heirpay_pipelines.audit import Action, append
    from heirpay_pipelines.backup import require_restorable, restore_backup
    from heirpay_pipelines.state.database import hold_key, open_state
    from heirpay_pipelines.state.run_lock import AnotherRunError, run_lock

    settings = Settings.load(any_key=True, any_format=True)
    found = require_restorable(folder, settings.folder, force=force)
    _require_no_ui(settings)
    is_open = settings.state_file.parent.is_dir()
    alone = hold_key(settings.state_file, alone=True, then="restore") if is_open else nullcontext()
    try:
        with run_lock(settings):
            with alone:
                aside = restore_backup(folder, found, settings.folder, _require_key(settings))
            with open_state(settings.state_file) as state:
                now = datetime.now(UTC)
                append(state, now, acting(), Action.HOME_RESTORED, "home", _detail(found))
    except AnotherRunError as error:
        raise click.ClickException(str(error)) from None
    say(f"{settings.folder} is as it was on {found.made_at:%Y-%m-%d %H:%M} UTC.")
    if aside is not None:
        say(f"What was there before lies in {aside}.")
    say("The next `heirpay run` reads from Stripe what happened since.")


def _detail(found: Backup) -> dict[str, object]:
    """What the audit log says of a backup: enough to tell which it was, no place of the machine."""
    return {
        "made_at": found.made_at.isoformat(),
        "files": len(found.files),
        "bytes": found.size,
        "format": found.home_format,
        "list": found.digest,
    }


def _require_key(settings: Settings) -> Callable[[Path], None]:
    """What judges an unpacked copy: the key that is set has to open it."""
    from heirpay_pipelines.at_rest import keyed, require_key

    def judge(home: Path) -> None:
        state_file = settings.state_file.relative_to(settings.folder)
        require_key(keyed(home / state_file, settings.key), settings.key)

    return judge


def _require_no_ui(settings: Settings) -> None:
    """Raise ClickException while `heirpay ui` runs: it would go on writing Dagster's storage."""
    if not settings.ui_file.is_file():
        return
    address = urlsplit(settings.ui_file.read_text())
    place = (address.hostname or "", address.port or 0)
    try:
        socket.create_connection(place, ANSWER_SECONDS).close()
    except OSError:
        return  # it was killed and could not take its note away
    raise click.ClickException("`heirpay ui` is running: stop it, then restore.")
