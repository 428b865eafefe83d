"""The retention register: the project's periods, and what the company says differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from heirpay_pipelines.home import Home
from heirpay_pipelines.personal.paths import CLASSES

FILE = "retention.yaml"
EVERYBODY, ONE_STOP_SHOP = "*", "OSS"
DataClass = Literal["identity", "contact", "location", "payment_instrument", "free_text"]
Country = Annotated[str, Field(pattern="^([A-Z]{2}|default)$")]
Verified = Literal["text", "commentary", "no"]


class RetentionError(Exception):
    """The company's retention.yaml is wrong. The message names the field and what to write."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Company(_Part):
    months: Annotated[int, Field(ge=0)]
    reason: str
    verified: Verified = "no"


class _Law(_Part):
    years: Annotated[int, Field(ge=1)]
    from_: Annotated[Literal["year_end", "activity"], Field(alias="from")]
    law: str
    verified: Verified = "no"


class _Register(_Part):
    verified_on: Any
    company: dict[DataClass, _Company]
    lawful_classes: list[DataClass]
    one_stop_shop: bool
    laws: dict[Country, _Law]
    members: list[str]


@dataclass(frozen=True)
class Rule:
    """One period: `country` is an ISO code, `default`, `*` (everybody) or `OSS`."""

    data_class: str
    country: str
    months: int
    from_year_end: bool
    is_member: bool
    source: str

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        period = f"{years} years" if not months else f"{self.months} months"
        return (
            f"{period} after {'the year of ' * self.from_year_end}the last activity: {self.source}"
        )


def load_rules(home: Home) -> list[Rule]:
    """Every period that holds for this installation. Raises RetentionError."""
    return list(_rules(_register(home.folder / FILE)))


def kept_for(rules: list[Rule]) -> dict[str, str]:
    """How long each class of personal data is kept, in words (GDPR article 30(1)(f))."""
    said: dict[str, str] = {}
    for kind in CLASSES:
        mine = [rule for rule in rules if rule.data_class == kind]
        years = sorted({rule.months // 12 for rule in mine})
        by_law = (
            f"{years[0]} to {years[-1]} years after the last activity, by the law of the country"
        )
        said[kind] = str(mine[0]) if len(mine) == 1 else by_law
    return said


def _register(own: Path) -> _Register:
    register = yaml.safe_load(files(__package__).joinpath("rules.yaml").read_text())
    try:
        given = yaml.safe_load(own.read_text()) if own.is_file() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RetentionError(f"{own} cannot be read as YAML ({type(error).__name__})") from None
    if given is not None and not isinstance(given, dict):
        raise RetentionError(f"{own} is no mapping; it has the form of the project's rules.yaml")
    for name, value in (given or {}).items():
        merged = isinstance(value, dict) and isinstance(register.get(name), dict)
        register[name] = register[name] | value if merged else value
    try:
        return _Register.model_validate(register)
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"])
        raise RetentionError(f"{own}, {field}: {fault['msg']}") from None


def _rules(register: _Register) -> Iterator[Rule]:
    for kind in CLASSES:
        if kind in register.lawful_classes:
            yield from _lawful(kind, register)
        elif kind in register.company:
            own = register.company[kind]  # type: ignore[index]
            yield Rule(kind, EVERYBODY, own.months, False, False, own.reason)
        else:
            raise RetentionError(f"{FILE}: no period for {kind}; add it below `company`")


def _lawful(kind: str, register: _Register) -> Iterator[Rule]:
    for country in sorted({*register.laws, *register.members}):
        law = register.laws.get(country) or register.laws["EU"]
        source = f"{law.law} ({country})" if country != "default" else law.law
        yield Rule(
            kind,
            country,
            law.years * 12,
            law.from_ == "year_end",
            country in register.members,
            source,
        )
    if register.one_stop_shop:
        directive = "directive 2006/112/EC article 369k (One Stop Shop)"
        yield Rule(kind, ONE_STOP_SHOP, 120, True, False, directive)
