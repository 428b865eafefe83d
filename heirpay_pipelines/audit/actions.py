"""Every action that the audit log knows: what writes a record and what judges it read this list."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What was done. The names are in the log for ever: add some, never change one."""

    # the nightly run
    RUN_STARTED = "run_started"
    RUN_CHECKED = "run_checked"
    RUN_PUBLISHED = "run_published"
    RUN_REFUSED = "run_refused"
    RUN_FAILED = "run_failed"
    NIGHT_RECOMPUTED = "night_recomputed"
    HOME_PRUNED = "home_pruned"
    BREAK_REOPENED = "break_reopened"
    MONTH_ADJUSTED = "month_adjusted"
    # what the system is made of, held against the run before
    SETTINGS_CHANGED = "settings_changed"
    CODE_CHANGED = "code_changed"
    SCHEMA_CHANGED = "schema_changed"
    # what people decide
    MONTH_CLOSED = "month_closed"
    MONTH_APPROVED = "month_approved"
    BREAK_RESOLVED = "break_resolved"
    ATTEST = "attest"
    WAIVER_REQUESTED = "waiver_requested"
    WAIVER_APPROVED = "waiver_approved"
    WAIVER_ENDED = "waiver_ended"
    PROPOSAL_MADE = "proposal_made"
    PROPOSAL_APPROVED = "proposal_approved"
    PROPOSAL_REJECTED = "proposal_rejected"
    PROPOSAL_APPLIED = "proposal_applied"
    INCIDENT_ACKNOWLEDGED = "incident_acknowledged"
    INCIDENT_RESOLVED = "incident_resolved"
    RUNBOOK_READ = "runbook_read"
    INQUIRY_OPENED = "inquiry_opened"
    INQUIRY_CLOSED = "inquiry_closed"
    ISOLATION_SET = "isolation_set"
    ISOLATION_RELEASED = "isolation_released"
    KEY_ROTATED = "key_rotated"
    SIGNING_KEY_REPLACED = "signing_key_replaced"
    HOME_BACKED_UP = "home_backed_up"
    HOME_RESTORED = "home_restored"
    FILE_RESTORED = "file_restored"
    CLOCK_CORRECTED = "clock_corrected"
    LOG_SET_ASIDE = "log_set_aside"
    PULL_LANDED = "pull_landed"
    PULL_LOST = "pull_lost"
    PULL_REFUSED = "pull_refused"
    STATE_LOST = "state_lost"
    QUARANTINE_RETRIED = "quarantine_retried"
    # personal data
    ERASURE_BEGUN = "erasure_begun"
    WAREHOUSE_REWRITTEN = "warehouse_rewritten"
    LANDING_REWRITTEN = "landing_rewritten"
    ERASURE_DONE = "erasure_done"
    RETENTION_APPLIED = "retention_applied"
    PERSON_EXPORTED = "person_exported"
    # what people read or take away
    QUERY = "query"
    EVIDENCE_WRITTEN = "evidence_written"
    EVIDENCE_REWRITTEN = "evidence_rewritten"
    REPORT_TAKEN_OUT = "report_taken_out"
    # what escalation does by itself
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_STRUCK = "incident_struck"
    INCIDENT_ESCALATED = "incident_escalated"
    QUARANTINE = "quarantine"
    RESTRICT_ACCESS = "restrict_access"
    AUDIT_GAP = "audit_gap"
    ISOLATE = "isolate"


ENDS_A_RUN = frozenset({Action.RUN_PUBLISHED, Action.RUN_REFUSED, Action.RUN_FAILED})
CONFIGURES = frozenset({Action.SETTINGS_CHANGED, Action.CODE_CHANGED, Action.SCHEMA_CHANGED})
"""Who does one of these shapes what the figures come out as."""
DECIDES = frozenset({
    Action.MONTH_CLOSED, Action.MONTH_APPROVED, Action.BREAK_RESOLVED, Action.ATTEST,
    Action.WAIVER_APPROVED, Action.INCIDENT_RESOLVED, Action.INQUIRY_CLOSED,
    Action.ISOLATION_RELEASED,
})  # fmt: skip
"""Who does one of these vouches for what came out (SOX 404: not the same person)."""
PARTS_OF_THE_PIPELINE = frozenset({"nightly", "escalate"})
"""Actors that are no person."""
