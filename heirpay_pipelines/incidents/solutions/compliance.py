"""Strikes 1 and 2 of compliance violations: contain, restrict, say so, and name who decides."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime

from heirpay_pipelines.audit import Action, append
from heirpay_pipelines.incidents.facts import Attempt, Night
from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.notice import write_draft
from heirpay_pipelines.incidents.observe.host import OTHERS, readable_by_others
from heirpay_pipelines.incidents.quarantine import quarantine_file
from heirpay_pipelines.incidents.regulations import (
    clause_of,
    deadline_of,
    duties_of,
    regulation_of,
    regulations_of,
)
from heirpay_pipelines.incidents.words import said
from heirpay_pipelines.state.switches import ISOLATION, set_switch

ACTOR = "escalate"


def quarantine_data(night: Night, incident: Incident) -> Attempt:
    """Take the files concerned out of reach, and list the objects that a person must erase.

    A landed version is never rewritten: `heirpay gdpr erase` is the one audited exception, so an
    object is named for it here and not touched.
    """
    concerned = json.loads(incident["evidence"]).get("ids") or []
    if not concerned:
        return Attempt("not_applicable", "the check names no file and no object")
    moved, objects = [], []
    for name in concerned:
        path = str(name).partition(":")[0]
        stored = quarantine_file(night.home.folder, night.state, path, incident["incident_id"])
        if stored:
            moved.append({"file": path, "quarantined_as": stored})
        else:
            objects.append({"object": str(name), "to_do": "correct or erase it at its source"})
    if moved:
        count = {"files": len(moved)}
        append(
            night.state, datetime.now(UTC), ACTOR, Action.QUARANTINE, incident["incident_id"], count
        )
    detail = f"{len(moved)} files were quarantined, {len(objects)} objects are listed"
    return Attempt("done" if moved else "not_applicable", detail, (*moved, *objects), len(moved))


def restrict_access(night: Night, incident: Incident) -> Attempt:
    """Take everybody's rights but the owner's off what the pipeline wrote."""
    changed = 0
    for path in readable_by_others(night.home.folder):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
        changed += 1
    if not changed and incident["scope"] != "files":
        return Attempt("not_applicable", "every file is for its owner only already")
    append(
        night.state,
        datetime.now(UTC),
        ACTOR,
        Action.RESTRICT_ACCESS,
        incident["incident_id"],
        {"paths": changed},
    )
    detail = f"{changed} files and folders are for their owner only now"
    return Attempt("done", detail, effect=changed)


def repair_audit_gap(night: Night, incident: Incident) -> Attempt:
    """Append a record that says where the chain has a gap. Nothing is ever rewritten."""
    if incident["scope"] != "audit":
        return Attempt("not_applicable", "the audit log is not concerned")
    evidence = json.loads(incident["evidence"])
    append(
        night.state,
        datetime.now(UTC),
        ACTOR,
        Action.AUDIT_GAP,
        incident["incident_id"],
        {"finding": incident["detail"], "at_sequence": evidence.get("sequence")},
    )
    return Attempt("done", "a record of the gap was appended; the log before it stays as it is")


def isolate(night: Night, incident: Incident) -> Attempt:
    """Stop publication until a person releases it, where the check that failed is a blocking one.

    A warning does not take the morning's figures from finance; `heirpay incidents isolate` does it
    by hand.
    """
    if json.loads(incident["evidence"]).get("severity") != "blocking":
        return Attempt("not_applicable", "a warning does not stop publication")
    set_switch(night.state, ISOLATION, datetime.now(UTC), incident["incident_id"])
    at = datetime.now(UTC)
    append(night.state, at, ACTOR, Action.ISOLATE, incident["incident_id"], {"switch": "on"})
    return Attempt("done", "nothing is published until `heirpay incidents release`")


def name_consultant(night: Night, incident: Incident) -> Attempt:
    """Who advises in this matter, and what to ask."""
    found = {each.consultant: each for each in regulations_of(incident)}
    items = tuple(
        {
            "consultant": regulation.consultant,
            "question": regulation.question,
            "clause": clause_of(incident) or regulation.clause,
            "finding": incident["detail"],
        }
        for regulation in found.values()
    )
    return Attempt("done", f"ask {'; ask '.join(found)}", items)


def regulator_form(night: Night, incident: Incident) -> Attempt:
    """A draft of the notification with the facts known so far; a person completes and sends it."""
    regulation = regulation_of(incident)
    due = duties_of(incident)
    if deadline_of(incident) is None and not regulation.clause:
        return Attempt("not_applicable", "no regulator is to be told under this clause")
    file = write_draft(night.home, night.state, incident)
    drafts = tuple(
        {
            "to": duty.notify,
            "form": regulation.form,
            "clause": duty.clause,
            "due_at": duty.deadline,
            "file": str(file.relative_to(night.home.folder)),
        }
        for duty in due
    )
    named = "; ".join(
        duty.notify + (f", due {said(duty.deadline)}" if duty.deadline else "") for duty in due
    )
    return Attempt("done", f"drafted for {named}", drafts)
