"""Another login than the kernel's, for tests of what takes two people: the one seam."""

from __future__ import annotations

from pathlib import Path


def logged_in(login: str) -> dict[str, str]:
    """The environment of a Python process that takes `login` for what the kernel states."""
    return {"PYTHONPATH": str(Path(__file__).parent), "TEST_LOGIN": login}
