"""Where an asset stands in finance's morning view: its group, who owns it, which id and section it
is tagged with (DOMAIN.md, "Identifiers"), and by when it must be fresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from heirpay_pipelines.settings import Settings, payment_id

ID_TAG, SECTION_TAG = "heirpay/id", "heirpay/section"
LONGEST_TAG = 63
"""Dagster refuses tag values that are longer."""

GATEWAY = "payment.processing.gateway"
BILLING = "payment.billing.subscriptions"
FRAUD = "payment.security.fraud"
PCI = "payment.compliance.pci"
WEBHOOKS = "payment.integration.webhooks"
GENERAL = "payment.general.operation"


@dataclass(frozen=True)
class Area:
    """A group of assets: `step` is its place in the street from pull (1) to escalate (7); `tool`
    makes what dbt does not."""

    owner: str
    section: str
    tool: str
    step: int


AREAS = {
    "land": Area("data-engineering", GATEWAY, "STRIPE", 2),
    "state": Area("data-engineering", GENERAL, "SQLITE", 2),
    "staging": Area("data-engineering", GATEWAY, "DBT", 3),
    "intermediate": Area("data-engineering", GENERAL, "DBT", 3),
    "subscriptions": Area("revenue-operations", BILLING, "DBT", 3),
    "revenue": Area("revenue-accounting", GATEWAY, "DBT", 3),
    "reconciliation": Area("treasury", GATEWAY, "DBT", 3),
    "tax": Area("tax", GENERAL, "DBT", 3),
    "risk": Area("payments-risk", FRAUD, "DBT", 3),
    "month_end": Area("finance-control", GENERAL, "DBT", 3),
    "operations": Area("payment-operations", GATEWAY, "SQLITE", 3),
    "compliance": Area("compliance", GENERAL, "DBT", 3),
    "controls": Area("compliance", GENERAL, "GREAT_EXPECTATIONS", 4),
    "publish": Area("finance-control", GENERAL, "DUCKDB", 5),
    "report": Area("finance-control", GENERAL, "HEIRPAY", 6),
    "escalate": Area("payment-operations", GENERAL, "HEIRPAY", 7),
}
MART_AREA = Area("finance-control", GENERAL, "DBT", 3)
"""Of a mart whose folder has no area of its own."""

GROUP_OF_FOLDER = {"periods": "month_end", "restatements": "month_end"}
SECTION_OF = {"billing": BILLING, "subscriptions": BILLING, "risk": FRAUD, "pci_dss": PCI}
"""By a dbt model's folder or an asset's name, where it is not its group's."""
PREFIX = {"state": "state_"}
"""Tables of several schemas have the same name."""

PREPARED = ("staging", "intermediate")
NOT_PUBLISHED = ("land", "state", *PREPARED)


def group_of_model(schema: str, folder: str) -> str:
    """The group of a dbt model: marts by subject, the rest by layer."""
    if schema != "finance":
        return schema
    return GROUP_OF_FOLDER.get(folder, folder)


def placed(spec: dg.AssetSpec, settings: Settings, folder: str | None = None) -> dg.AssetSpec:
    """The asset with owner, tags and freshness by its group; `folder` is a dbt model's subject."""
    group = spec.group_name or ""
    area = AREAS.get(group, MART_AREA)
    name = spec.key.path[-1]
    section = WEBHOOKS if "webhook" in name else SECTION_OF.get(folder or name, area.section)
    operation = PREFIX.get(spec.key.path[0], "") + name
    tool = "DBT" if "dagster/kind/dbt" in spec.tags else area.tool
    identifier = payment_id(settings.project, operation, tool, area.step)
    return spec.replace_attributes(
        owners=[f"team:{area.owner}"],
        tags={**spec.tags, **payment_tags(identifier, section)},
        metadata={**spec.metadata, "identifier": identifier},
        freshness_policy=_freshness(group, settings),
    )


def payment_tags(identifier: str, section: str) -> Mapping[str, str]:
    """Id and section as Dagster tags. An id that is too long for one ends in its digest; the
    asset's metadata has it whole."""
    if len(identifier) > LONGEST_TAG:
        digest = hashlib.sha256(identifier.encode()).hexdigest()[:8]
        identifier = f"{identifier[: LONGEST_TAG - 9]}-{digest}"
    return {ID_TAG: identifier, SECTION_TAG: section}


def _freshness(group: str, settings: Settings) -> dg.FreshnessPolicy | None:
    """Landing once a night; what finance reads by six in the morning, built the evening before at
    the earliest."""
    if group == "land":
        return dg.FreshnessPolicy.time_window(
            warn_window=timedelta(hours=26), fail_window=timedelta(hours=48)
        )
    if group in NOT_PUBLISHED:
        return None
    return dg.FreshnessPolicy.cron(
        deadline_cron="0 6 * * *",
        lower_bound_delta=timedelta(hours=12),
        timezone=settings.timezone,
    )
