"""What the contributor's guide says of where things are is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TABLE = GUIDE.partition("| You look for")[2].partition("## Soak")[0]
PLACES = re.findall(r"`([^`\n]+/[^`\n]*)`", TABLE)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_of_the_guide_exists(place: str) -> None:
    """`<name>` stands for one of several."""
    assert list(ROOT.glob(re.sub(r"<\w+>", "*", place))), place


def test_the_guide_names_places() -> None:
    assert len(PLACES) > 15
