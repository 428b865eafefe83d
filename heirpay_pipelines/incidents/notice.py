"""The regulator's notification: a draft of what is known, and the clock. A person sends it.

Its parts are those of GDPR Art. 33(3): nature, contact, consequences, measures. What the pipeline
cannot know is marked for the person who completes it.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from heirpay_pipelines.at_rest import sealed
from heirpay_pipelines.at_rest.places import draft_of
from heirpay_pipelines.audit import head
from heirpay_pipelines.home import Home
from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.regulations import (
    clause_of,
    deadline_of,
    duties_of,
    regulations_of,
)
from heirpay_pipelines.state import State

OPEN = "**To be completed.**"
DRAFT = """# {form}

Draft, made from the records of incident {incident_id}. A person completes it, decides and sends it.

- Became aware: {aware}

To whom, under which clause, by when:

{duties}

## Nature of the incident

{detail}

Subject: {subject}. Control or clause concerned: {own}. Seen {failures} times, last {last_seen}.

## Data and persons concerned

Records that the check names: {records}. Categories and number of persons: {open}

{named}

## Contact

{open} Name and address of the data protection officer or another contact.

## Likely consequences

{open}

## Measures taken or proposed

{measures}

## Evidence

Head of the audit log when this draft was written: `{head}`
"""


def draft(state: State, incident: Incident) -> str:
    """The draft as Markdown, from the incident's record as it is now."""
    forms = dict.fromkeys(each.form for each in regulations_of(incident))
    form = "; ".join(forms)
    evidence = json.loads(incident["evidence"])
    names = [str(name) for name in evidence.get("ids") or ()]
    measures = state.rows(
        "select solution, detail, status from incident_attempts where incident_id = ?"
        " and status in ('done', 'failed') order by strike, rowid",
        (incident["incident_id"],),
    )
    return DRAFT.format(
        form=form[:1].upper() + form[1:],
        incident_id=incident["incident_id"],
        aware=incident["opened_at"],
        duties=_listed(
            f"To: {duty.notify}. Under: {duty.clause}. Due: {duty.deadline or 'no fixed hour'}"
            for duty in duties_of(incident)
        ),
        detail=incident["detail"],
        subject=incident["subject"],
        own=clause_of(incident) or "none",
        failures=incident["failures"],
        last_seen=incident["last_seen_at"],
        records=evidence.get("violations") or len(names) or "none",
        named=_listed(f"`{name}`" for name in names),
        measures=_listed(f"{m['solution']} ({m['status']}): {m['detail']}" for m in measures)
        or f"{OPEN} Nothing was done by the pipeline yet.",
        open=OPEN,
        head=head(state),
    )


def write_draft(home: Home, state: State, incident: Incident) -> Path:
    """Keep the draft under `HEIRPAY_HOME/notices`, sealed when there is a key; one that a person
    has edited stays as it is."""
    path = home.notices_dir / f"{incident['incident_id']}.md"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = draft_of(path)
        sealed.write(partial, draft(state, incident).encode(), home.key)
        partial.replace(path)
    return path


def time_left(incident: Incident, now: datetime) -> timedelta | None:
    """Until the notice is due, negative when it is late; None without a fixed hour."""
    deadline = deadline_of(incident)
    return None if deadline is None else datetime.fromisoformat(deadline) - now


def clock(incident: Incident, now: datetime) -> str:
    """The time left in words."""
    left = time_left(incident, now)
    if left is None:
        return "no fixed hour"
    hours = abs(left) // timedelta(hours=1)
    return f"{hours} hours late" if left < timedelta(0) else f"{hours} hours left"


def _listed(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)
