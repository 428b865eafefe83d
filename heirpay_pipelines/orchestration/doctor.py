"""`heirpay doctor`: is everything in place, and if not, how to fix it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

from heirpay_pipelines.at_rest import EncryptionKeyError, require_key
from heirpay_pipelines.at_rest.keys import SHORTEST
from heirpay_pipelines.at_rest.sqlite import DamagedFileError
from heirpay_pipelines.host.home_folder import HomeError, require_own_home
from heirpay_pipelines.published_file import logs_beside
from heirpay_pipelines.report.latest import fault_of_latest
from heirpay_pipelines.settings import BASE, STRIPE_API, Settings, is_stripes
from heirpay_pipelines.text.shown import say

LEAST_FREE_GIB = 2
SHOWN_PACKAGES = ("stripe", "duckdb", "dbt-duckdb", "dagster", "great-expectations")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's: `fix` is what to do when it is not well. What is `optional` costs
    something and stops nothing."""

    subject: str
    well: bool
    detail: str
    fix: str = ""
    optional: bool = False


def examine(settings: Settings, *, data: bool = False) -> Iterator[Finding]:
    """Every finding, in the order in which a person would fix them; with `data` every file of the
    home is verified."""
    for look in (_settings, _versions, _home, _encryption, _warehouse):
        yield from look(settings)
    yield from _files(settings, data)
    for look in (_disk, _account):
        yield from look(settings)


def _settings(settings: Settings) -> Iterator[Finding]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        shown = "not set" if value is None else str(value)  # a SecretStr shows as stars
        yield Finding(str(field.alias), True, shown)


def _versions(_: Settings) -> Iterator[Finding]:
    version = sys.version_info
    yield Finding(
        "Python", version >= (3, 11), f"{version[0]}.{version[1]}", "Install Python 3.11 or newer."
    )
    for package in SHOWN_PACKAGES:
        yield Finding(package, True, importlib.metadata.version(package))


def _home(settings: Settings) -> Iterator[Finding]:
    try:
        require_own_home(settings.folder)
    except HomeError as error:
        yield Finding("HEIRPAY_HOME is this user's", False, "no", str(error))
        return
    try:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = settings.folder / ".doctor"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        yield Finding(
            "HEIRPAY_HOME is writable",
            False,
            f"{settings.folder}: {reason}",
            "Give this user write access to the folder, or set HEIRPAY_HOME to another.",
        )
        return
    yield Finding("HEIRPAY_HOME is writable", True, str(settings.folder))
    private = settings.folder.stat().st_mode & 0o077 == 0
    yield Finding(
        "HEIRPAY_HOME is private",
        private,
        "mode 0700" if private else "others may read it",
        f"chmod -R go-rwx {settings.folder}",
    )


def _encryption(settings: Settings) -> Iterator[Finding]:
    subject = "Encryption key fits the home"
    try:
        require_key(settings.state_file, settings.key)
    except EncryptionKeyError as error:
        yield Finding(subject, False, "no", str(error))
        return
    except DamagedFileError as error:
        yield Finding("State file", False, "state/heirpay.sqlite is damaged", str(error))
        return
    yield Finding(subject, True, "encrypted" if settings.key else "no key: nothing is encrypted")
    if settings.key:
        yield Finding(
            "Encryption key is long enough",
            len(settings.key) >= SHORTEST,
            f"{len(settings.key)} characters",
            "Make one with `openssl rand -base64 32`, then `heirpay key rotate`.",
        )
        statements = sum(path.is_file() for path in settings.bank_dir.rglob("*"))
        said = f"{statements} lie plain, as the bank delivered them: delete what is landed"
        yield Finding("Bank statements", True, said if statements else "none lies plain")


def _warehouse(settings: Settings) -> Iterator[Finding]:
    """Whether another program wrote to the published file, or beside it."""
    if not settings.warehouse.is_file():
        return
    logs = logs_beside(settings.warehouse)
    yield Finding(
        "No other program writes to the warehouse",
        not logs,
        ", ".join(log.name for log in logs) or "no log lies beside it",
        "End the program that opened heirpay.duckdb for writing; the next `heirpay run` sets the "
        "log aside (docs/how-to/other-clients.md).",
    )


def _files(settings: Settings, every_byte: bool) -> Iterator[Finding]:
    """One line for each file that is damaged; for a part of the home in which none is, one."""
    from heirpay_pipelines.orchestration.home_files import (
        Fault,
        Part,
        landed,
        signing_key,
        verify_home,
    )

    try:
        parts = (
            list(verify_home(settings))
            if every_byte
            else [landed(settings, whole=False), signing_key(settings)]
        )
    except EncryptionKeyError:  # named above
        return
    if not every_byte and (latest := fault_of_latest(settings.reports_dir)) is not None:
        way = "The next `heirpay run` puts it right."
        parts.append(Part("reports/latest", 1, (Fault("reports/latest", latest, way),)))
    for part in parts:
        if not part.faults and part.files:
            yield Finding(part.name, True, f"{part.files} looked at")
        for fault in part.faults:
            yield Finding(part.name, False, f"{fault.file} {fault.what}", fault.way_back)


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.folder if settings.folder.exists() else settings.folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    yield Finding(
        "Free disk",
        free >= LEAST_FREE_GIB,
        f"{free:.1f} GiB",
        f"Free at least {LEAST_FREE_GIB} GiB, or move HEIRPAY_HOME.",
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield Finding("Memory", memory >= 4, f"{memory:.1f} GiB", "Give the machine 4 GiB or more.")


def _account(settings: Settings) -> Iterator[Finding]:
    """Reach the API with the key, and probe each resource with a list of one."""
    from heirpay_pipelines.gateways.stripe.account import stripe_account
    from heirpay_pipelines.gateways.stripe.probe import probe_account

    if settings.stripe_api_base == STRIPE_API and not settings.has_own_key:
        yield Finding(
            "STRIPE_API_KEY",
            False,
            "not set, and Stripe itself is to be pulled",
            "Create a restricted, read-only key in Stripe's dashboard (Developers → API keys).",
        )
        return
    yield _address(settings)
    for result in probe_account(stripe_account(settings)):
        yield Finding(result.subject, result.allowed, result.detail, result.fix, not result.blocks)


def _address(settings: Settings) -> Finding:
    base = settings.stripe_api_base
    if is_stripes(base):
        return Finding("Keys are sent to", True, base)
    where = "the environment" if BASE in os.environ else ".env"
    return Finding("Keys are sent to", True, f"{base}: not Stripe's; {BASE} of {where} names it")


@click.command()
@click.option("--data", is_flag=True, help="Verify every file of the home, too.")
def doctor(data: bool) -> None:
    """Check settings, key, reachability, permissions, disk and versions; say how to fix each.

    --data reads every file of the home: landing, state, inbox, audit log, published files, reports
    and Dagster's storage.
    """
    faults = 0
    for finding in examine(Settings.load(any_key=True, any_home=True), data=data):
        mark, colour = _mark(finding)
        say(f"  {finding.subject:<34} {finding.detail}", mark=mark, colour=colour)
        if not finding.well:
            faults += not finding.optional
            say(f"      → {finding.fix}")
    if faults:
        say(err=True)
        say(f"{faults} to fix.", err=True)
        sys.exit(1)


def _mark(finding: Finding) -> tuple[str, str]:
    """The mark of a line and its colour."""
    if finding.well:
        return "ok  ", "green"
    return ("note", "yellow") if finding.optional else ("FIX ", "red")
