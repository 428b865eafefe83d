"""When something is an incident and when it escalates at once: the package's thresholds, and the
company's own `thresholds.yaml` in the home, whose keys override them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from heirpay_pipelines.currencies import exponents
from heirpay_pipelines.home import Home, SettingsError
from heirpay_pipelines.text.strict_yaml import StrictYamlError, parsed, validated

OWN_FILE = "thresholds.yaml"
Share = Field(ge=0, le=1)
Count = Field(ge=1)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PaymentThresholds(_Frozen):
    """`revenue_impact` is in `revenue_impact_currency`; amounts are converted at the ECB's rate."""

    window_days: int = Count
    minimum_attempts: int = Count
    open_at_rate: Decimal = Share
    critical_rate: Decimal = Share
    revenue_impact: Decimal = Field(gt=0)
    revenue_impact_currency: str

    @field_validator("revenue_impact_currency")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in exponents():
            raise ValueError("is no currency of ISO 4217 in lower case")
        return value


class WebhookThresholds(_Frozen):
    window_days: int = Count
    missing_share_inconsistent: Decimal = Share
    down_after_missing: int = Count
    late_share: Decimal = Share
    arrived_share: Decimal = Share
    refused_requests: int = Count
    duplicate_share: Decimal = Share


class DisputeThresholds(_Frozen):
    due_within_days: int = Count


class ControlThresholds(_Frozen):
    not_evaluated_days: int = Count


class RunbookThresholds(_Frozen):
    new_for_days: int = Count


class FraudThresholds(_Frozen):
    scored_share: Decimal = Share
    warning_days: int = Count


class Thresholds(_Frozen):
    payments: PaymentThresholds
    disputes: DisputeThresholds
    webhooks: WebhookThresholds
    fraud: FraudThresholds
    controls: ControlThresholds
    runbooks: RunbookThresholds
    reminder_hours: int = Count
    decline_codes: dict[str, list[str]]


def thresholds(home: Home) -> Thresholds:
    """Those that hold in this home. Raises SettingsError that names file, line and key."""
    return _combined(_own_text(home.folder))


def stated(home: Home) -> Iterator[tuple[str, str, str]]:
    """Each threshold that holds: its key, its value, and whose it is (`package` or `company`)."""
    own, _ = parsed(_own_text(home.folder))
    given = dict(_flat(own or {}))
    for key, value in _flat(thresholds(home).model_dump(mode="json")):
        yield key, value, "company" if key in given else "package"


def _own_text(home: Path) -> str:
    try:
        return (home / OWN_FILE).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise SettingsError(f"{OWN_FILE} in {home} cannot be read: {why}.") from None


@cache
def _combined(own_text: str) -> Thresholds:
    shipped = yaml.safe_load(files(__package__).joinpath(OWN_FILE).read_text(encoding="utf-8"))
    try:
        own, root = parsed(own_text)
        if own is None or isinstance(own, dict):
            return validated(Thresholds, _over(shipped, own or {}), root)
    except StrictYamlError as error:
        where = OWN_FILE if error.line is None else f"{OWN_FILE}, line {error.line}"
        raise SettingsError(
            f"{where}: {error.what}. docs/how-to/incidents.md has every key."
        ) from None
    raise SettingsError(f"{OWN_FILE} is no mapping: it begins with a key like `payments:`.")


def _over(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The shipped values, with those that are given in their place; lists whole."""
    combined = dict(shipped)
    for key, value in own.items():
        below = shipped.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        combined[key] = _over(below, value) if both and isinstance(below, dict) else value
    return combined


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", ", ".join(value) if isinstance(value, list) else str(value)
