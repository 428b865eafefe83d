"""How fast a pull is: beside what the limits allow, a loop over the SDK, and dlt.

    python benchmarks/pull.py                 # a tenth of the account, some three minutes
    python benchmarks/pull.py --size 1        # 1,000,000 balance transactions, 200,000 charges
    python benchmarks/pull.py --quick         # smoke test

Each line is a process of its own, against lists served with 50 ms latency and Stripe's limits of
a live account (100 requests a second, 25 on one endpoint). dlt is measured when it is installed
(`--group bench`).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from heirpay_pipelines.gateways.stripe.account import stripe_account
from heirpay_pipelines.gateways.stripe.landing_run import PullOutcome

HERE = Path(__file__).parent
KEY = "rk_live_benchmark"
LATENCY_MS = 50
AS_OF = datetime(2025, 11, 1, tzinfo=UTC)
PAGE = 100


@dataclass(frozen=True)
class Mix:
    """What is pulled (objects of each kind), under which limits of the served account."""

    name: str
    counts: dict[str, int]
    limits: str


def mixes(size: float) -> list[Mix]:
    many, some = int(1_000_000 * size), int(200_000 * size)
    four = dict.fromkeys(("balance_transaction", "charge", "payment_intent", "refund"), some * 4)
    return [
        Mix("one endpoint", {"balance_transaction": many}, "live"),
        Mix("the account", {"balance_transaction": many, "charge": some}, "live"),
        Mix("four endpoints", four, "live"),
        Mix("no limits", four, "off"),
    ]


def allowed(mix: Mix) -> float:
    """Objects a second when every endpoint is at its limit until it is done."""
    if mix.limits == "off":
        return math.inf
    seconds = max(max(mix.counts.values()) / 2_500, sum(mix.counts.values()) / 10_000)
    return sum(mix.counts.values()) / seconds


@contextmanager
def serving(mix: Mix) -> Iterator[str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    asked = [f"{kind}={count}" for kind, count in mix.counts.items()]
    command = [sys.executable, str(HERE / "served_lists.py"), str(port), str(LATENCY_MS)]
    process = subprocess.Popen([*command, mix.limits, *asked])
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                stats(base)
                break
            except OSError:
                time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait()


def stats(base: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{base}/_stats") as answer:
        found: dict[str, int] = json.load(answer)
        return found


def measure(subject: str, mix: Mix, seconds: float) -> dict[str, Any]:
    """Run one subject in a process of its own."""
    with serving(mix) as base:
        command = [sys.executable, __file__, "--child", subject, base, mix.limits, str(seconds)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found | stats(base)


def child(subject: str, base: str, limits: str, seconds: float) -> None:
    """Pull, and print objects, seconds and peak memory as JSON."""
    objects, spent = SUBJECTS[subject](base, limits, seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"objects": objects, "seconds": spent, "megabytes": peak}))


def heirpay(base: str, limits: str, seconds: float) -> tuple[int, float]:
    """The real thing: pull and land into Parquet, committed."""
    with tempfile.TemporaryDirectory() as home:
        outcome, spent = night(Path(home), base, limits, AS_OF)
        return sum(outcome.rows.values()), spent


def quiet(base: str, limits: str, seconds: float) -> tuple[int, float]:
    """The night after a first pull and a day on which nothing happened: requests and seconds."""
    with tempfile.TemporaryDirectory() as home:
        night(Path(home), base, limits, AS_OF)
        outcome, spent = night(Path(home), base, limits, AS_OF + timedelta(days=1))
        return outcome.requests, spent


def night(home: Path, base: str, limits: str, as_of: datetime) -> tuple[PullOutcome, float]:
    from heirpay_pipelines.gateways.progress import TerminalProgress
    from heirpay_pipelines.gateways.stripe.budget import LIVE, Budget
    from heirpay_pipelines.gateways.stripe.client import Client
    from heirpay_pipelines.gateways.stripe.landing_run import pull_and_land
    from heirpay_pipelines.settings import Settings

    settings = Settings(STRIPE_API_KEY=KEY, STRIPE_API_BASE=base, HEIRPAY_HOME=home)
    budget = Budget(LIVE if limits == "live" else (math.inf, math.inf))
    progress = TerminalProgress(lambda line: None)
    client = Client(KEY, base, budget)
    began = time.monotonic()
    outcome = pull_and_land(stripe_account(settings), as_of, False, progress, client)
    return outcome, time.monotonic() - began


def sdk(base: str, limits: str, seconds: float) -> tuple[int, float]:
    """The loop of Stripe's documentation, for some seconds: one page after the other."""
    import stripe

    client = stripe.StripeClient(KEY, base_addresses={"api": base})
    began, count = time.monotonic(), 0
    for _ in client.v1.balance_transactions.list({"limit": PAGE}).auto_paging_iter():
        count += 1
        if time.monotonic() > began + seconds:
            break
    return count, time.monotonic() - began


def dlt(base: str, limits: str, seconds: float) -> tuple[int, float]:
    """dlt's own paginated REST source into DuckDB, for as many pages as the SDK loop would take."""
    import dlt as library
    from dlt.sources.rest_api import rest_api_source

    pages = max(4, int(seconds * 8))
    source = rest_api_source({
        "client": {
            "base_url": f"{base}/v1/",
            "auth": {"type": "bearer", "token": KEY},
            "paginator": {
                "type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "starting_after",
            },
        },
        "resources": [{
            "name": "balance_transactions",
            "endpoint": {"path": "balance_transactions", "params": {"limit": PAGE},
                         "data_selector": "data"},
        }],
    })  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        pipeline = library.pipeline(
            "benchmark", pipelines_dir=folder, dataset_name="raw",
            destination=library.destinations.duckdb(f"{folder}/lists.duckdb"),
        )  # fmt: skip
        began = time.monotonic()
        pipeline.run(source.add_limit(pages))
        spent = time.monotonic() - began
        with pipeline.sql_client() as connection:
            rows = connection.execute_sql("select count(*) from balance_transactions")
            return int(rows[0][0]), spent


SUBJECTS = {"heirpay": heirpay, "quiet": quiet, "sdk": sdk, "dlt": dlt}


def fewest(mix: Mix) -> int:
    """The fewest requests that could read it all: full pages, and one for each empty list."""
    from heirpay_pipelines.gateways.stripe.resources import RESOURCES

    empty = len(RESOURCES) + 1 - len(mix.counts)  # the account is asked for twice
    return empty + sum(math.ceil(count / PAGE) for count in mix.counts.values())


def report(mix: Mix, found: dict[str, Any]) -> float:
    rate = found["objects"] / found["seconds"]
    refused = found.get("refused", 0) / (found["answered"] + found.get("refused", 0))
    share = f"{rate / allowed(mix):6.1%}" if math.isfinite(allowed(mix)) else "     -"
    print(
        f"{mix.name:16} {rate:8,.0f} objects/s  {share} of the limit"
        f"  {refused:5.2%} refused  {found['answered'] / fewest(mix):5.3f} x fewest requests"
        f"  {found['megabytes']:4.0f} MB peak"
    )
    return float(rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", nargs=4)
    chosen = parser.parse_args()
    if chosen.child:
        subject, base, limits, seconds = chosen.child
        child(subject, base, limits, float(seconds))
        return
    size, seconds = (0.01, 3.0) if chosen.quick else (chosen.size, 10.0)
    rates = {mix.name: report(mix, measure("heirpay", mix, seconds)) for mix in mixes(size)}
    account = replace(mixes(size)[1], limits="off")
    found = measure("quiet", account, seconds)
    print(
        f"a quiet day      {found['objects']} requests, {found['seconds']:.1f} s after that account"
    )
    one = mixes(size)[0]
    for subject in ("sdk", "dlt"):
        if subject == "dlt" and importlib.util.find_spec("dlt") is None:
            print("dlt              not installed (the dependency group `bench`)")
            continue
        found = measure(subject, one, seconds)
        rate = found["objects"] / found["seconds"]
        ratios = ", ".join(f"{ours / rate:.1f} x on {name}" for name, ours in rates.items())
        print(f"{subject:16} {rate:8,.0f} objects/s on one endpoint; the pull: {ratios}")


if __name__ == "__main__":
    main()
