"""What a handoff is: one file for a neighbouring domain, and whether it is complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Criteria = tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Handoff:
    """One file: to whom, which of DOMAIN.md's deliverables it is, its content, its criteria."""

    domain: str
    name: str
    deliverable: str
    purpose: str
    content: dict[str, Any]
    criteria: Criteria
