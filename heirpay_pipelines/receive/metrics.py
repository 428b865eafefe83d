"""What Prometheus reads from the endpoint. Names and thresholds: the platform handoff."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from heirpay_pipelines.receive.inbox import Commit

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The endpoint's counters in a registry of their own. No label ever holds input."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "heirpay_webhook_requests",
            "Webhook requests by outcome",
            ["outcome"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "heirpay_webhook_request_seconds",
            "Seconds from the request's first byte to its answer",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.commit_seconds = Histogram(
            "heirpay_inbox_commit_seconds",
            "Seconds of one durable group commit",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.commit_events = Histogram(
            "heirpay_inbox_commit_events",
            "Events in one group commit",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )
        self.commit_failures = Counter(
            "heirpay_inbox_commit_failures",
            "Group commits that failed; their events were not acknowledged",
            registry=self.registry,
        )
        self.waiting = Gauge(
            "heirpay_inbox_waiting", "Requests waiting for the disk", registry=self.registry
        )
        self.newest_event = Gauge(
            "heirpay_webhook_newest_event_timestamp_seconds",
            "When the newest event that was stored was created at Stripe",
            registry=self.registry,
        )

    def committed(self, commit: Commit) -> None:
        """Called by the inbox writer after each group commit."""
        if commit.ok:
            self.commit_seconds.observe(commit.seconds)
            self.commit_events.observe(commit.events)
        else:
            self.commit_failures.inc()

    def render(self) -> bytes:
        return generate_latest(self.registry)
