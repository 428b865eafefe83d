"""What the engine is told and what it concludes: plain data between the modules of this step."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from heirpay_pipelines.gateways.stripe.account import StripeAccount
from heirpay_pipelines.home import Home
from heirpay_pipelines.state import State


@dataclass(frozen=True)
class RunFacts:
    """The run that is looked at. `as_of` is aware UTC; `outcome` as in state.runs:
    running, published, refused or failed."""

    run_id: str
    as_of: datetime
    outcome: str
    reason: str | None = None


@dataclass(frozen=True)
class Night:
    """Everything that checks and solutions of one evaluation may use."""

    home: Home
    account: StripeAccount
    state: State
    run: RunFacts
    control_results: Sequence[Mapping[str, Any]]
    warehouse: duckdb.DuckDBPyConnection | None
    """Read-only; None when there is no warehouse yet."""
    warehouse_path: Path | None
    shared: dict[str, Any] = field(default_factory=dict)
    """What the solutions of this evaluation have found out once for all incidents."""


@dataclass(frozen=True)
class Finding:
    """Something that fails now: one symptom on one subject, in at most one currency.

    `amount` is in major units of `currency`, computed from the rows concerned. `rows` is the query
    that lists them.
    """

    scope: str
    symptom: str
    subject: str
    detail: str
    amount: Decimal = Decimal(0)
    currency: str | None = None
    compliance_risk: str = "low"
    clause: str | None = None
    trigger: str | None = None
    role: str | None = None
    """Who acts; None: whom the pattern library names."""
    action: str | None = None
    """What to do now; None: what the pattern library says of the symptom."""
    rows: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    every_row: str | None = None
    """The query that lists all objects at fault, where the evidence names the first ones only."""
    identifier: str | None = None
    """The id that its control carries; None: the symptom's."""
    section: str | None = None
    """The section of its control; None: the symptom's."""
    every_currency: bool = False
    """One incident whatever the currencies; `currency` is that of the largest sum."""

    @property
    def key(self) -> str:
        """The stable key: the same symptom on the same subject, whatever the night."""
        currency = "" if self.every_currency else self.currency or ""
        text = "\x1f".join((self.scope, self.symptom, self.subject, currency))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Observed:
    """What a check saw: the scopes it could evaluate, and what fails in them.

    An incident is resolved when its scope was evaluated and it is not among the findings: a check
    that could not be made resolves nothing.
    """

    scopes: frozenset[str]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """What a solution did. `status`: done, not_applicable or failed."""

    status: str
    detail: str
    items: tuple[Mapping[str, Any], ...] = ()
    """The work list that it hands to people, in order."""
    effect: int = 0
    """How many things it changed by itself, so that what failed may pass; a list changes none."""
