"""The ten ways to tamper with the audit log, and that an honest log raises no finding."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heirpay_pipelines.audit import AuditError, Head, append, head, verify
from heirpay_pipelines.audit.chain import GENESIS, record_hash
from heirpay_pipelines.audit.clock import correct
from heirpay_pipelines.audit.verify import TRIGGERS
from heirpay_pipelines.state.database import State, open_state

START = datetime(2026, 11, 1, tzinfo=UTC)


def fill(state: State, records: int, actor: str = "ana") -> Head:
    for n in range(records):
        append(state, START + timedelta(minutes=n), actor, "run", f"run-{n}", {"n": n})
    return head(state)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path / "state.sqlite") as opened:
        yield opened


def unlock(state: State) -> None:
    """What someone with the file in hand can do: take the triggers away."""
    for trigger in TRIGGERS:
        state.connection.execute(f"drop trigger {trigger}")


def lock(state: State, definitions: list[str]) -> None:
    for sql in definitions:
        state.connection.execute(sql)


def tampered(state: State, change: Callable[[State], None]) -> None:
    """Tamper and put the triggers back, so that only the chain can tell."""
    found = state.rows(
        "select sql from sqlite_master where type = 'trigger' and tbl_name = 'audit_log'"
    )
    definitions = [row["sql"] for row in found]
    unlock(state)
    change(state)
    lock(state, definitions)


def sql(*statements: str) -> Callable[[State], None]:
    def change(state: State) -> None:
        for statement in statements:
            state.connection.execute(statement)

    return change


def rewrite_all(state: State, actor: str = "eve", records: int | None = None) -> None:
    rows = state.rows("select * from audit_log order by sequence")[:records]
    state.connection.execute("delete from audit_log")
    previous = GENESIS
    for row in rows:
        changed = {**row, "actor": actor, "previous_hash": previous}
        previous = record_hash(changed)
        state.connection.execute(
            "insert into audit_log values (:sequence, :occurred_at, :actor, :action, :subject,"
            " :detail, :previous_hash, :hash)",
            {**changed, "hash": previous},
        )


def insert_in_the_middle(state: State) -> None:
    for number in range(9, 4, -1):
        state.connection.execute(
            "update audit_log set sequence = sequence + 1 where sequence = ?", (number,)
        )
    before = state.rows("select hash from audit_log where sequence = 4")[0]["hash"]
    record = {
        "sequence": 5, "occurred_at": (START + timedelta(minutes=4)).isoformat(), "actor": "eve",
        "action": "run", "subject": "never", "detail": "{}", "previous_hash": before,
    }  # fmt: skip
    state.connection.execute(
        "insert into audit_log values (?, ?, ?, ?, ?, ?, ?, ?)",
        (*record.values(), record_hash(record)),
    )


def fork(state: State) -> None:
    """A second history from record 7 on, well-formed in itself, put after the first."""
    before = state.rows("select hash from audit_log where sequence = 7")[0]["hash"]
    record = {
        "sequence": 10, "occurred_at": (START + timedelta(minutes=20)).isoformat(), "actor": "eve",
        "action": "run", "subject": "other", "detail": "{}", "previous_hash": before,
    }  # fmt: skip
    state.connection.execute(
        "insert into audit_log values (?, ?, ?, ?, ?, ?, ?, ?)",
        (*record.values(), record_hash(record)),
    )


def backdated(state: State, at: datetime) -> None:
    """A record put into the log by hand, or by a release that did not note corrections."""
    before = head(state)
    record = {
        "sequence": before.sequence + 1, "occurred_at": at.isoformat(), "actor": "eve",
        "action": "run", "subject": "backdated", "detail": "{}", "previous_hash": before.hash,
    }  # fmt: skip
    state.connection.execute(
        "insert into audit_log values (?, ?, ?, ?, ?, ?, ?, ?)",
        (*record.values(), record_hash(record)),
    )


def clock_back(state: State) -> None:
    backdated(state, START - timedelta(days=1))


def test_a_clock_that_was_set_back_is_recorded_and_signed(state: State) -> None:
    fill(state, 2)
    now = datetime.now(UTC)
    append(state, now + timedelta(days=2), "ana", "run", "on a clock two days ahead", {})
    append(state, now, "ana", "run", "on the right one again", {})
    append(state, now + timedelta(seconds=1), "ana", "run", "and on", {})
    rows = state.rows("select action from audit_log order by sequence")
    assert [row["action"] for row in rows][2:] == ["run", "clock_corrected", "run", "run"]
    assert verify(state).ok
    backdated(state, now - timedelta(days=1))
    found = verify(state)
    assert [f.kind for f in found.findings] == ["clock_back"]
    assert found.only_the_clock
    correct(state, found.findings[0].sequence, "ana")
    assert verify(state).ok


def test_a_correction_without_this_installations_signature_explains_nothing(state: State) -> None:
    fill(state, 2)
    backdated(state, START - timedelta(days=1))
    correct(state, 3, "ana")
    assert verify(state).ok
    key = Path(state.path).with_name("evidence.key")
    key.unlink()  # another key is made, as on another machine
    assert [f.kind for f in verify(state).findings] == ["clock_back"]


def test_what_waited_for_the_log_is_no_clock_set_back(state: State) -> None:
    fill(state, 2)
    append(state, START - timedelta(minutes=1), "ana", "run", "took its instant long ago", {})
    assert verify(state).ok
    assert state.rows("select count(*) as n from audit_log")[0]["n"] == 3


TAMPERING: dict[str, tuple[Callable[[State], None], str]] = {
    "edit": (sql("update audit_log set subject = 'x' where sequence = 4"), "edited"),
    "delete": (sql("delete from audit_log where sequence = 4"), "gap"),
    "insert": (insert_in_the_middle, "fork"),
    "reorder": (
        sql(
            "update audit_log set sequence = 99 where sequence = 4",
            "update audit_log set sequence = 4 where sequence = 5",
            "update audit_log set sequence = 5 where sequence = 99",
        ),
        "broken_link",
    ),
    "truncate the tail": (sql("delete from audit_log where sequence > 6"), "truncated"),
    "rewrite all": (rewrite_all, "head_differs"),
    "fork": (fork, "fork"),
    # "run" + "run-3" against "runr" + "un-3": the same characters, another record.
    "ambiguous delimiter": (
        sql("update audit_log set action = 'runr', subject = 'un-3' where sequence = 4"),
        "edited",
    ),
    "clock back": (clock_back, "clock_back"),
    "swapped log": (lambda state: rewrite_all(state, "another installation", 9), "head_differs"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_detected(state: State, name: str) -> None:
    known = fill(state, 9)
    assert verify(state, known).ok
    change, kind = TAMPERING[name]
    tampered(state, change)
    found = verify(state, known)
    assert not found.ok
    assert kind in {finding.kind for finding in found.findings}


def test_removed_triggers_are_a_finding(state: State) -> None:
    fill(state, 2)
    unlock(state)
    assert {finding.kind for finding in verify(state).findings} == {"unprotected"}


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_log set actor = 'eve'",
        "delete from audit_log",
        "insert or replace into audit_log select 2, occurred_at, 'eve', action, subject, detail,"
        " previous_hash, hash from audit_log where sequence = 2",
        "insert into audit_log select 9, occurred_at, actor, action, subject, detail,"
        " previous_hash, hash from audit_log where sequence = 2",
    ],
)
def test_the_file_itself_refuses_changes(state: State, statement: str) -> None:
    known = fill(state, 3)
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        state.connection.execute(statement)
    assert verify(state, known).ok


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
                st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1),
                max_size=4,
            ),
        ),
        max_size=8,
    )
)
def test_every_honest_log_verifies(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, dict[str, object]]]
) -> None:
    with open_state(tmp_path_factory.mktemp("log") / "state.sqlite") as state:
        heads = [append(state, START, text, text, text, detail) for text, detail in records]
        assert verify(state, heads).ok
        assert verify(state).records == len(records)


def test_a_record_belongs_to_the_transaction_it_is_appended_in(state: State) -> None:
    with pytest.raises(RuntimeError), state.transaction():
        append(state, START, "ana", "close", "2026-10", {})
        raise RuntimeError
    assert head(state) == Head(0, GENESIS)


def test_what_is_not_json_or_has_no_zone_is_refused(state: State) -> None:
    with pytest.raises(AuditError, match="not JSON"):
        append(state, START, "ana", "run", "x", {"when": START})
    with pytest.raises(AuditError, match="time zone"):
        append(state, START.replace(tzinfo=None), "ana", "run", "x", {})
    with pytest.raises(AuditError, match="no audit head"):
        Head.parse("nonsense")
    assert Head.parse(str(Head(3, "a" * 64))) == Head(3, "a" * 64)
