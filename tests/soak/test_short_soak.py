"""The soak's short form: nights of a small account, one home killed and damaged, its twin not.

A night here is what a run does to a home (lock, record, pull, landing, build, publication), without
Dagster's and dbt's own seconds; `soak.py` makes whole ones. Which step is met is random, by a seed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "gateways" / "stripe")]

from compiled_project import run_models  # noqa: E402
from dying import ends_at  # noqa: E402
from faults import FAULTS, Fault  # noqa: E402
from served_account import KEY, Silent, landed, served  # noqa: E402

from heirpay_pipelines.duck import connect  # noqa: E402
from heirpay_pipelines.gateways.stripe.account import stripe_account  # noqa: E402
from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land  # noqa: E402
from heirpay_pipelines.orchestration.dead_runs import clear_leftovers  # noqa: E402
from heirpay_pipelines.settings import Settings  # noqa: E402
from heirpay_pipelines.state import open_state  # noqa: E402
from heirpay_pipelines.state.run_lock import run_lock  # noqa: E402
from heirpay_pipelines.state.runs import close_run, open_run  # noqa: E402
from heirpay_pipelines.warehouse.build import prepare_build  # noqa: E402
from heirpay_pipelines.warehouse.project import BuildRequest  # noqa: E402
from heirpay_pipelines.warehouse.publication import publish  # noqa: E402

NIGHTS = 2
MODELS = "+daily_revenue"
PLACES = (
    "os:replace", "os:fsync", "os:fchmod", "pathlib:Path.replace", "pathlib:Path.mkdir",
    "pathlib:Path.unlink", "heirpay_pipelines.landing.writer:sha256_of",
)  # fmt: skip
LATEST_TURN = 40
DAMAGE = [fault for fault in FAULTS if fault.during is None and not fault.named]


def night(home: Path, base: str, as_of: datetime) -> None:
    """What a run does to a home."""
    settings = Settings(STRIPE_API_KEY=KEY, STRIPE_API_BASE=base, HEIRPAY_HOME=home)
    run_id = str(uuid4())
    with run_lock(settings, "a night of the soak"):
        clear_leftovers(settings)
        with open_state(settings.state_file) as state:
            open_run(state, run_id, as_of)
        pull_and_land(stripe_account(settings), as_of, False, Silent())
        request = BuildRequest(
            database=settings.warehouse_dir / "building" / f"{run_id}.duckdb",
            work_dir=home / "dbt",
            run_id=run_id,
            as_of=as_of.astimezone(UTC).replace(tzinfo=None),
        )
        prepare_build(request, settings)
        run_models(request, MODELS)
        publish(request.database, settings.warehouse, None)
        with open_state(settings.state_file) as state:
            close_run(state, run_id, "published", None)


def figures(settings: Settings) -> list[tuple[object, ...]]:
    with connect(settings.warehouse, None, read_only=True) as connection:
        return connection.execute("select * from finance.daily_revenue order by all").fetchall()


@pytest.mark.parametrize("seed", [19])
def test_a_home_that_is_killed_and_damaged_ends_as_its_twin(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    one, twin = tmp_path / "one", tmp_path / "twin"
    deaths = 0
    with served(days=20) as account:
        for number in range(NIGHTS):
            if number:
                account.advance(1)
            night(twin, account.base, account.now())
            place, turn = rng.choice(PLACES), rng.randrange(1, LATEST_TURN)
            deaths += ends_at(place, turn, night, one, account.base, account.now()) != 0
            damage: Fault = rng.choice(DAMAGE)
            damage.before(account.settings(one), rng)
            night(one, account.base, account.now())
            mine, theirs = account.settings(one), account.settings(twin)
            where = f"night {number}: died before call {turn} of {place}, then: {damage.name}"
            assert figures(mine) == figures(theirs) != [], where
            assert landed(mine) == landed(theirs), where
            # The folder that builds spill into stays; nothing is in it.
            left = (mine.warehouse_dir / "building").rglob("*")
            assert {path.name for path in left} <= {"spill"}, where
            names = {path.name for path in mine.landing_dir.rglob("*") if path.is_file()}
            assert not [name for name in names if "left" in name or "partial" in name], where
    assert deaths >= NIGHTS - 1
    with open_state(mine.state_file) as state:
        outcomes = [row["outcome"] for row in state.rows("select outcome from runs")]
    assert set(outcomes) <= {"published", "interrupted"}
