"""Where an asset stands in finance's morning view: its group, who owns it, which id and section it
is tagged with (DOMAIN.md, "Identifiers"), and whether it must be fresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from heirpay_pipelines.home import payment_id
from heirpay_pipelines.orchestration.code_location import PUBLISHED_FIGURES
from heirpay_pipelines.settings import Settings

ID_TAG, SECTION_TAG, SUBJECT_TAG = "heirpay/id", "heirpay/section", "heirpay/subject"
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
    """A kind of assets: `step` is its place in the street from pull (1) to escalate (7); `tool`
    makes what dbt does not; `group` is where the catalog lists them."""

    owner: str
    section: str
    tool: str
    step: int
    group: str


AREAS = {
    "land": Area("data-engineering", GATEWAY, "STRIPE", 2, "source_records"),
    "state": Area("data-engineering", GENERAL, "SQLITE", 2, "internal_records"),
    "staging": Area("data-engineering", GATEWAY, "DBT", 3, "cleaned_records"),
    "intermediate": Area("data-engineering", GENERAL, "DBT", 3, "calculations"),
    "subscriptions": Area("revenue-operations", BILLING, "DBT", 3, PUBLISHED_FIGURES),
    "revenue": Area("revenue-accounting", GATEWAY, "DBT", 3, PUBLISHED_FIGURES),
    "reconciliation": Area("treasury", GATEWAY, "DBT", 3, PUBLISHED_FIGURES),
    "tax": Area("tax", GENERAL, "DBT", 3, PUBLISHED_FIGURES),
    "risk": Area("payments-risk", FRAUD, "DBT", 3, PUBLISHED_FIGURES),
    "close": Area("finance-control", GENERAL, "DBT", 3, PUBLISHED_FIGURES),
    "month_end": Area("finance-control", GENERAL, "DBT", 3, "month_end_close"),
    "operations": Area("payment-operations", GATEWAY, "SQLITE", 3, "operations"),
    "compliance": Area("compliance", GENERAL, "DBT", 3, "controls"),
    "controls": Area("compliance", GENERAL, "GREAT_EXPECTATIONS", 4, "controls"),
    "publish": Area("finance-control", GENERAL, "DUCKDB", 5, "publication"),
    "nights": Area("finance-control", GENERAL, "DUCKDB", 5, "past_nights"),
    "report": Area("finance-control", GENERAL, "HEIRPAY", 6, "report"),
    "escalate": Area("payment-operations", GENERAL, "HEIRPAY", 7, "incidents"),
}
MART_AREA = Area("finance-control", GENERAL, "DBT", 3, PUBLISHED_FIGURES)
"""Of a mart whose folder has no area of its own."""

AREA_OF_FOLDER = {"periods": "close", "restatements": "close"}
SECTION_OF = {"billing": BILLING, "subscriptions": BILLING, "risk": FRAUD, "pci_dss": PCI}
"""By a dbt model's folder or an asset's name, where it is not its group's."""
PREFIX = {"state": "state_"}
"""Tables of several schemas have the same name."""

PUBLICATION = dg.AssetKey(["publish", "publication"])
"""What everybody reads. It alone must be fresh: a refused night leaves it as it was, and so does a
selection; what was built meanwhile says nothing of what people read."""


def area_of_model(schema: str, folder: str) -> str:
    """The area of a dbt model: marts by subject, the rest by layer."""
    if schema != "finance":
        return schema
    return AREA_OF_FOLDER.get(folder, folder)


def placed(spec: dg.AssetSpec, settings: Settings, folder: str | None = None) -> dg.AssetSpec:
    """The asset with group, owner, tags and freshness by its area, which is its group until then;
    `folder` is a dbt model's subject."""
    name_of_area = spec.group_name or ""
    area = AREAS.get(name_of_area, MART_AREA)
    name = spec.key.path[-1]
    section = WEBHOOKS if "webhook" in name else SECTION_OF.get(folder or name, area.section)
    operation = PREFIX.get(spec.key.path[0], "") + name
    tool = "DBT" if "dagster/kind/dbt" in spec.tags else area.tool
    identifier = payment_id(settings.project, operation, tool, area.step)
    subject = {SUBJECT_TAG: name_of_area} if area.group == PUBLISHED_FIGURES else {}
    return spec.replace_attributes(
        group_name=area.group,
        owners=[f"team:{area.owner}"],
        tags={**spec.tags, **subject, **payment_tags(identifier, section)},
        metadata={**spec.metadata, "identifier": identifier},
        freshness_policy=_freshness(settings) if spec.key == PUBLICATION else None,
    )


def payment_tags(identifier: str, section: str) -> Mapping[str, str]:
    """Id and section as Dagster tags. An id that is too long for one ends in its digest; the
    asset's metadata has it whole."""
    if len(identifier) > LONGEST_TAG:
        digest = hashlib.sha256(identifier.encode()).hexdigest()[:8]
        identifier = f"{identifier[: LONGEST_TAG - 9]}-{digest}"
    return {ID_TAG: identifier, SECTION_TAG: section}


def _freshness(settings: Settings) -> dg.FreshnessPolicy:
    """Published by six in the morning, the evening before at the earliest."""
    return dg.FreshnessPolicy.cron(
        deadline_cron="0 6 * * *",
        lower_bound_delta=timedelta(hours=12),
        timezone=settings.timezone,
    )
