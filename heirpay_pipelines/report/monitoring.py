"""What to watch: metrics that `/metrics` of `heirpay receive` really emits, and the night's own
figures, each evaluated now against its threshold. The same as Prometheus rules and as a dashboard.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from heirpay_pipelines.receive.metrics import Metrics
from heirpay_pipelines.report.context import ReportContext
from heirpay_pipelines.report.handoff import Handoff


@dataclass(frozen=True)
class Alert:
    """A rule over the endpoint's metrics."""

    name: str
    expression: str
    wait: str
    severity: str
    meaning: str


ALERTS = (
    Alert("HeirPayEndpointDown", 'up{job="heirpay"} == 0', "5m", "critical",
          "Prometheus cannot read the endpoint."),
    Alert("HeirPaySignaturesRefused",
          'sum(increase(heirpay_webhook_requests_total{outcome="signature_wrong"}[15m])) > 10',
          "0m", "critical", "Requests with a wrong signature: compare the signing secret."),
    Alert("HeirPayEventsNotStored",
          'sum(increase(heirpay_webhook_requests_total{outcome=~"not_stored|inbox_full|error"}[5m]))'
          " > 0", "0m", "critical", "Events were not acknowledged; Stripe delivers them again."),
    Alert("HeirPayCommitsFail", "increase(heirpay_inbox_commit_failures_total[5m]) > 0", "0m",
          "critical", "The inbox could not be written: disk or state file."),
    Alert("HeirPayNothingArrives",
          "time() - heirpay_webhook_newest_event_timestamp_seconds > 21600", "30m", "warning",
          "The newest event stored is over six hours old."),
    Alert("HeirPaySlowAnswers",
          "histogram_quantile(0.95, sum by (le)"
          " (rate(heirpay_webhook_request_seconds_bucket[5m]))) > 1", "10m", "warning",
          "Stripe delivers again what is answered slowly."),
    Alert("HeirPayInboxWaits", "heirpay_inbox_waiting > 1000", "5m", "warning",
          "Requests wait for the disk."),
)  # fmt: skip
PANELS = (
    ("Requests by outcome", "sum by (outcome) (rate(heirpay_webhook_requests_total[5m]))"),
    ("Answer time, 95 of 100",
     "histogram_quantile(0.95, sum by (le) (rate(heirpay_webhook_request_seconds_bucket[5m])))"),
    ("Commit time, 95 of 100",
     "histogram_quantile(0.95, sum by (le) (rate(heirpay_inbox_commit_seconds_bucket[5m])))"),
    ("Events in a commit, mean",
     "rate(heirpay_inbox_commit_events_sum[5m]) / rate(heirpay_inbox_commit_events_count[5m])"),
    ("Failed commits", "increase(heirpay_inbox_commit_failures_total[1h])"),
    ("Waiting for the disk", "heirpay_inbox_waiting"),
    ("Age of the newest event", "time() - heirpay_webhook_newest_event_timestamp_seconds"),
)  # fmt: skip
NIGHTLY: dict[str, tuple[Decimal, str]] = {
    "run_age_hours": (Decimal(26), "hours since the last published run"),
    "balance_differences": (Decimal(0), "days and currencies off Stripe's balance"),
    "unreconciled_payouts": (Decimal(0), "payouts that are due and missing"),
    "severe_breaks": (Decimal(0), "open breaks of high or critical severity"),
    "webhook_missing": (Decimal(0), "expected events of seven days that never came"),
    "webhook_lag_seconds_p95": (Decimal(300), "worst day's lag of the last seven"),
    "blocking_controls_failed": (Decimal(0), "blocking controls that did not pass"),
}


def endpoint_metrics() -> list[dict[str, str]]:
    """What `GET /metrics` gives, from the endpoint's own registry."""
    return [
        {"name": family.name, "type": family.type, "meaning": family.documentation}
        for family in Metrics().registry.collect()
    ]


def monitoring(context: ReportContext) -> Handoff:
    """The specification, with each of the night's figures met or not as of now."""
    fact = context.fact("monitoring")
    values = {row["metric"]: row["value"] for row in fact.rows}
    nightly = [
        {
            "metric": name,
            "meaning": meaning,
            "threshold": f"<= {limit}",
            "value": None if values.get(name) is None else f"{values[name]:f}",
            "met": None if values.get(name) is None else values[name] <= limit,
            "query": fact.command,
        }
        for name, (limit, meaning) in NIGHTLY.items()
    ]
    return Handoff(
        "platform",
        "monitoring.json",
        "monitoring_specs",
        "What to watch, its threshold, and whether it is met now",
        {
            "endpoint": {
                "path": "GET /metrics of `heirpay receive` (Prometheus)",
                "metrics": endpoint_metrics(),
                "alerts": [alert.__dict__ for alert in ALERTS],
            },
            "nightly": nightly,
        },
        (
            ("payment_monitoring_configured", context.home.notify is not None),
            *((f"{each['metric']} is within its threshold", each["met"] is True)
              for each in nightly),
        ),
    )  # fmt: skip


def prometheus_rules(context: ReportContext) -> Handoff:
    """A rules file that Prometheus loads: JSON, which is YAML."""
    rules = [
        {
            "alert": alert.name,
            "expr": alert.expression,
            "for": alert.wait,
            "labels": {"severity": alert.severity, "project": context.home.project},
            "annotations": {"summary": alert.meaning},
        }
        for alert in ALERTS
    ]
    return Handoff(
        "platform",
        "prometheus-rules.yaml",
        "monitoring_specs",
        "Alerts over the endpoint's metrics, for Prometheus",
        {"groups": [{"name": f"heirpay_{context.home.project}", "rules": rules}]},
        (("every metric is one that the endpoint emits", _emitted(a.expression for a in ALERTS)),),
    )


def grafana_dashboard(context: ReportContext) -> Handoff:
    """A dashboard to import into Grafana."""
    panels = [
        {
            "id": number,
            "title": title,
            "type": "timeseries",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "gridPos": {
                "x": 12 * ((number - 1) % 2),
                "y": 8 * ((number - 1) // 2),
                "w": 12,
                "h": 8,
            },
            "targets": [{"refId": "A", "expr": expression}],
        }
        for number, (title, expression) in enumerate(PANELS, 1)
    ]
    variable = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    return Handoff(
        "platform",
        "grafana-dashboard.json",
        "monitoring_specs",
        "The endpoint's metrics as a dashboard, for Grafana",
        {
            "title": f"HeirPay webhooks ({context.home.project})",
            "uid": f"heirpay-{context.home.project}"[:40],
            "schemaVersion": 39,
            "time": {"from": "now-24h", "to": "now"},
            "templating": {"list": [variable]},
            "panels": panels,
        },
        (("every metric is one that the endpoint emits", _emitted(e for _, e in PANELS)),),
    )


def _emitted(expressions: Any) -> bool:
    """Whether the expressions name nothing that the registry does not have."""
    import re

    families = {metric["name"] for metric in endpoint_metrics()}
    named = {n for e in expressions for n in re.findall(r"heirpay_\w+", e)}
    ends = r"(_total|_bucket|_sum|_count)?$"
    return {re.sub(ends, "", name) for name in named} <= families
