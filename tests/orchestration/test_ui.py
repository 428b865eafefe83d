"""`heirpay ui` as a service manager runs it, and what Dagster's users see there: one server, on a
published night after which another one was refused. It is asked as the browser asks it, by GraphQL.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from installed import NOW, Installation
from nights import copy_home
from working_on import processes_of

from heirpay_pipelines.home import DEFAULT_UI
from heirpay_pipelines.orchestration.closing import publication
from heirpay_pipelines.orchestration.code_location import LOCATION, REPOSITORY
from heirpay_pipelines.orchestration.night import Night
from heirpay_pipelines.orchestration.scope import Graph, Scope
from heirpay_pipelines.state import open_state
from heirpay_pipelines.state.runs import open_run

SOMEBODY_ELSES = {"AWS_SECRET_ACCESS_KEY": "cloud", "GITHUB_TOKEN": "ci", "PGPASSWORD": "database"}
QUERY = {"query": "{ version }"}


def _only_the_link_lets_in(url: str, link: str) -> None:
    """Dagster's own server, behind the guard: by GET, by another name, without the token."""
    assert httpx.get(f"{url}/graphql", params=QUERY).status_code == 401
    assert httpx.post(f"{url}/graphql", json=QUERY).status_code == 403
    with httpx.Client(base_url=url, follow_redirects=True) as browser:
        page = browser.get(link)
        assert (page.status_code, page.url.query) == (200, b"")
        ours = {"origin": url, "sec-fetch-site": "same-origin"}
        answer = browser.post("/graphql", json=QUERY, headers=ours)
        assert answer.json()["data"]["version"]
        assert browser.get("/graphql", params=QUERY, headers=ours).status_code == 405
        elsewhere = {"host": f"evil.test:{page.url.port}"}
        assert browser.get("/runs", headers=elsewhere).status_code == 421


def _children_have_nothing_else(home: Path) -> None:
    """Dagster's services and code server inherit the pipeline's settings and no other secret."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"HEIRPAY_HOME={home}".encode() in environment and not command.count(b"\0ui\0"):
            assert b"STRIPE_API_KEY=" in environment
            for name in SOMEBODY_ELSES:
                assert name.encode() not in environment, command


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


MRR = dg.AssetKey(["finance", "mrr_monthly"])
ALONE = ["finance", "early_fraud_warnings"]
REFUSED_RUN = "a-night-that-was-refused"
STOPS = "balance_identity"
REPOSITORY_SELECTOR = {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY}
METADATA = """metadataEntries { label __typename
    ... on TextMetadataEntry { text } ... on PathMetadataEntry { path }
    ... on IntMetadataEntry { intValue } ... on MarkdownMetadataEntry { mdStr } }"""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass
class Ui:
    """The server of a home, and a browser that its link let in."""

    night: Installation
    url: str
    browser: httpx.Client
    said: list[str]

    def ask(self, query: str, **variables: Any) -> Any:
        ours = {"origin": self.url, "sec-fetch-site": "same-origin"}
        body = {"query": query, "variables": variables}
        answer = self.browser.post("/graphql", json=body, headers=ours, timeout=60).json()
        assert not answer.get("errors"), answer
        (found,) = answer["data"].values()
        return found

    def asset(self, path: list[str], fields: str) -> Any:
        return self.ask(
            "query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key)"
            f" {{ ... on AssetNode {{ {fields} }} }} }}",
            key={"path": path},
        )

    def newest(self, path: list[str]) -> dict[str, Any]:
        fields = f"assetMaterializations(limit: 1) {{ runId {METADATA} }}"
        (event,) = self.asset(path, fields)["assetMaterializations"]
        return shown(event) | {"runId": event["runId"]}

    def wait_for(self, run_id: str) -> dict[str, Any]:
        """The run, once it has ended."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            run = self.ask(
                "query($id: ID!) { runOrError(runId: $id) { ... on Run { runId status } } }",
                id=run_id,
            )
            if run["status"] in ENDED:
                return dict(run)
            time.sleep(1)
        raise AssertionError(f"the run {run_id} does not end")


def shown(event: dict[str, Any]) -> dict[str, Any]:
    """An event's metadata by label."""
    values = ("text", "path", "intValue", "mdStr")
    return {
        entry["label"]: next((entry[name] for name in values if name in entry), None)
        for entry in event["metadataEntries"]
    }


def refuse_a_night(night: Installation) -> None:
    """The night after the published one: the same results, but one blocking control fails."""
    with open_state(night.settings.state_file) as state:
        open_run(state, REFUSED_RUN, datetime.fromisoformat(NOW).astimezone(UTC))
        rows = state.rows("select * from control_results")
        for row in rows:
            fails = f".{STOPS.upper()}." in row["control_id"]
            changed = row | {"run_id": REFUSED_RUN} | ({"status": "fail"} if fails else {})
            state.connection.execute(
                f"insert into control_results ({', '.join(changed)})"
                f" values ({', '.join('?' * len(changed))})",
                tuple(changed.values()),
            )
    scope = Scope(graph=Graph({MRR: "mrr_monthly"}, frozenset(), {}, frozenset(), frozenset()))
    refused = Night(night.settings, REFUSED_RUN, scope=scope)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(night.settings.dagster_home))
        with dg.DagsterInstance.get() as instance:
            assert dg.materialize(
                [publication], resources={"night": refused}, instance=instance
            ).success


@pytest.fixture(scope="module")
def ui(published: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    night = Installation(tmp_path_factory.mktemp("ui") / "home", published.account)
    copy_home(published.home, night.home)
    refuse_a_night(night)
    assert night.settings.ui_url == DEFAULT_UI
    switched = night.heirpay("schedule", "on")
    assert switched.stdout.startswith("on "), switched.stderr
    with subprocess.Popen(
        [sys.executable, "-m", "heirpay_pipelines", "ui", "--port", "0"],
        env=night.environment | SOMEBODY_ELSES, cwd=night.home, text=True, stdout=subprocess.PIPE,
        # As a shell starts what is put into the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = [process.stdout.readline(), process.stdout.readline()]
        url = re.match(r"http://127\.0\.0\.1:\d+", said[0])
        assert url, said
        deadline = time.monotonic() + 120
        while not answers(url[0]) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
        with httpx.Client(base_url=url[0], follow_redirects=True) as browser:
            assert browser.get(said[0].split()[0]).status_code == 200
            yield Ui(night, url[0], browser, said)
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert processes_of(night.home) == []
    assert night.settings.ui_url == DEFAULT_UI


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="counts processes in /proc")
def test_the_ui_says_where_it_is_and_lets_in_whoever_opened_its_link(ui: Ui) -> None:
    assert answers(ui.url)
    assert ui.night.settings.ui_url == ui.url
    _only_the_link_lets_in(ui.url, ui.said[0].split()[0])
    _children_have_nothing_else(ui.night.home)
    assert len(processes_of(ui.night.home)) >= 3  # itself, the webserver, the daemon
    figures = ui.said[1].split()[-1]
    assert "/asset-groups/published_figures" in figures
    assert ui.browser.get(figures).status_code == 200


def test_a_run_of_the_command_line_is_on_the_timeline_and_told_apart_by_its_tags(ui: Ui) -> None:
    runs = ui.ask(
        'query { runsOrError(filter: {pipelineName: "nightly"}) { ... on Runs { results {'
        " runId tags { key value } repositoryOrigin { repositoryLocationName repositoryName }"
        " } } } }"
    )["results"]
    (run,) = runs
    assert run["repositoryOrigin"] == REPOSITORY_SELECTOR
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert datetime.fromisoformat(tags["as_of"]) == datetime.fromisoformat(NOW)
    assert tags["outcome"] == "published"
    assert "controls" not in tags


def test_after_a_refused_night_the_catalog_shows_the_published_figures_and_who_refused(
    ui: Ui,
) -> None:
    (run,) = ui.night.rows("select run_id from operations.run_history where is_published")
    figures = ui.newest(MRR.path)
    assert figures["run"] == run[0]
    assert str(figures["published"]).startswith("yes, by an earlier run")
    assert datetime.fromisoformat(figures["as of"]) == datetime.fromisoformat(NOW)
    assert "chart" in figures
    (counted,) = ui.night.rows("select count(*) from finance.mrr_monthly")
    assert figures["dagster/row_count"] == counted[0]
    read = ["publish", "publication"]
    assert ui.newest(read)["run"] == run[0]
    fields = f"assetObservations(limit: 1) {{ description {METADATA} }}"
    (refusal,) = ui.asset(read, fields)["assetObservations"]
    assert refusal["description"].startswith("Refused: 1 blocking control did not pass")
    assert shown(refusal)["blocking controls"] == STOPS
    assert STOPS in str(shown(refusal)["what to do"])


def test_a_mart_is_materialised_alone_and_never_published(ui: Ui) -> None:
    before = ui.night.settings.warehouse.stat()
    key = {"path": ALONE}
    started = ui.ask(
        "mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params)"
        " { __typename ... on LaunchRunSuccess { run { runId } }"
        " ... on PythonError { message } } }",
        params={
            "selector": REPOSITORY_SELECTOR
            | {"pipelineName": "__ASSET_JOB", "assetSelection": [key], "assetCheckSelection": []},
            "runConfigData": {},
            "mode": "default",
        },
    )
    assert started["__typename"] == "LaunchRunSuccess", started
    run = ui.wait_for(started["run"]["runId"])
    assert run["status"] == "SUCCESS"
    found = ui.newest(ALONE)
    assert found["runId"] == run["runId"]
    assert found["published"] == "no"
    assert Path(str(found["build"])).is_file()
    after = ui.night.settings.warehouse.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_past_nights_are_partitions_and_a_date_without_one_names_those_there_are(ui: Ui) -> None:
    path = ["nights", "warehouse"]
    keys = ui.asset(path, "partitionKeys isMaterializable")
    assert keys["isMaterializable"]
    assert keys["partitionKeys"][0] == "2026-11-01"
    started = ui.ask(
        "mutation($params: LaunchBackfillParams!) {"
        " launchPartitionBackfill(backfillParams: $params) { __typename"
        " ... on LaunchBackfillSuccess { backfillId }"
        " ... on PythonError { message } } }",
        params={"assetSelection": [{"path": path}], "partitionNames": ["2026-11-02"]},
    )
    assert started["__typename"] == "LaunchBackfillSuccess", started
    deadline, runs = time.monotonic() + 200, []
    while not runs and time.monotonic() < deadline:
        time.sleep(1)
        runs = ui.ask(
            "query($filter: RunsFilter!) { runsOrError(filter: $filter)"
            " { ... on Runs { results { runId } } } }",
            filter={"tags": [{"key": "dagster/backfill", "value": started["backfillId"]}]},
        )["results"]
    run = ui.wait_for(runs[0]["runId"])
    assert run["status"] == "FAILURE"
    events = ui.ask(
        "query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {"
        " ... on ExecutionStepFailureEvent { error { message } } } } } }",
        id=run["runId"],
    )["events"]
    said = " ".join(e["error"]["message"] for e in events if e.get("error"))
    assert "No night was landed on 2026-11-02. Landed: 2026-11-01" in said


def test_the_schedule_is_on_in_the_ui_once_one_command_switched_it_on(ui: Ui) -> None:
    schedule = ui.ask(
        "query($selector: ScheduleSelector!) { scheduleOrError(scheduleSelector: $selector)"
        " { ... on Schedule { scheduleState { status } } } }",
        selector=REPOSITORY_SELECTOR | {"scheduleName": "nightly"},
    )
    assert schedule["scheduleState"]["status"] == "RUNNING"
    assert ui.night.heirpay("schedule").stdout.startswith("on ")


def test_the_report_opens_from_the_server_and_only_for_whoever_was_let_in(ui: Ui) -> None:
    page = ui.browser.get("/heirpay/reports/2026-11-01/report.html")
    assert page.status_code == 200
    assert "<html" in page.text
    assert page.headers["content-security-policy"].startswith("sandbox")
    assert ui.browser.get("/heirpay/reports/2026-11-01/finance.xlsx").status_code == 200
    for name in ("..%2fstate%2fheirpay.sqlite", "..%2f..%2fstate%2fui.token", "2026-11-01", "none"):
        assert ui.browser.get(f"/heirpay/reports/{name}").status_code == 404, name
    assert httpx.get(f"{ui.url}/heirpay/reports/2026-11-01/report.html").status_code == 401
