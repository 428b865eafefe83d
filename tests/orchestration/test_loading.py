"""Loading the definitions: each of Dagster's processes pays for it at each start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import json, sys, time
import dagster
alone = time.process_time()
import heirpay_pipelines.definitions as loaded
loaded.defs.get_repository_def()
print(json.dumps({"alone": alone, "all": time.process_time(), "modules": list(sys.modules)}))
"""
DEAR = {
    "dbt", "altair", "vl_convert", "great_expectations", "xlsxwriter", "pandas", "sqlalchemy",
    "heirpay_pipelines.gateways.stripe.landing_run", "heirpay_pipelines.report.write",
}  # fmt: skip
"""What a step imports when it is executed."""


def test_loading_imports_nothing_that_only_a_step_needs(
    loaded: dg.Definitions, loaded_home: Path
) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY_", "STRIPE_"))}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=kept | {"HEIRPAY_HOME": str(loaded_home)},
        cwd=loaded_home, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert DEAR & set(found["modules"]) == set()
    # Dagster by itself is 1 s of processor time here, and all of it must stay below 3.
    assert found["all"] < 3.5 * found["alone"]


@pytest.mark.parametrize("asked", [("check", "defs"), ("list", "defs", "--json")], ids=" ".join)
def test_dagsters_own_command_knows_the_project(
    loaded: dg.Definitions, loaded_home: Path, asked: tuple[str, ...]
) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEIRPAY_", "STRIPE_"))}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dg")), *asked], cwd=ROOT,
        env=kept | {"HEIRPAY_HOME": str(loaded_home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert asked[0] == "check" or "finance/mrr_monthly" in done.stdout
