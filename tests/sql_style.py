"""Checks the SQL style (sqlfluff) of the models whose text, or whose rules, changed since they last
passed: `.cache/tests/sql_style.json` remembers digests of what passed."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from fast import changed_paths

ROOT = Path(__file__).resolve().parents[1]
CHECKED = ("dbt/models", "dbt/tests")
RULES = ("pyproject.toml", "dbt/lint", "dbt/macros", "dbt/dbt_project.yml")
PASSED = ROOT / ".cache" / "tests" / "sql_style.json"


def files_of(*names: str) -> list[Path]:
    found = [path for name in names for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))]]
    return [path for path in found if path.is_file()]


def digests() -> dict[str, str]:
    """Each file that is checked, and a digest of it and of the rules that it is checked by."""
    rules = sha256(version("sqlfluff").encode())
    for path in files_of(*RULES):
        rules.update(f"\0{path}\0".encode() + path.read_bytes())
    return {
        str(path.relative_to(ROOT)): sha256(rules.digest() + path.read_bytes()).hexdigest()
        for path in files_of(*CHECKED)
        if path.suffix == ".sql"
    }


def main(changed_only: bool) -> int:
    """The exit code of sqlfluff over what is new; what passed is remembered. With `changed_only`
    nothing is looked at but what git says has changed."""
    now = digests()
    if changed_only:
        changed = changed_paths(ROOT)
        now = {path: digest for path, digest in now.items() if path in changed}
    passed = set(json.loads(PASSED.read_text())) if PASSED.is_file() else set()
    new = [path for path, digest in now.items() if digest not in passed]
    if new:
        done = subprocess.run(["sqlfluff", "lint", *new], cwd=ROOT, check=False)
        if done.returncode != 0:
            return done.returncode
    PASSED.parent.mkdir(parents=True, exist_ok=True)
    PASSED.write_text(json.dumps(sorted((passed if changed_only else set()) | set(now.values()))))
    print(f"SQL style: {len(new)} of {len(now)} files checked, the others are unchanged.")
    return 0


if __name__ == "__main__":
    sys.exit(main("--changed" in sys.argv))
