"""What the check step itself writes into the audit log: the run, and settings or code that changed
since the run before."""

from __future__ import annotations

import getpass
import hashlib
import json
from importlib.metadata import version

import rfc8785

from heirpay_pipelines.audit import append
from heirpay_pipelines.check.register import load_register
from heirpay_pipelines.check.results import RunContext
from heirpay_pipelines.state.database import open_state

ACTION = "run_checked"


def record_check(run: RunContext) -> None:
    """Append that this run is being checked: by whom, as of when, with which settings and code.

    Of settings the log keeps names and a hash of each value: enough to see what changed, too
    little to read a secret from. A secret counts as set or not.
    """
    with open_state(run.settings.state_file) as state:
        before = state.rows(
            "select detail from audit_log where action = ? order by sequence desc limit 1",
            (ACTION,),
        )
        now = {"settings": _settings(run), "code": _code()}
        actor = getpass.getuser()
        if before:
            changed = _changed(json.loads(before[0]["detail"]), now)
            for kind, names in changed.items():
                append(
                    state, run.checked_at, actor, f"{kind}_changed", run.run_id, {"names": names}
                )
        detail = {"as_of": run.as_of.isoformat(), **now}
        append(state, run.checked_at, actor, ACTION, run.run_id, detail)


def _settings(run: RunContext) -> dict[str, str]:
    shown = {}
    for name in type(run.settings).model_fields:
        value = getattr(run.settings, name)
        secret = hasattr(value, "get_secret_value")
        text = ("set" if secret else str(value)) if value is not None else "unset"
        shown[name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return shown


def _code() -> dict[str, str]:
    register = rfc8785.dumps([control.model_dump(mode="json") for control in load_register()])
    return {
        "heirpay-pipelines": version("heirpay-pipelines"),
        "controls": hashlib.sha256(register).hexdigest()[:16],
    }


def _changed(
    before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]
) -> dict[str, list[str]]:
    changed = {
        kind: sorted(
            name
            for name in {**before.get(kind, {}), **values}
            if before.get(kind, {}).get(name) != values.get(name)
        )
        for kind, values in now.items()
    }
    return {kind: names for kind, names in changed.items() if names}
