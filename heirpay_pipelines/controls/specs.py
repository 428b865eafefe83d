"""The register as Dagster asset checks see it: plain data, so that this step needs no Dagster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from heirpay_pipelines.controls.register import Control, load_register
from heirpay_pipelines.controls.results import ControlResult


@dataclass(frozen=True)
class CheckSpec:
    """One asset check: `name` is the control's key ([a-z0-9_]), `asset_key` the table it reads.

    A control that reads no table hangs on its framework, `controls/<framework>`.
    """

    name: str
    asset_key: tuple[str, ...]
    description: str
    blocking: bool
    metadata: dict[str, str]


def check_specs(project: str, controls: Sequence[Control] | None = None) -> list[CheckSpec]:
    """A spec for every control of the register."""
    return [
        CheckSpec(
            name=control.key,
            asset_key=asset_key(control),
            description=f"{control.title} ({control.requirement})",
            blocking=control.severity == "blocking",
            metadata={
                "control_id": control.identifier(project),
                "clause": control.requirement,
                "framework": control.framework,
                "severity": control.severity,
                "section": control.section,
                "owner": control.owner,
                "what_to_do": control.what_to_do,
            },
        )
        for control in (load_register() if controls is None else controls)
    ]


def asset_key(control: Control) -> tuple[str, ...]:
    """`finance.disputes` → finance/disputes, as the model step names its assets."""
    return tuple(control.table.split(".")) if control.table else ("controls", control.framework)


def result_metadata(result: ControlResult) -> dict[str, Any]:
    """What a check's page in the UI shows of a result."""
    shown: dict[str, Any] = {
        "status": result.status,
        "clause": result.requirement,
        "what_to_do": result.what_to_do,
        "owner": result.owner,
        "control_id": result.control_id,
        "more": f"heirpay controls show {result.key}",
        "evidence": dict(result.evidence),
    }
    if "ids" in result.evidence:
        shown["objects"] = ", ".join(map(str, result.evidence["ids"]))
    if "reason" in result.evidence:
        shown["reason"] = str(result.evidence["reason"])
    for name in ("checked", "violations"):
        value = getattr(result, name)
        if value is not None:
            shown[name] = value
    return shown
