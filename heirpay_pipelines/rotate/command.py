"""`heirpay key`."""

from __future__ import annotations

from typing import IO

import click

from heirpay_pipelines.host.person import acting
from heirpay_pipelines.settings import Settings
from heirpay_pipelines.text.shown import say


@click.group()
def key() -> None:
    """The encryption key of HEIRPAY_HOME."""


@key.command("rotate")
@click.option(
    "--new-key-file", type=click.File("r"), help="Holds the new key; - is the standard input."
)
@click.option("--to-plain", is_flag=True, help="Decrypt everything: the home has no key any more.")
def rotate_key(new_key_file: IO[str] | None, to_plain: bool) -> None:
    """Encrypt everything anew: from HEIRPAY_ENCRYPTION_KEY to the key in a file.

    \b
    openssl rand -base64 32 > new.key
    heirpay key rotate --new-key-file new.key

    A home that was written without a key is encrypted; without --new-key-file with
    HEIRPAY_ENCRYPTION_KEY. Interrupted, it goes on when it is started again with the same keys;
    until it has ended no other command opens the home.
    """
    from heirpay_pipelines.rotate import RotationError, rotate
    from heirpay_pipelines.state.run_lock import AnotherRunError

    if to_plain and new_key_file:
        raise click.UsageError("Give either --new-key-file or --to-plain.")
    settings = Settings.load(any_key=True)
    new = new_key_file.read().strip() if new_key_file else settings.key
    if not new and not to_plain:
        raise click.UsageError("The new key is empty: put one into a file, --new-key-file FILE.")
    try:
        rotated = rotate(
            settings,
            None if to_plain else new,
            acting(),
            lambda step: say(f"{step} …", err=True),
        )
    except RotationError as error:
        raise click.UsageError(str(error)) from None
    except AnotherRunError as error:
        raise click.ClickException(str(error)) from None
    say(
        f"{rotated.landed} landed files, {rotated.databases} databases and {rotated.sealed} "
        "files of reports were written anew."
    )
    if to_plain:
        say("Nothing is encrypted any more: unset HEIRPAY_ENCRYPTION_KEY.")
    else:
        say("Set HEIRPAY_ENCRYPTION_KEY to the new key, wherever `heirpay` is started.")
