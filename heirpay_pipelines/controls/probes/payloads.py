"""Card data in landed payloads: what was landed since the last clean scan, each night."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from heirpay_pipelines.controls.card_numbers import CardFinding, find_in_json, masked
from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.probes.text import BATCH, PREFILTER
from heirpay_pipelines.controls.results import Outcome, judge, not_evaluated
from heirpay_pipelines.duck import identifier, quoted
from heirpay_pipelines.personal import card_numbers
from heirpay_pipelines.state import State, open_state

DECIDING = ("card_numbers.py", "encoded_numbers.py", "split_numbers.py", "issuers.yaml")


@dataclass(frozen=True)
class Scan:
    """Payloads in the landing, how many of them were read now, and (object id, finding)."""

    payloads: int
    read_now: int
    found: frozenset[tuple[str, CardFinding]]


def card_numbers_in_payloads(given: ProbeInput) -> Outcome:
    """Primary account numbers in any landed payload (PCI DSS 3.5.1)."""
    return _outcome(given, "card_number")


def track_data_in_payloads(given: ProbeInput) -> Outcome:
    """Track data in any landed payload (PCI DSS 3.3.1.1)."""
    return _outcome(given, "track_data")


def verification_codes_in_payloads(given: ProbeInput) -> Outcome:
    """Card verification codes in any landed payload (PCI DSS 3.3.1.2)."""
    return _outcome(given, "verification_code")


def _outcome(given: ProbeInput, kind: str) -> Outcome:
    scan = _scan(given)
    if scan is None:
        return not_evaluated("no landing view could be read")
    found = {(id_, finding.where) for id_, finding in scan.found if finding.kind == kind}
    offenders = {f"{masked(id_)} ({where})" for id_, where in found}
    return judge(scan.payloads, sorted(offenders), unit="payloads", read_now=scan.read_now)


@lru_cache(maxsize=1)
def _scan(given: ProbeInput) -> Scan | None:
    """The scan, once for the controls that share it. A pull that was clean is not read again: its
    files are held against their checksums by another control. One with a finding is, until it is
    gone."""
    with open_state(given.run.settings.state_file) as state:
        clean = _clean_pulls(state)
        views = given.connection.execute(
            "select table_name from duckdb_columns() where schema_name = 'landing'"
            " and column_name = 'payload' order by 1"
        ).fetchall()
        payloads, read_now = 0, 0
        seen: set[str] = set()
        found: set[tuple[str, str, CardFinding]] = set()
        for (view,) in views:
            by_pull = given.connection.execute(
                f"select pull_id, count(*) from {identifier('landing', view)} group by pull_id"
            ).fetchall()
            payloads += sum(count for _, count in by_pull)
            new = {pull: count for pull, count in by_pull if pull not in clean}
            if new:
                read_now += sum(new.values())
                seen |= set(new)
                found |= _findings(given, view, sorted(new))
        _remember(state, seen - {pull for pull, _, _ in found})
    return Scan(payloads, read_now, frozenset(item[1:] for item in found)) if views else None


def _findings(given: ProbeInput, view: str, pulls: list[str]) -> set[tuple[str, str, CardFinding]]:
    """(pull, object id, finding) of the view's rows of some pulls."""
    # Written out, not joined: DuckDB then opens the files of these pulls only.
    wanted = ", ".join(map(quoted, pulls))
    cursor = given.connection.execute(
        f"select pull_id, id, payload from {identifier('landing', view)}"
        f" where pull_id in ({wanted}) and {PREFILTER.format('payload')}"
    )
    found = set()
    while rows := cursor.fetchmany(BATCH):
        for pull, object_id, payload in rows:
            found |= {(str(pull), str(object_id), item) for item in find_in_json(payload)}
    return found


def _clean_pulls(state: State) -> set[str]:
    rows = state.rows("select pull_id from clean_pulls where scanner = ?", (_scanner(),))
    return {row["pull_id"] for row in rows}


def _remember(state: State, pulls: set[str]) -> None:
    with state.transaction() as connection:
        connection.executemany(
            "insert or ignore into clean_pulls values (?, ?)",
            [(pull, _scanner()) for pull in sorted(pulls)],
        )


@cache
def _scanner() -> str:
    """A digest of everything that decides on a finding."""
    folder = Path(card_numbers.__file__).parent
    parts = [(folder / name).read_bytes() for name in DECIDING] + [PREFILTER.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
