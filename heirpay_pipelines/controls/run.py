"""Running the register against one build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from heirpay_pipelines.controls.attestations import newest_attestations
from heirpay_pipelines.controls.engine import open_build
from heirpay_pipelines.controls.expectations import evaluate_tables, first_line
from heirpay_pipelines.controls.record import record_check
from heirpay_pipelines.controls.register import Control, load_register
from heirpay_pipelines.controls.results import ControlResult, Outcome, RunContext, not_evaluated
from heirpay_pipelines.controls.waivers import Waiver, standing_waivers
from heirpay_pipelines.state.database import open_state

if TYPE_CHECKING:
    from heirpay_pipelines.controls.probes import ProbeInput


def run_controls(
    build_database: Path,
    run: RunContext,
    *,
    controls: Sequence[Control] | None = None,
    data_docs: Path | None = None,
    is_recorded: bool = True,
    tell: Callable[[str], object] = lambda _: None,
) -> list[ControlResult]:
    """Evaluate every control of the register (or `controls`) against a build database.

    The database is only read. An exception in one control makes that one `not_evaluated`, with
    the reason; the others go on. With `data_docs`, Great Expectations' pages are written there.
    `is_recorded`: the audit log says that the run was checked, and what changed since the run
    before; a build of some tables alone would seem to change the schema. `tell` hears how far it
    is.
    """
    register = list(load_register() if controls is None else controls)
    limit = run.settings.memory_limit
    with open_build(build_database, run.encryption_key, limit) as connection:
        if is_recorded:
            record_check(run, connection)
        read = [c for c in register if c.native or c.rows]

        def told(done: int) -> None:
            tell(f"controls: {done} of {len(register)}")

        outcomes = evaluate_tables(connection, read, run, data_docs, told)
        # Imported here: some probes read what other programs wrote, with libraries for it.
        from heirpay_pipelines.controls.probes import ProbeInput

        given = ProbeInput(connection=connection, run=run)
        for control in register:
            if control.probe:
                outcomes[control.key] = _probe(control, given)
    outcomes |= _attested([c for c in register if c.attestation], run)
    told(len(register))
    with open_state(run.settings.state_file) as state:
        waivers = standing_waivers(state, run.checked_at)
    return [
        _result(control, outcomes[control.key], run, waivers.get(control.key))
        for control in register
    ]


def _probe(control: Control, given: ProbeInput) -> Outcome:
    from heirpay_pipelines.controls.probes import PROBES

    # The boundary that keeps one control's fault from hiding the others' results.
    try:
        return PROBES[str(control.probe)](given)
    except Exception as error:  # noqa: BLE001
        return not_evaluated(first_line(error))


def _attested(controls: Sequence[Control], run: RunContext) -> Mapping[str, Outcome]:
    """Controls that only a signature can evidence."""
    if not controls:
        return {}
    with open_state(run.settings.state_file) as state:
        signed = newest_attestations(state, run.checked_at)
    outcomes = {}
    for control in controls:
        found = signed.get(control.key)
        if found is None:
            outcomes[control.key] = not_evaluated(
                f"nobody has attested it: heirpay attest {control.key} --by NAME --statement TEXT"
            )
        elif found.expires_at <= run.checked_at:
            outcomes[control.key] = not_evaluated(
                f"the attestation of {found.attested_at:%Y-%m-%d} expired on"
                f" {found.expires_at:%Y-%m-%d}"
            )
        else:
            outcomes[control.key] = Outcome("attested", 1, 0, found.evidence())
    return outcomes


def _result(
    control: Control, outcome: Outcome, run: RunContext, waiver: Waiver | None
) -> ControlResult:
    settled = _waived(_of_something(outcome), run, waiver or _of_the_register(control))
    return ControlResult(
        run_id=run.run_id,
        control_id=control.identifier(run.settings.project),
        key=control.key,
        framework=control.framework,
        requirement=control.requirement,
        title=control.title,
        severity=control.severity,
        status=settled.status,
        checked=settled.checked,
        violations=settled.violations,
        evidence=settled.evidence,
        checked_at=run.checked_at,
        what_to_do=control.what_to_do,
        owner=control.owner,
    )


def _of_something(outcome: Outcome) -> Outcome:
    """A pass on nothing is no evidence: where there was no object, the control has none here."""
    if outcome.status == "pass" and outcome.checked == 0:
        reason = "there was nothing to check: no object of its kind"
        return replace(outcome, status="not_applicable", evidence={"reason": reason})
    return outcome


def _of_the_register(control: Control) -> Waiver | None:
    """A waiver that stands in the register itself: who reviewed the change approved it."""
    given = control.waiver
    if given is None:
        return None
    return Waiver(control.key, given.reason, "the register", "", given.expires, given.approver)


def _waived(outcome: Outcome, run: RunContext, waiver: Waiver | None) -> Outcome:
    """A waiver accepts a failure until its date; an expired one is a failure of its own."""
    if waiver is None:
        return outcome
    said = {
        **outcome.evidence,
        "waiver": waiver.reason,
        "approver": waiver.approved_by,
        "expires": waiver.expires.isoformat(),
    }
    if run.as_of.date() > waiver.expires:
        reason = f"the waiver expired on {waiver.expires}: renew it or end it (heirpay waive)"
        return replace(outcome, status="fail", evidence={**said, "reason": reason})
    if outcome.status == "fail":
        return replace(outcome, status="waived", evidence=said)
    return outcome
