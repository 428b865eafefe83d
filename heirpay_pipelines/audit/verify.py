"""Finding any altered, removed, added or reordered record of the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heirpay_pipelines.audit.chain import GENESIS, Head, is_back, record_hash
from heirpay_pipelines.audit.clock import corrected
from heirpay_pipelines.state.database import State

CLOCK_BACK = "clock_back"
TRIGGERS = {"audit_log_no_update", "audit_log_no_delete", "audit_log_in_order"}


@dataclass(frozen=True)
class Finding:
    """One thing wrong with the log. `kind` is edited, gap, broken_link, fork, clock_back,
    truncated, head_differs or unprotected; `sequence` the record it was seen at."""

    kind: str
    sequence: int
    detail: str


@dataclass(frozen=True)
class Verification:
    """The outcome of verifying the whole log."""

    head: Head
    findings: tuple[Finding, ...]
    records: int = field(default=0)

    @property
    def ok(self) -> bool:
        return not self.findings

    @property
    def only_the_clock(self) -> bool:
        """Whether all that is found is a clock that went back: no sign of tampering by itself."""
        return all(finding.kind == CLOCK_BACK for finding in self.findings)

    @property
    def detail(self) -> str:
        """The first finding in words; of a whole chain, how long it is."""
        if self.findings:
            return f"{len(self.findings)} findings, first: {self.findings[0].detail}"
        return f"{self.records} records, unbroken"

    @property
    def sequence(self) -> int | None:
        """The record at which the chain first breaks."""
        return self.findings[0].sequence if self.findings else None


def verify(state: State, known_heads: Sequence[Head] | Head | None = None) -> Verification:
    """Walk the whole log in bounded memory.

    Cutting the tail, rewriting everything and swapping the file for another whole one leave a
    chain that is whole in itself: they show only against heads kept elsewhere (`known_heads`).
    """
    known = [known_heads] if isinstance(known_heads, Head) else list(known_heads or ())
    findings = list(_unprotected(state))
    previous: Mapping[str, Any] | None = None
    seen_links: dict[str, int] = {}
    wanted = {item.sequence: item for item in known}
    records = 0
    explained = corrected(state)
    for record in _records(state):
        records += 1
        findings += [
            finding
            for finding in _check_record(record, previous, seen_links)
            if finding.kind != CLOCK_BACK
            or explained.get(finding.sequence) != record["previous_hash"]
        ]
        expected = wanted.get(record["sequence"])
        if expected and expected.hash != record["hash"]:
            findings.append(_head_differs(expected))
        seen_links[record["previous_hash"]] = record["sequence"]
        previous = record
    last = Head(previous["sequence"], previous["hash"]) if previous else Head(0, GENESIS)
    findings += [_truncated(item, last) for item in known if item.sequence > last.sequence]
    return Verification(last, tuple(findings), records)


def _records(state: State) -> Iterator[dict[str, Any]]:
    cursor = state.connection.execute(
        "select sequence, occurred_at, actor, action, subject, detail, previous_hash, hash"
        " from audit_log order by sequence"
    )
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def _check_record(
    record: Mapping[str, Any], previous: Mapping[str, Any] | None, seen_links: Mapping[str, int]
) -> Iterator[Finding]:
    sequence = record["sequence"]
    if record_hash(record) != record["hash"]:
        yield Finding("edited", sequence, f"record {sequence} does not fit its hash")
    before = previous["sequence"] if previous else 0
    if sequence != before + 1:
        yield Finding("gap", sequence, f"records {before + 1} to {sequence - 1} are missing")
    if record["previous_hash"] in seen_links:
        twin = seen_links[record["previous_hash"]]
        yield Finding("fork", sequence, f"records {twin} and {sequence} follow the same record")
    elif record["previous_hash"] != (previous["hash"] if previous else GENESIS):
        yield Finding("broken_link", sequence, f"record {sequence} does not follow {before}")
    if previous and is_back(previous["occurred_at"], record["occurred_at"]):
        yield Finding(CLOCK_BACK, sequence, f"record {sequence} is dated before record {before}")


def _head_differs(expected: Head) -> Finding:
    return Finding(
        "head_differs",
        expected.sequence,
        f"record {expected.sequence} is not the one kept elsewhere: rewritten or another log",
    )


def _truncated(expected: Head, last: Head) -> Finding:
    return Finding(
        "truncated",
        last.sequence,
        f"the log ends at {last.sequence}, but {expected.sequence} was its head before",
    )


def _unprotected(state: State) -> Iterator[Finding]:
    """The triggers that keep the log append-only are gone: someone prepared a change."""
    try:
        present = {
            row["name"] for row in state.rows("select name from sqlite_master where type='trigger'")
        }
    except state.connection.DatabaseError:
        present = set()
    for name in sorted(TRIGGERS - present):
        yield Finding("unprotected", 0, f"the trigger {name} was removed from the state file")
