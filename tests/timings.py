"""Prints the ten slowest files, tests and fixtures of a run: wall time, and processor time of the
test's process and of those that it started and waited for. On a busy machine the second counts.
All of them are kept in `.cache/tests/times.csv`."""

from __future__ import annotations

import csv
import os
import time
from collections import defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

SHOWN = 10
Seconds = tuple[float, float]

_fixtures: list[tuple[str, Seconds]] = []
_calls: dict[str, list[Seconds]] = defaultdict(list)
_all_fixtures: list[tuple[str, Seconds]] = []


def clock() -> Seconds:
    """Wall and processor seconds."""
    return time.monotonic(), sum(os.times()[:4])


def since(began: Seconds) -> Seconds:
    wall, processor = clock()
    return wall - began[0], processor - began[1]


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    began = clock()
    result = yield
    if fixturedef.scope != "function":
        _fixtures.append((f"{fixturedef.baseid}::{fixturedef.argname}", since(began)))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    began = clock()
    try:
        return (yield)
    finally:
        item.stash[_OWN] = since(began)


_OWN = pytest.StashKey[Seconds]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """The report carries the times to the process that prints them."""
    report = yield
    if report.when == "call":
        report.own_seconds = item.stash.get(_OWN, None)
    report.fixture_seconds = list(_fixtures)
    _fixtures.clear()
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if own := getattr(report, "own_seconds", None):
        _calls[report.nodeid].append(tuple(own))
    _all_fixtures.extend((name, tuple(s)) for name, s in getattr(report, "fixture_seconds", ()))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or len(_calls) < SHOWN:
        return
    calls = [(name, max(found)) for name, found in _calls.items()]
    files = list(_by_file([*calls, *_all_fixtures]).items())
    every = (("files", files), ("tests", calls), ("fixtures", _all_fixtures))
    _keep(config.rootpath / ".cache" / "tests" / "times.csv", every)
    for title, times in every:
        terminalreporter.section(f"{SHOWN} slowest {title}: wall, processor")
        for name, (wall, processor) in sorted(times, key=lambda t: -t[1][1])[:SHOWN]:
            terminalreporter.write_line(f"{wall:7.1f} s {processor:7.1f} s  {name}")


def _keep(path: Path, every: Iterable[tuple[str, Iterable[tuple[str, Seconds]]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("of", "name", "wall_seconds", "processor_seconds"))
        for title, times in every:
            rows.writerows((title, name, f"{w:.2f}", f"{p:.2f}") for name, (w, p) in times)


def _by_file(times: list[tuple[str, Seconds]]) -> dict[str, Seconds]:
    """Each file with what its tests and its own fixtures took."""
    found: dict[str, Seconds] = defaultdict(lambda: (0.0, 0.0))
    for name, (wall, processor) in times:
        file = name.partition("::")[0]
        found[file] = (found[file][0] + wall, found[file][1] + processor)
    return found
