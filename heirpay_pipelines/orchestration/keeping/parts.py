"""The parts of a home: what lies where, for how long it is kept, and how large it is."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from heirpay_pipelines.backup import COPIES
from heirpay_pipelines.orchestration.keeping.policy import Policy
from heirpay_pipelines.settings import Settings

FOR_EVER = "for ever"
PAGES, REPORTS, DAGSTER, DBT, NIGHTS = (
    "reports: control pages", "reports", "dagster", "dbt", "recomputed nights",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One line of `heirpay home`; `bytes` as the disk has them."""

    part: str
    path: str
    kept: str
    bytes: int
    files: int


def parts(settings: Settings, policy: Policy) -> list[Part]:
    """Every part of the home with its size, the largest first."""
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for folder, _, names in os.walk(settings.folder):
        for name in names:
            path = Path(folder) / name
            part = part_of(path.relative_to(settings.folder))
            sizes[part] += size_of(path)
            counts[part] += 1
    known = _known(policy)
    return sorted(
        (
            Part(name, known.get(name, (name, ""))[0], known.get(name, ("", FOR_EVER))[1], size,
                 counts[name])
            for name, size in sizes.items()
        ),
        key=lambda part: (-part.bytes, part.part),
    )  # fmt: skip


def size_of(path: Path) -> int:
    """What a file takes of the disk; nothing when it has gone meanwhile. A link is not followed."""
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0


def part_of(relative: Path) -> str:
    """The part that a file of the home belongs to."""
    top, *below = relative.parts
    if top == "reports":
        return PAGES if "data_docs" in below else REPORTS
    if top == "warehouse" and below[:1] == ["nights"]:
        return NIGHTS
    if top == "warehouse" and below[:1] == ["building"]:
        return "build under way"
    return top if below else "other files"


def _known(policy: Policy) -> dict[str, tuple[str, str]]:
    """Where a part lies, and for how long it is kept, in words."""
    files, pages = policy.report_files, policy.report_pages
    copies = f"{policy.copies_days} days; until a person is erased or the key is rotated"
    return {
        PAGES: ("reports/DATE/data_docs", f"{policy.great_expectations_pages} nights"),
        REPORTS: (
            "reports",
            f"{files} nights whole, the last of each month whole, pages {pages} nights; those of"
            " closed months for ever",
        ),
        DAGSTER: ("dagster", f"the newest {policy.dagster_runs} runs of each job"),
        DBT: ("dbt", f"the newest {policy.dbt_log_bytes // 1000} kB of its log"),
        NIGHTS: ("warehouse/nights", f"the newest {policy.recomputed_nights}"),
        **{name: (name, copies) for name in COPIES},
        "build under way": ("warehouse/building", "until the next run"),
        "warehouse": ("warehouse", "the published file"),
        "landing": ("landing", f"{FOR_EVER}; people by `heirpay gdpr retention`"),
        "state": ("state", f"{FOR_EVER}, with the audit chain"),
        "other files": (".", FOR_EVER),
    }
