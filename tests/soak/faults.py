"""What a soak does to a home between its nights and during them, one step each.

A step is pluggable: add it to FAULTS. `before` damages the home that waits for its night; `during`
meets the process that works on it; `way_back` is what the refusal tells people to do. A night after
it ends well, or with a refusal in which one of `named` stands.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from heirpay_pipelines.settings import Settings

Before = Callable[[Settings, Random], None]
During = Callable[["subprocess.Popen[bytes]", Random], None]
LONGEST_SECONDS = 90.0


def nothing(*_: object) -> None:
    """No step of this kind."""


@dataclass(frozen=True)
class Fault:
    """One step of a soak."""

    name: str
    before: Before = nothing
    during: During | None = None
    named: tuple[str, ...] = ()
    way_back: Before = nothing
    arguments: Callable[[datetime], tuple[str, ...]] = lambda _: ()
    """More arguments of `heirpay run`, by the night's own instant."""


def killed(number: signal.Signals) -> During:
    """The process gets a signal at an instant of its work that nobody chose."""

    def kill(process: subprocess.Popen[bytes], rng: Random) -> None:
        try:
            process.wait(timeout=rng.uniform(0.5, LONGEST_SECONDS))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            process.wait()

    return kill


def warehouse_lost(settings: Settings, _: Random) -> None:
    settings.warehouse.unlink(missing_ok=True)


def warehouse_flipped(settings: Settings, rng: Random) -> None:
    """Single bits of the published file change, as a bad disk changes them."""
    if settings.warehouse.is_file():
        content = bytearray(settings.warehouse.read_bytes())
        for _ in range(20):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        settings.warehouse.chmod(0o600)
        settings.warehouse.write_bytes(content)


def foreign_log(settings: Settings, rng: Random) -> None:
    """Another program opened the published file for writing, and died."""
    log = settings.warehouse.with_name(settings.warehouse.name + ".wal")
    log.parent.mkdir(mode=0o700, exist_ok=True)  # before the first night, too
    log.write_bytes(rng.randbytes(4096))


def left_behind(settings: Settings, rng: Random) -> None:
    """What a process of another version may have left half made."""
    for path in (
        settings.warehouse_dir / "building" / "left.duckdb",
        settings.reports_dir / ".2026-11-01-left" / "report.html",
        settings.landing_dir / "objects" / "charge" / "left-00001.parquet",
        settings.landing_dir / "manifests" / ".left.json.partial",
        settings.folder / "dbt" / "parse-left" / "manifest.json",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(1000))


def parse_cut(settings: Settings, _: Random) -> None:
    """What dbt starts from is half there."""
    _cut(settings.folder / "dbt" / "target" / "partial_parse.msgpack")


def dagster_settings_cut(settings: Settings, _: Random) -> None:
    _cut(settings.dagster_home / "dagster.yaml")


def _cut(file: Path) -> None:
    if file.is_file():
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])


def _ahead(as_of: datetime) -> tuple[str, ...]:
    return ("--as-of", (as_of + timedelta(days=400)).astimezone(UTC).isoformat())


FAULTS = (
    Fault("killed by kill -9", during=killed(signal.SIGKILL)),
    Fault("ended by a service manager", during=killed(signal.SIGTERM)),
    Fault("interrupted by a person", during=killed(signal.SIGINT)),
    Fault("the warehouse is lost", before=warehouse_lost),
    Fault("bits of the warehouse flip", before=warehouse_flipped),
    Fault("a log of another program", before=foreign_log),
    Fault("leftovers of another version", before=left_behind),
    Fault("dbt's parse is cut", before=parse_cut),
    Fault("Dagster's settings are cut", before=dagster_settings_cut),
    Fault("the clock is ahead", arguments=_ahead, named=("clock", "future", "ahead")),
)
