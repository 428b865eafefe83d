"""Nights of two homes on one account: one is left alone, to the other things happen.

    python tests/soak/soak.py                        # forty nights, some two hours
    python tests/soak/soak.py --nights 5 --seed 3 --only "killed by kill -9"
    python tests/soak/soak.py --nights 12 --days 60 --quiet  # the twin alone: its growth

After each night the disturbed home has either the undisturbed twin's tables, or it refused with a
line that names the cause and has them once it was run again as the line says. At the end: the same
tables, whole audit chains, no process left, no run that looks as if it went on, a home that has not
outgrown its budget. Exit 1 says what differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "end_to_end"), str(TESTS / "soak")]

import sqlite3  # noqa: E402

from faults import FAULTS, Fault  # noqa: E402
from installed import NOW, Installation  # noqa: E402
from night_figures import fingerprint  # noqa: E402
from nights import account_at  # noqa: E402
from working_on import processes_of  # noqa: E402

QUIET = Fault("nothing")
BUDGET = 150_000_000
BESIDE = ("landing", "warehouse")
BUDGET_NIGHTS = 40
# By then each kind of file that is kept for some nights only has reached its number.
SETTLED_AFTER = 5
SHOWN_FROM = 50_000


@dataclass
class Soak:
    """Both homes, what is done to the one, and what was found to be wrong."""

    one: Installation
    twin: Installation
    rng: Random
    faults: Sequence[Fault]
    wrong: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """What the undisturbed home holds beside landing and warehouse, after each night."""

    def night(self, number: int, as_of: datetime) -> None:
        """One night of both homes."""
        alone = self.one is self.twin
        fault = QUIET if alone else self.rng.choice([*self.faults, QUIET])
        print(f"night {number} as of {as_of:%Y-%m-%d}: {fault.name}", flush=True)
        quiet = self.twin.heirpay("run", "--as-of", as_of.isoformat(), timeout=3600)
        self.expect(quiet.returncode == 0, f"night {number}: the twin ended {quiet.stderr[-500:]}")
        self.sizes.append(_rest(self.twin, show=True))
        if alone:
            return
        self.disturbed(fault, number, as_of)
        again = self.one.heirpay("run", "--as-of", as_of.isoformat(), timeout=3600)
        self.expect(
            again.returncode == 0, f"night {number}, after {fault.name}: {again.stderr[-500:]}"
        )
        self.compare(f"night {number}, after {fault.name}")

    def disturbed(self, fault: Fault, number: int, as_of: datetime) -> None:
        """The fault, and the run that meets it."""
        fault.before(self.one.settings, self.rng)
        instant = fault.arguments(as_of) or ("--as-of", as_of.isoformat())
        command = [sys.executable, "-m", "heirpay_pipelines", "run", *instant]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command, env=self.one.environment, cwd=self.one.home, stdout=said, stderr=said
            )
            if fault.during:
                fault.during(process, self.rng)
            process.wait(timeout=3600)
            said.seek(0)
            text = said.read().decode(errors="replace")
        where = f"night {number}, {fault.name}"
        if fault.during is None and process.returncode != 0:
            named = any(word in text for word in fault.named)
            self.expect(named, f"{where}: refused without its cause: {text[-500:]}")
            fault.way_back(self.one.settings, self.rng)
        elif fault.named:
            self.expect(False, f"{where}: was not refused")
        self.expect("Traceback" not in text, f"{where}: a traceback: {text[-1500:]}")
        self.expect(
            processes_of(self.one.home) == [], f"{where}: left {processes_of(self.one.home)}"
        )

    def compare(self, where: str) -> None:
        """Hold the published tables of both against each other."""
        mine, theirs = fingerprint(self.one), fingerprint(self.twin)
        differ = [name for name in sorted(mine | theirs) if mine.get(name) != theirs.get(name)]
        self.expect(not differ, f"{where}: other than the twin: {', '.join(differ)}")
        strikes = "select incident_id, strike, status from operations.incidents order by all"
        self.expect(
            self.one.rows(strikes) == self.twin.rows(strikes),
            f"{where}: other incidents or strikes",
        )

    def end(self) -> None:
        """What holds of a home after all of its nights."""
        for home in dict.fromkeys((self.one, self.twin)):
            verified = home.heirpay("audit", "verify")
            self.expect(verified.returncode == 0, f"audit verify: {verified.stdout}")
            runs = home.settings.dagster_home / "history" / "runs.db"
            with closing(sqlite3.connect(runs)) as connection:
                statuses = {status for (status,) in connection.execute("select status from runs")}
            self.expect(statuses <= {"SUCCESS", "FAILURE"}, f"runs that are {statuses}")
            size = _rest(home)
            print(f"{home.home.name}: {size / 1e6:.1f} MB beside landing and warehouse")
            self.expect(size < BUDGET, f"{home.home} has grown to {size} bytes")
        if len(settled := self.sizes[SETTLED_AFTER:]) > 1:
            pace = (settled[-1] - settled[0]) / (len(settled) - 1)
            to_come = max(BUDGET_NIGHTS - len(self.sizes), 0)
            size = self.sizes[-1] + round(pace * to_come)
            print(f"{pace / 1e6:.2f} MB a quiet night: {size / 1e6:.1f} MB after {BUDGET_NIGHTS}")
            self.expect(size < BUDGET, f"{size} bytes after {BUDGET_NIGHTS} quiet nights")

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            print(f"WRONG {otherwise}", flush=True)
            self.wrong.append(otherwise)


def _rest(home: Installation, show: bool = False) -> int:
    """Bytes of a home beside landing and warehouse, shown by part where asked for."""
    parts = json.loads(home.heirpay("home", "--format", "json").stdout)["parts"]
    sizes = {part["part"]: part["bytes"] for part in parts if part["part"] not in BESIDE}
    if show:
        large = {name: size for name, size in sizes.items() if size > SHOWN_FROM}
        told = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in large.items())
        print(f"  {home.home.name}: {sum(sizes.values()) / 1e6:.1f} MB ({told})", flush=True)
    return sum(sizes.values())


def soak(
    folder: Path,
    nights: int,
    seed: int,
    faults: Sequence[Fault],
    days: int | None = None,
    quiet: bool = False,
) -> list[str]:
    """Run the nights of a company that is so many days old; what was found to be wrong."""
    start = datetime.fromisoformat(NOW) - timedelta(days=days or 0)
    options = ("--start", start.isoformat()) if days else ()
    with account_at(folder / "bank", NOW, *options) as account:
        homes = []
        for name in ("twin",) if quiet else ("one", "twin"):
            (folder / name).mkdir(mode=0o700)
            bank = ("HEIRPAY_BANK_STATEMENTS", str(folder / "bank"))
            homes.append(Installation(folder / name, account, (bank,)))
        run = Soak(homes[0], homes[-1], Random(seed), faults)
        for number, as_of in enumerate(_instants(nights)):
            if number:
                _advance(account.base_url, account.key)
            run.night(number, as_of)
        run.end()
    return run.wrong


def _instants(nights: int) -> Iterator[datetime]:
    first = datetime.fromisoformat(NOW)
    return (first + timedelta(days=number) for number in range(nights))


def _advance(base_url: str, key: str) -> None:
    request = urllib.request.Request(
        f"{base_url}/_sandbox/advance?days=1",
        method="POST",
        headers={"Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=600):
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--nights", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="the names of some faults")
    parser.add_argument("--days", type=int, help="how old the company is (default: 18 months)")
    parser.add_argument("--quiet", action="store_true", help="the undisturbed home alone")
    parser.add_argument("--folder", type=Path, help="a new folder that stays; else one that goes")
    given = parser.parse_args()
    chosen = [fault for fault in FAULTS if not given.only or fault.name in given.only]
    if given.folder:
        given.folder.mkdir(parents=True)
        folder = given.folder.resolve()
        wrong = soak(folder, given.nights, given.seed, chosen, given.days, given.quiet)
    else:
        with tempfile.TemporaryDirectory() as name:
            wrong = soak(Path(name), given.nights, given.seed, chosen, given.days, given.quiet)
    print(f"{len(wrong)} things are wrong" if wrong else "as the undisturbed twin")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
