"""Where `heirpay demo` keeps its home, so that it never meets the one of a real account."""

from __future__ import annotations

import os
from pathlib import Path

import click

from heirpay_pipelines.home import SettingsError
from heirpay_pipelines.landing.landing import Landing
from heirpay_pipelines.sandbox import ACCOUNT_ID
from heirpay_pipelines.settings import given_settings

DEMO_HOME = Path("var") / "demo"
HOME, BANK = "HEIRPAY_HOME", "HEIRPAY_BANK_STATEMENTS"


def use_demo_home() -> None:
    """Make the demo's home that of this process: HEIRPAY_HOME where it is set, else `./var/demo`.

    Raises SettingsError when it holds another account. The bank of the demo is its own: what it
    writes must never lie among a real bank's statements.
    """
    home = _home(given_settings().get(HOME))
    other = next((account for account in _accounts(home) if account != ACCOUNT_ID), None)
    if other is not None:
        raise SettingsError(
            f"HEIRPAY_HOME: {home} holds the account {other}, which the demo must not mix with its"
            f" own. Unset HEIRPAY_HOME (the demo then uses {_home(None)}), or name another folder."
        )
    os.environ[HOME], os.environ[BANK] = str(home), ""


def is_demo_default() -> bool:
    """Whether `--demo` is needed to read what the demo of this process wrote."""
    return os.environ.get(HOME) == str(_home(None))


def show_demo(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """`--demo`: read the demo's home. That is HEIRPAY_HOME where the demo made it, else
    `./var/demo`; a real account's home is never read instead."""
    if not wanted or ctx.resilient_parsing:
        return
    given = given_settings().get(HOME)
    homes = [_home(given), _home(None)] if given else [_home(None)]
    home = next((home for home in homes if _accounts(home) == {ACCOUNT_ID}), None)
    if home is None:
        raise click.UsageError(f"There is no demo in {homes[-1]}: start `heirpay demo`.", ctx)
    before = {name: os.environ.get(name) for name in (HOME, BANK)}
    ctx.call_on_close(lambda: _restore(before))
    os.environ[HOME], os.environ[BANK] = str(home), ""


def _home(given: str | None) -> Path:
    return Path(given or DEMO_HOME).expanduser().resolve()


def _accounts(home: Path) -> set[str]:
    """The accounts that were pulled into a home."""
    return {manifest.account for manifest in Landing(home / "landing").manifests()}


def _restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
