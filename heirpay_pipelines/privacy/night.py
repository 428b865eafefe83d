"""What each night does for people who were erased."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from heirpay_pipelines.home import Home
from heirpay_pipelines.personal.paths import identifies
from heirpay_pipelines.personal.pseudonyms import erased
from heirpay_pipelines.privacy.erase import GdprError, finish_all
from heirpay_pipelines.state.database import open_state


def go_on_with_erasures(home: Home, at: datetime, say: Callable[[str], None]) -> None:
    """Finish what was begun and killed. What cannot be finished is told and stops no night: the
    control `erasures_done` fails until it is. The caller holds the run lock."""
    try:
        for done in finish_all(home, at):
            say(f"gdpr: {done} is erased")
    except GdprError as error:
        say(f"gdpr: {error}")


def tidy_inbox(home: Home) -> int:
    """Pseudonymise the ids of erased people in the inbox's list of deliveries, whose bodies are
    landed by now; how many were found."""
    with open_state(home.state_file) as state:
        found = erased(state)
        if found is None:
            return 0
        new = [
            (found.pseudonyms.of(id), id)
            for (id,) in state.connection.execute(
                "select distinct object_id from webhook_deliveries where object_id is not null"
            )
            if identifies(id) and found.pseudonyms.hash(id) in found.people
        ]
        with state.transaction() as connection:
            connection.executemany(
                "update webhook_deliveries set object_id = ? where object_id = ?", new
            )
    return len(new)
