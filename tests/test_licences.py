"""What is installed by default may be used by a company as it is: no package under the GPL or the
AGPL alone, and what must share its changes is listed in docs/licences.md."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PERMISSIVE = re.compile(
    r"apache|\bmit\b|mit-0|bsd|\bisc\b|python software|\bpsf|zlib|cc0|unlicense", re.IGNORECASE
)
SHARED = re.compile(
    r"lgpl|lesser general public|mozilla public|\bmpl|artistic|eclipse|cddl", re.IGNORECASE
)
STRONG = re.compile(
    r"(?<![l])gpl|affero|(?<!lesser )general public license|sspl|busl|commons clause", re.IGNORECASE
)


def pinned() -> list[str]:
    lines = (ROOT / "requirements" / "run.txt").read_text().splitlines()
    return sorted({found[1] for line in lines if (found := re.match(r"([A-Za-z0-9._-]+)==", line))})


def stated(package: str) -> str | None:
    """What a package's own metadata say; None where it is not for this system."""
    try:
        found = metadata(package)
    except PackageNotFoundError:
        return None
    classifiers = [text for text in found.get_all("Classifier") or [] if text.startswith("Lic")]
    return str(
        found.get("License-Expression") or "; ".join(classifiers) or found.get("License", "")
    )


def verdict(licence: str) -> str:
    """`free`, `shared` (changes must be), `refused` or `unknown`; of alternatives the best."""
    best = "unknown"
    for choice in re.split(r"\bor\b|;", licence.replace("or-later", "").replace("or later", ""),
                           flags=re.IGNORECASE):  # fmt: skip
        if STRONG.search(choice):
            found = "refused"
        elif SHARED.search(choice):
            found = "shared"
        else:
            found = "free" if PERMISSIVE.search(choice) else "unknown"
        order = ("free", "shared", "refused", "unknown")
        best = min(best, found, key=order.index)
    return best


def listed() -> dict[str, str]:
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \| ([^|]+) \|", (ROOT / "docs/licences.md").read_text(), re.M
    )
    return {name: licence for name, licence in rows if name not in ("package", "---")}


def test_every_pinned_package_may_be_used() -> None:
    found = {name: licence for name in pinned() if (licence := stated(name)) is not None}
    assert len(found) > 100
    known = {name: licence or listed().get(name, "") for name, licence in found.items()}
    wrong = {name: text for name, text in known.items() if verdict(text) in ("refused", "unknown")}
    assert wrong == {}
    shared = {name for name, text in known.items() if verdict(text) != "free"}
    mixed = {name for name, text in known.items() if SHARED.search(text) or STRONG.search(text)}
    unnamed = {name for name, text in found.items() if not text}
    assert listed().keys() == shared | mixed | unnamed


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("GPL-3.0-only", "refused"),
        ("License :: OSI Approved :: GNU Affero General Public License v3", "refused"),
        ("GPL-2.0-or-later", "refused"),
        ("License :: OSI Approved :: GNU General Public License v2 or later (GPLv2+)", "refused"),
        ("LGPL-2.1-or-later", "shared"),
        ("License :: OSI Approved :: GNU Lesser General Public License v2 or later", "shared"),
        ("MPL-2.0 AND MIT", "shared"),
        ("Artistic-1.0 OR GPL-2.0-or-later", "shared"),
        ("MIT OR GPL-3.0-only", "free"),
        ("BSD-3-Clause", "free"),
        ("", "unknown"),
        ("Proprietary", "unknown"),
    ],
)
def test_the_rule_tells_licences_apart(licence: str, expected: str) -> None:
    assert verdict(licence) == expected


def test_the_projects_own_licence_is_in_the_repository() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()
