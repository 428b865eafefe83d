"""The published figures of this code beside those of an earlier commit, on one account.

    python tests/compare/with_commit.py            # the commit before
    python tests/compare/with_commit.py v0.1.0 --scale 4

Both run one night as of the same instant against one served account, and then a second one that
has nothing new to read; what they published is compared cell by cell. The processor time of both
stands beside it, as a ratio.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from warehouses import differences

from heirpay_pipelines.orchestration.embedded import EmbeddedAccount, serve_account

ROOT = Path(__file__).resolve().parents[2]
NOW, LATER = "2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00"
KEY = "rk_live_embedded_account"


def interpreter(code: Path) -> str:
    """The Python with what the code in a folder needs: this one where both pin the same."""
    pinned = "requirements/run.txt"
    if (code / pinned).read_bytes() == (ROOT / pinned).read_bytes():
        return sys.executable
    subprocess.run(["./heirpay", "--version"], cwd=code, check=True, stdout=subprocess.DEVNULL)
    return str(code / ".venv/bin/python")


def night(code: Path, home: Path, account: EmbeddedAccount, bank: Path, as_of: str) -> float:
    """Run a night of the code in a folder; the processor seconds that it and its children took."""
    python = interpreter(code)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [python, "-m", "heirpay_pipelines", "run", "--as-of", as_of],
        cwd=code,
        env={
            "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(code),
            "HEIRPAY_HOME": str(home), "HEIRPAY_BANK_STATEMENTS": str(bank),
            "STRIPE_API_KEY": account.key, "STRIPE_API_BASE": account.base_url,
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", nargs="?", default="HEAD~1")
    parser.add_argument("--scale", default="1", help="of the embedded account")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="compared-") as name:
        folder = Path(name)
        before = folder / "before"
        before.mkdir()
        packed = subprocess.run(
            ["git", "archive", given.commit], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        subprocess.run(["tar", "-x", "-C", str(before)], input=packed.stdout, check=True)
        found = compare(before, folder, given.scale)
    for line in found:
        print(line)
    print(f"{len(found)} differences")
    return 1 if found else 0


def compare(before: Path, folder: Path, scale: str) -> list[str]:
    """Each difference between what the code in `before` and this code publish."""
    bank = folder / "bank"
    options = ("--now", LATER, "--limits", "off", "--scale", scale)
    found = []
    with serve_account(bank, *options, key=KEY) as account:
        for as_of in (NOW, LATER):
            taken = [
                night(code, folder / f"home-{name}", account, bank, as_of)
                for name, code in (("before", before), ("after", ROOT))
            ]
            print(
                f"as of {as_of}: {taken[1]:.0f} s of the processor, {taken[1] / taken[0]:.2f} x"
                " the commit before"
            )
            files = [folder / f"home-{n}/warehouse/heirpay.duckdb" for n in ("before", "after")]
            found += [f"as of {as_of}: {each}" for each in differences(*files)]
    return found


if __name__ == "__main__":
    sys.exit(main())
