"""Whether what was tried helped: only what has an effect of its own that can be seen.

A finding that went away after an attempt may have gone for another reason. So an attempt of the
last strike helped when it changed something by itself (it closed files, took events from the log),
or when what it listed was done since: a payment that it said to retry was paid by a retry. Of a
list that a person may or may not have worked through, nobody knows: that is no proof.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from heirpay_pipelines.incidents.facts import Night
from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.warehouse import NotBuiltError, rows

RECOVERED_BY: Mapping[str, tuple[str, ...]] = {
    "retryable_and_when": ("automatic_retry", "manual"),
    "other_methods_on_file": ("new_payment_method",),
}
"""What of a listed payment must have happened, as finance.payment_failures has it."""
RECOVERED = """
select count(*) as recovered from finance.payment_failures
where list_contains($charges, charge_id) and list_contains($ways, recovered_by)
    and recovered_at > cast($since as timestamp)
"""


def judge_attempts(night: Night, incident: Incident) -> None:
    """Note of each attempt at the last strike whether it helped; null where it cannot be told."""
    tried = night.state.rows(
        "select solution, strike, effect, ended_at from incident_attempts where incident_id = ?"
        " and status = 'done' and helped is null",
        (incident["incident_id"],),
    )
    verdicts = [(_helped(night, incident, each), each) for each in tried]
    with night.state.transaction() as connection:
        connection.executemany(
            "update incident_attempts set helped = ? where incident_id = ? and strike = ?"
            " and solution = ?",
            [
                (helped, incident["incident_id"], each["strike"], each["solution"])
                for helped, each in verdicts
            ],
        )


def _helped(night: Night, incident: Incident, attempt: Mapping[str, Any]) -> bool | None:
    if attempt["effect"]:
        return True
    ways = RECOVERED_BY.get(attempt["solution"])
    if ways is None:
        return None
    charges = [
        json.loads(row["item"]).get("charge_id")
        for row in night.state.rows(
            "select item from incident_worklists where incident_id = ? and solution = ?",
            (incident["incident_id"], attempt["solution"]),
        )
    ]
    if not charges:
        return False
    since = incident["opened_at"][:19].replace("T", " ")
    try:
        (found,) = rows(night, RECOVERED, {"charges": charges, "ways": list(ways), "since": since})
    except NotBuiltError:
        return None
    return bool(found["recovered"])
