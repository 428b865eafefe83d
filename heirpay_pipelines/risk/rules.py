"""Velocity rules: typed, checked when they are read, turned into SQL over finance.payment_risk."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Column = Literal[
    "payment_method_fingerprint", "customer_id", "currency", "country", "billing_country",
    "issuer", "brand", "wallet", "payment_method_type", "payment_flow", "status",
]  # fmt: skip
UNITS = {"m": "minute", "h": "hour", "d": "day"}
OWN_RULES = "velocity_rules.yaml"


class RiskError(Exception):
    """A rule or a proposal is unknown, wrong or not ready. The message says what to do."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_Frozen):
    """Which attempts a rule looks at. `at_most` is in major units, by currency; with it, attempts
    in other currencies are left out."""

    equal: dict[Column, list[str]] = {}
    guests_only: bool = False
    at_most: dict[str, Decimal] = {}


class Block(_Frozen):
    """Which Radar value list a proposal would add to (its alias), and what of an attempt."""

    value_list: str = Field(pattern=r"^[a-z0-9_]+$")
    item: Literal["payment_method_fingerprint", "customer_id", "country"]


class VelocityRule(_Frozen):
    """One rule: it fires from `threshold` on."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    group_by: Column
    measure: Literal["attempts", "cards", "failures"]
    window: str = Field(pattern=r"^[1-9]\d{0,3}[mhd]$")
    threshold: int = Field(ge=1)
    scope: Scope = Scope()
    block: Block

    @property
    def interval(self) -> str:
        """The window as a SQL interval."""
        return f"interval {self.window[:-1]} {UNITS[self.window[-1]]}"

    def measured(self) -> str:
        """The measure of the window that ends with an attempt, as a SQL expression."""
        over = f"partition by {self.group_by} order by occurred_at range between {self.interval}"
        if self.measure == "failures":
            return (
                "count(*) filter (where status = 'failed') over"
                f" ({over} preceding and interval 1 microsecond preceding)"
            )
        counted = "*" if self.measure == "attempts" else "distinct payment_method_fingerprint"
        return f"count({counted}) over ({over} preceding and current row)"

    def condition(self) -> tuple[str, dict[str, Any]]:
        """What limits finance.payment_risk to the scope: SQL and its parameters."""
        parts = [f"{self.group_by} is not null"]
        parameters: dict[str, Any] = {}
        for column, values in self.scope.equal.items():
            parts.append(f"list_contains($equal_{column}, {column})")
            parameters[f"equal_{column}"] = values
        if self.scope.guests_only:
            parts.append("customer_id is null")
        if self.scope.at_most:
            limits = []
            for currency, amount in sorted(self.scope.at_most.items()):
                limits.append(f"(currency = $cur_{currency} and amount <= $max_{currency})")
                parameters |= {f"cur_{currency}": currency, f"max_{currency}": amount}
            parts.append(f"({' or '.join(limits)})")
        return " and ".join(parts), parameters


def load_rules(home: Path) -> dict[str, VelocityRule]:
    """The rules by name: those of the package, then those of `velocity_rules.yaml` under `home`.

    Raises RiskError that names file, rule and field of the first one that is wrong.
    """
    shipped = files(__package__).joinpath("rules.yaml").read_text(encoding="utf-8")
    rules = _parsed(shipped, "rules.yaml")
    own = home / OWN_RULES
    if own.is_file():
        rules |= _parsed(own.read_text(encoding="utf-8"), OWN_RULES)
    return rules


def find_rule(home: Path, name: str) -> VelocityRule:
    """One rule; RiskError when there is none of that name."""
    rules = load_rules(home)
    if name not in rules:
        raise RiskError(f"no rule {name}; known are {', '.join(sorted(rules))}")
    return rules[name]


def _parsed(text: str, file: str) -> dict[str, VelocityRule]:
    try:
        given = yaml.safe_load(text)["rules"]
    except (yaml.YAMLError, KeyError, TypeError):
        raise RiskError(f"{file} is no list of rules: it begins with `rules:`") from None
    rules: dict[str, VelocityRule] = {}
    for position, fields in enumerate(given or [], 1):
        name = fields.get("name", position) if isinstance(fields, dict) else position
        try:
            rule = VelocityRule.model_validate(fields)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"]))
            raise RiskError(f"{file}, rule {name}: {where}: {fault['msg']}") from None
        if rule.name in rules:
            raise RiskError(f"{file}, rule {name}: there are two of that name")
        rules[rule.name] = rule
    return rules
