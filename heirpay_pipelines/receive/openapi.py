"""The endpoint's OpenAPI document; also the handoff to the integration domain."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import yaml


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document, with this package's version."""
    text = files(__package__).joinpath("openapi.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    document["info"]["version"] = version("heirpay-pipelines")
    return document
