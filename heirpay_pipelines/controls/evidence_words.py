"""Evidence of a control in words, as the report, the run's record and the terminal say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def evidence_text(evidence: str | Mapping[str, Any], most: int | None = None) -> str:
    """Evidence (an object, as such or as JSON, or a sentence) in words; of a list the first `most`
    entries."""
    found: Any = evidence
    if isinstance(evidence, str) or evidence is None:
        try:
            found = json.loads(evidence)
        except (TypeError, ValueError):
            return evidence or ""
    if not isinstance(found, Mapping):
        return str(found)
    parts = []
    for name, value in found.items():
        shown = _list(value, most) if isinstance(value, list | tuple) else value
        parts.append(str(shown) if name == "reason" else f"{name.replace('_', ' ')}: {shown}")
    return "; ".join(parts)


def _list(values: list[Any] | tuple[Any, ...], most: int | None) -> str:
    shown = ", ".join(map(str, values[:most]))
    left = 0 if most is None else len(values) - most
    return f"{shown} and {left} more" if left > 0 else shown
