"""`requirements.yaml` in the home: what the Master Orchestrator demands of this domain, and whether
each demand is met, unmet or cannot be told, with the evidence.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from heirpay_pipelines.currencies import exponents
from heirpay_pipelines.home import Home, SettingsError
from heirpay_pipelines.text.strict_yaml import StrictYamlError, parsed, validated

FILE = "requirements.yaml"
Gateway = Literal["stripe", "paypal", "square", "authorize_net", "adyen"]
Flow = Literal["one_time", "recurring", "subscription", "marketplace", "multi_party"]
Place = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)+$")]
Integration = Literal["bank_statements", "notifications", "webhooks", "advisories", "public_url"]


class Requirements(BaseModel):
    """What may be demanded; each key is optional, and one that is absent demands nothing.

    `api` is the version of Stripe's API that objects are read in; `security_level` is `basic` (no
    security check that blocks fails), `standard` (every security check is evidenced) or `high`
    (and data at rest is encrypted); `webhook_needs` are types of events that must arrive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    compliance_level: Literal["saq_a", "saq_a_ep", "saq_d", "roc"] | None = None
    gateways: tuple[Gateway, ...] = ()
    preferred_gateway: Gateway | None = None
    payment_types: tuple[Flow, ...] = ()
    fraud_protection: Literal["basic", "standard", "strict"] | None = None
    subscription_complexity: Literal["none", "simple", "tiered", "usage"] | None = None
    currencies: tuple[str, ...] = ()
    jurisdictions: tuple[Place, ...] = ()
    api: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d(\.[a-z]+)?$")] | None = None
    security_level: Literal["basic", "standard", "high"] | None = None
    integrations: tuple[Integration, ...] = ()
    webhook_needs: tuple[EventType, ...] | None = None

    @field_validator("currencies")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in exponents():
                raise ValueError(f"{name} is no currency of ISO 4217 in lower case")
        return value

    @property
    def needs_webhooks(self) -> bool:
        """False only where the file says that none are needed (`webhook_needs: []`)."""
        return self.webhook_needs is None or bool(self.webhook_needs)

    @property
    def needs_billing(self) -> bool:
        """Whether subscriptions are demanded, or nothing is said of them."""
        if self.subscription_complexity == "none":
            return False
        wanted = {"subscription", "recurring"} & set(self.payment_types)
        return bool(wanted) or not self.payment_types or self.subscription_complexity is not None


def read_requirements(home: Home) -> Requirements | None:
    """The file's demands; None without a file. Raises SettingsError that names file, line, key."""
    try:
        text = (home.folder / FILE).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{FILE} in {home.folder} cannot be read as UTF-8 text.") from None
    try:
        given, root = parsed(text)
        if given is not None and not isinstance(given, dict):
            raise SettingsError(f"{FILE} is no mapping: it begins with a key like `gateways:`.")
        return validated(Requirements, given or {}, root)
    except StrictYamlError as error:
        where = FILE if error.line is None else f"{FILE}, line {error.line}"
        raise SettingsError(
            f"{where}: {error.what}. docs/how-to/requirements.md has every key."
        ) from None
