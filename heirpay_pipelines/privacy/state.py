"""Taking a person out of the state file: inbox, incidents, outbox, control results, decisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import orjson

from heirpay_pipelines.duck import identifier
from heirpay_pipelines.landing.people import Person
from heirpay_pipelines.personal.pseudonyms import Pseudonyms
from heirpay_pipelines.personal.scrub import Scrubber
from heirpay_pipelines.privacy.texts import expression, text_scrubber
from heirpay_pipelines.receive.stored_bodies import change_body
from heirpay_pipelines.state.database import State

# The chain cannot be changed and holds no personal data; what is closed holds figures; a signed
# proposal names cards by fingerprint, against fraud; the others are what erasure itself keeps,
# without a name.
UNCHANGED = (
    "audit_log", "period_closes", "period_figures", "risk_proposals", "risk_proposal_items",
    "migrations", "pseudonym_key", "erasures", "erased_ids", "webhook_bodies",
)  # fmt: skip


def erase_from_state(state: State, person: Person, pseudonyms: Pseudonyms) -> int:
    """Take the person out of every text of the state file, in one transaction; how many cells and
    bodies changed. Afterwards no byte of what was there is left in the file or beside it."""
    state.connection.execute("pragma secure_delete = on")
    scrubber = text_scrubber(person, pseudonyms)
    changed = 0
    with state.transaction() as connection:
        connection.execute("pragma defer_foreign_keys = on")
        changed += _bodies(state, person, pseudonyms)
        for table, column in text_columns(state):
            changed += _column(state, table, column, scrubber.text)
    compact(state)
    return changed


def compact(state: State) -> None:
    """Write the file anew, so that freed pages hold nothing of what was deleted."""
    state.connection.execute("vacuum")
    state.connection.execute("pragma wal_checkpoint(truncate)")


def text_columns(state: State) -> Iterator[tuple[str, str]]:
    """(table, column) of every text that may be changed."""
    names = [
        row["name"]
        for row in state.rows(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        )
    ]
    for name in names:
        if name not in UNCHANGED:
            for column in state.rows(f"pragma table_info({identifier(name)})"):
                if str(column["type"]).lower() == "text":
                    yield name, column["name"]


def _column(state: State, table: str, column: str, change: Callable[[str], str]) -> int:
    name, place = identifier(column), identifier(table)
    cells = state.rows(
        f"select rowid as place, {name} as text from {place} where {name} is not null"
    )
    changed = [
        (new, cell["place"])
        for cell in cells
        if (new := change(str(cell["text"]))) != str(cell["text"])
    ]
    state.connection.executemany(f"update {place} set {name} = ? where rowid = ?", changed)
    return len(changed)


def _bodies(state: State, person: Person, pseudonyms: Pseudonyms) -> int:
    """Webhook bodies that wait in the inbox."""
    own = Scrubber(pseudonyms, person.classes, person.texts, person.ids)
    changed = 0
    sought = re.compile(expression(person))
    for row in state.rows("select event_id, cast(body as blob) as body from webhook_bodies"):
        try:
            event = orjson.loads(row["body"])
        except orjson.JSONDecodeError:
            # Damaged: Stripe is asked for the event again, and who was erased is kept away then.
            if sought.search(row["body"].decode("utf-8", "replace")):
                change_body(state.connection, row["event_id"], "")
                changed += 1
            continue
        if not concerns(event, person):
            continue
        new = own.payload(event)
        if new != event:
            change_body(state.connection, row["event_id"], orjson.dumps(new).decode())
            changed += 1
    return changed


def concerns(value: object, person: Person) -> bool:
    """Whether any text in a JSON value is an id of what is about the person."""
    if isinstance(value, str):
        return value in person.related
    if isinstance(value, list):
        return any(concerns(item, person) for item in value)
    return isinstance(value, dict) and any(concerns(item, person) for item in value.values())
