"""What is tried at strikes 1 and 2. Every name of the pattern library, and every step of a shipped
runbook, is a function here."""

from __future__ import annotations

from collections.abc import Callable

from heirpay_pipelines.incidents.facts import Attempt, Night
from heirpay_pipelines.incidents.incidents import Incident
from heirpay_pipelines.incidents.solutions import compliance, payments, pulling, webhooks

Solution = Callable[[Night, Incident], Attempt]

SOLUTIONS: dict[str, Solution] = {
    "retryable_and_when": payments.retryable_and_when,
    "other_methods_on_file": payments.other_methods_on_file,
    "handling_by_decline_code": payments.handling_by_decline_code,
    "backup_route": payments.backup_route,
    "manual_processing": payments.manual_processing,
    "customer_notification_list": payments.customer_notification_list,
    "replay": webhooks.replay,
    "idempotency_check": webhooks.idempotency_check,
    "endpoint_verification": webhooks.endpoint_verification,
    "poll_event_log": webhooks.poll_event_log,
    "manual_reconciliation_list": webhooks.manual_reconciliation_list,
    "backup_notification": webhooks.backup_notification,
    "quarantine_data": compliance.quarantine_data,
    "restrict_access": compliance.restrict_access,
    "repair_audit_gap": compliance.repair_audit_gap,
    "pull_again": pulling.pull_again,
    "isolate": compliance.isolate,
    "name_consultant": compliance.name_consultant,
    "regulator_form": compliance.regulator_form,
}
