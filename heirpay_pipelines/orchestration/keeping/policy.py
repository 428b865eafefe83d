"""The retention policy of a home."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

AtLeastOne = Annotated[int, Field(ge=1)]


class Policy(BaseModel):
    """policy.yaml: nights, runs, days or bytes that are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    great_expectations_pages: AtLeastOne
    report_files: AtLeastOne
    report_pages: AtLeastOne
    dagster_runs: AtLeastOne
    dbt_log_bytes: AtLeastOne
    copies_days: AtLeastOne
    recomputed_nights: AtLeastOne


@cache
def policy() -> Policy:
    """What holds for every home."""
    return Policy(**yaml.safe_load(files(__package__).joinpath("policy.yaml").read_text()))
