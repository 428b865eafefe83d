"""The controls register: `controls/*.yaml`, one file for each framework, validated as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as validator

from heirpay_pipelines.controls.declared import declared_tables
from heirpay_pipelines.home import payment_id

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,60}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]
Table = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$")]
Framework = Literal["data_quality", "finance", "pci_dss", "sox", "gdpr", "regional"]
Section = Literal[
    "payment.processing.gateway",
    "payment.billing.subscriptions",
    "payment.security.fraud",
    "payment.compliance.pci",
    "payment.integration.webhooks",
    "payment.general.operation",
]

Evidence = Literal[
    "security", "restricted_key", "webhook_security", "webhook_idempotency", "prorations",
    "audit_trail", "stored_card_data",
]  # fmt: skip
"""What the report judges by controls; a control says itself what it is evidence of."""
Role = Literal["payment", "api", "data", "integration", "platform"]
# DOMAIN.md, "Who acts": two specialists, and the owners of the neighbouring domains.
ROLES: Mapping[Framework, Role] = {
    "finance": "payment",
    "regional": "payment",
    "data_quality": "data",
    "pci_dss": "platform",
    "sox": "platform",
    "gdpr": "platform",
}


class RegisterError(Exception):
    """The register is not valid. The message names the file, the control and the field."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Waiver(Strict):
    """A failure that someone accepts until a date. After it the control fails again."""

    reason: Text
    approver: Text
    expires: date


class Native(Strict):
    """One of Great Expectations' own expectations on the control's table."""

    type: Annotated[str, StringConstraints(pattern=r"^expect_[a-z_]+$")]
    kwargs: dict[str, Any]


class Control(Strict):
    """One control. Exactly one of `native`, `rows`, `probe` and `attestation` says how it is
    evaluated.

    - `native`: a Great Expectations expectation.
    - `rows`: SQL (DuckDB) of the offending rows; its column `id` names the object. `$as_of` is the
      run's instant, `$timezone` and `$reporting_currency` its settings.
    - `probe`: the name of a Python probe, for facts that are in no table.
    - `attestation`: someone signs, with `heirpay attest`, what the pipeline cannot see.

    `applies` (SQL of one boolean) makes a control not applicable, for the reason `otherwise`.
    `checked` is SQL of how many objects were looked at; by default the table's rows.
    """

    key: Key
    framework: Framework
    step: Annotated[int, Field(ge=1, le=999)]
    tool: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z_]+$")] = "DUCKDB"
    section: Section = "payment.general.operation"
    requirement: Text
    title: Text
    severity: Literal["blocking", "warning"]
    owner: Text
    table: Table | None = None
    native: Native | None = None
    rows: Text | None = None
    probe: Key | None = None
    attestation: Text | None = None
    valid_days: Annotated[int, Field(ge=1, le=400)] = 365
    checked: Text | None = None
    applies: Text | None = None
    otherwise: Text | None = None
    what_to_do: Text
    evidences: tuple[Evidence, ...] = ()
    """What it is evidence of, beside its own clause; an attestation for what is outside."""
    waiver: Waiver | None = None

    @validator(mode="after")
    def _one_way_to_evaluate(self) -> Self:
        ways = [self.native, self.rows, self.probe, self.attestation]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of native, rows, probe, attestation")
        if (self.native or self.rows) and not self.table:
            raise ValueError("native and rows need the table they read")
        if (self.applies is None) != (self.otherwise is None):
            raise ValueError("applies and otherwise belong together")
        return self

    @property
    def role(self) -> Role:
        """Who acts when it fails."""
        return "api" if self.section == "payment.integration.webhooks" else ROLES[self.framework]

    def identifier(self, project: str) -> str:
        """The id that the control carries everywhere."""
        return payment_id(project, self.key, self.tool, self.step)


@cache
def load_register() -> tuple[Control, ...]:
    """Every control, in the order of framework and step.

    Raises RegisterError when a file is not valid or a key or step is given twice.
    """
    folder = files(__package__).joinpath("catalogue")
    found: list[Control] = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            found += parse_controls(entry.read_text(encoding="utf-8"), entry.name)
    _once(found)
    return tuple(sorted(found, key=lambda control: (control.framework, control.step, control.key)))


@cache
def register_by_key() -> Mapping[str, Control]:
    """Every control of the register by its key."""
    return {control.key: control for control in load_register()}


def parse_controls(text: str, name: str) -> list[Control]:
    """The controls of one file: `framework`, `defaults`, `unique_keys`, `controls`.

    `unique_keys` gives a control to every table of some schemas whose key dbt declares. They share
    a step; the table is in their name.
    """
    content = yaml.safe_load(text)
    shared = {"framework": content["framework"], **content.get("defaults", {})}
    controls = []
    for item in [*_unique_keys(content.get("unique_keys", [])), *content["controls"]]:
        try:
            controls.append(Control(**{**shared, **item}))
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'control'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise RegisterError(f"{name}, control {item.get('key')}: {faults}") from None
    return controls


def _unique_keys(wanted: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A control for each table of a schema that declares its key in the dbt project: no key twice,
    and none null where it may not be."""
    for group in wanted:
        for found in declared_tables().values():
            if found.schema not in group["schemas"] or not found.keys:
                continue
            key = found.keys[0]
            shown = ", ".join(f"coalesce(cast({n} as varchar), 'null')" for n in key)
            doubled = " or ".join(
                ["count(*) > 1", *(f"{n} is null" for n in found.required_of_key)]
            )
            yield {
                "key": f"unique_{found.table.replace('.', '_')}",
                "step": group["step"],
                "title": f"Every row of {found.table} has its own {', '.join(key)}",
                "severity": "blocking",
                "table": found.table,
                "rows": f"select concat_ws(' ', {shown}) as id from {found.table}"
                f" group by {', '.join(key)} having {doubled}",
                "what_to_do": "Do not publish; a row is doubled. Tell the data engineer.",
            }


def find_control(text: str, project: str) -> Control:
    """A control by its key or its id; LookupError when there is none."""
    for control in load_register():
        if text in (control.key, control.identifier(project)):
            return control
    raise LookupError(f"there is no control {text}; `heirpay controls list` shows all")


def _once(controls: Sequence[Control]) -> None:
    keys: set[str] = set()
    steps: set[tuple[str, int]] = set()
    for control in controls:
        shares_step = control.key.startswith("unique_")
        doubled = not shares_step and (control.framework, control.step) in steps
        if control.key in keys or doubled:
            raise RegisterError(f"{control.framework}: {control.key} or its step is given twice")
        keys.add(control.key)
        steps.add((control.framework, control.step))
