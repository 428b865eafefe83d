"""Looking for what fails now, in control results, published tables, state and files."""

from __future__ import annotations

from heirpay_pipelines.incidents.facts import Night, Observed
from heirpay_pipelines.incidents.observe.controls import observe_controls, observe_inquiries
from heirpay_pipelines.incidents.observe.faults import joined
from heirpay_pipelines.incidents.observe.fraud import (
    observe_anomalies,
    observe_card_testing,
    observe_forecast,
)
from heirpay_pipelines.incidents.observe.host import observe_audit, observe_files, observe_run
from heirpay_pipelines.incidents.observe.payments import observe_breaks, observe_failures
from heirpay_pipelines.incidents.observe.risk import (
    observe_disputes,
    observe_programmes,
    observe_unknown_codes,
)
from heirpay_pipelines.incidents.observe.webhooks import (
    observe_deliveries,
    observe_rejections,
    observe_signatures,
    observe_silence,
)
from heirpay_pipelines.incidents.warehouse import NotBuiltError

CHECKS = (
    observe_run,
    observe_controls,
    observe_inquiries,
    observe_breaks,
    observe_failures,
    observe_programmes,
    observe_unknown_codes,
    observe_disputes,
    observe_card_testing,
    observe_anomalies,
    observe_forecast,
    observe_deliveries,
    observe_rejections,
    observe_signatures,
    observe_silence,
    observe_files,
    observe_audit,
)


def observe(night: Night) -> Observed:
    """Make every check. One whose tables are not built evaluates nothing, so resolves nothing."""
    seen = []
    for check in CHECKS:
        try:
            seen.append(check(night))
        except NotBuiltError:
            continue
    scopes = frozenset().union(*(observed.scopes for observed in seen))
    return Observed(scopes, joined(night, (each for one in seen for each in one.findings)))
