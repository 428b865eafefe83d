"""Asking an advisory source with pip-audit: that address, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 300
PROGRAM = "pip-audit"


def asked(source: str) -> dict[str, Any] | str:
    """pip-audit's report on what is installed here, or why there is none."""
    beside = Path(sys.executable).with_name(PROGRAM)
    program = str(beside) if beside.is_file() else shutil.which(PROGRAM)
    if program is None:
        return "pip-audit is not installed beside HeirPay: install it, or bring its report"
    command = [
        program, "--format", "json", "--local", "--progress-spinner", "off",
        "--vulnerability-service", "osv", "--osv-url", source,
    ]  # fmt: skip
    try:
        # It ends with 1 when it found something: the report says so.
        done = subprocess.run(  # noqa: S603 - a program beside ours, an address of the settings
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        report = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return f"the advisory source did not answer within {SECONDS} seconds"
    except (OSError, ValueError):
        return "pip-audit gave no report: the advisory source could not be asked"
    if not isinstance(report, dict) or "dependencies" not in report:
        return "pip-audit gave no report of dependencies"
    return report
