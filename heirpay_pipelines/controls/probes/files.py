"""Files under HEIRPAY_HOME: who may read them, whether they are data, whether whole."""

from __future__ import annotations

import stat
from pathlib import Path

from heirpay_pipelines.controls.probes.given import ProbeInput
from heirpay_pipelines.controls.results import Outcome, judge, not_evaluated

OTHERS = stat.S_IRWXG | stat.S_IRWXO
PROGRAMS = {
    b"\x7fELF": "a program of Linux",
    b"MZ": "a program of Windows",
    b"\xcf\xfa\xed\xfe": "a program of macOS",
    b"\xca\xfe\xba\xbe": "a program of macOS or Java",
    b"#!": "a script",
}
# The industry's harmless test file, in two parts: the whole would alarm scanners about this one.
TEST_VIRUS = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"


def file_modes(given: ProbeInput) -> Outcome:
    """Every file 0600, every folder 0700 at most (PCI DSS 7.2.1)."""
    home = given.run.settings.folder
    paths = [home, *sorted(p for p in home.rglob("*") if not p.is_symlink())]
    open_to_others = [
        "." if path == home else str(path.relative_to(home))
        for path in paths
        if path.exists() and path.stat().st_mode & OTHERS
    ]
    return judge(len(paths), open_to_others, unit="files and folders")


def no_programs(given: ProbeInput) -> Outcome:
    """No program, script or known test virus lies among the data, and nothing there may be
    executed (PCI DSS 5.3.2): what arrives (bank statements, webhooks) is data and stays data."""
    home = given.run.settings
    roots = dict.fromkeys((home.folder, home.bank_dir))
    paths = dict.fromkeys(
        path
        for root in roots
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    )
    found = [f"{path.name}: {what}" for path in paths if (what := _program(path))]
    return judge(len(paths), found, unit="files")


def _program(path: Path) -> str | None:
    try:
        mode, (head, text) = path.stat().st_mode, _head(path)
    except FileNotFoundError:  # a temporary file that went
        return None
    kind = next((kind for magic, kind in PROGRAMS.items() if head.startswith(magic)), None)
    if kind is None and TEST_VIRUS in text:
        kind = "the EICAR test virus"
    if kind is None and mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
        kind = "may be executed"
    return kind


def _head(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        text = file.read(4096)
    return text[:8], text


def landing_unchanged(given: ProbeInput) -> Outcome:
    """Every landed file is as it was when its pull was committed (SOX: source records)."""
    from heirpay_pipelines.landing.landing import Landing, sha256_of

    home = given.run.settings
    landing = Landing(home.landing_dir, given.run.encryption_key)
    listed = [file for files in landing.files(given.run.as_of).values() for file in files]
    if not listed:
        return not_evaluated("nothing was landed yet")
    changed = [
        file.path
        for file in listed
        if not (landing.root / file.path).is_file()
        or sha256_of(landing.root / file.path) != file.sha256
    ]
    return judge(len(listed), changed, unit="landed files")
