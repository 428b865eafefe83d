"""`--fast`, and the order of the tests: those of changed files, then the longest.

Two processes take whole files from one list (`--dist loadfile`), so what takes long comes first.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

LONGEST = (
    "tests/end_to_end/test_encrypted_night.py",
    "tests/end_to_end/test_nightly.py",
    "tests/end_to_end/test_erased_person.py",
    "tests/end_to_end/test_disks.py",
    "tests/model/test_clean_company.py",
    "tests/check/test_register.py",
    "tests/at_rest/test_rotation.py",
)
"""Files of more than half a minute of processor time, the longest first."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="no test that needs a night or is marked slow"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("fast"):
        kept = [item for item in items if not is_slow(item)]
        config.hook.pytest_deselected(items=[item for item in items if is_slow(item)])
        items[:] = kept
    changed = changed_files(config.rootpath) if config.getoption("fast") else ()
    items.sort(key=lambda item: place(file_of(item), changed))


def file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def is_slow(item: pytest.Item) -> bool:
    """Whether it is marked so, or reads the published night."""
    if item.get_closest_marker("slow") is not None:
        return True
    fixtures = getattr(item, "_fixtureinfo", None)
    found = fixtures.name2fixturedefs.get("published", ()) if fixtures else ()
    return any(each.baseid == "tests" for each in found)


def place(file: str, changed: Sequence[str]) -> tuple[int, int]:
    """Where a test file comes: the smaller, the sooner. Stable: within it nothing moves."""
    of_the_changed = any(file == each or file.startswith(each) for each in changed)
    length = LONGEST.index(file) if file in LONGEST else len(LONGEST)
    return (0 if of_the_changed else 1, length)


def changed_files(root: Path) -> tuple[str, ...]:
    """Test files that differ from `main`, and the test folders of the packages that do."""
    found: set[str] = set()
    for command in (
        ["git", "diff", "--name-only", "main"],
        ["git", "diff", "--name-only", "HEAD~1"],
        ["git", "ls-files", "--others", "--exclude-standard"],
    ):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        found.update(done.stdout.split() if done.returncode == 0 else ())
    folders = {"dbt": "tests/model/"}
    return tuple(
        sorted(
            path if path.startswith("tests/") else folders.get(first, f"tests/{second}/")
            for path in found
            for first, second in [
                (path.split("/")[0], path.split("/")[1:2][0] if "/" in path else "")
            ]
            if path.startswith(("tests/", "dbt/", "heirpay_pipelines/"))
        )
    )
