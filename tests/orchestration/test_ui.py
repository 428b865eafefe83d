"""`heirpay ui` as a service manager runs it: started in the background, ended by SIGTERM."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import dagster as dg
import httpx
import pytest
from installed import KEY, Installation
from working_on import processes_of

from heirpay_pipelines.orchestration.embedded import EmbeddedAccount
from heirpay_pipelines.settings import DEFAULT_UI

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


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="counts processes in /proc")
def test_the_ui_says_where_it_is_and_leaves_nothing_behind(
    loaded: dg.Definitions, loaded_home: Path, tmp_path: Path
) -> None:
    night = Installation(tmp_path / "home", EmbeddedAccount("http://127.0.0.1:9", KEY))
    shutil.copytree(loaded_home / "dbt", night.home / "dbt")
    assert night.settings.ui_url == DEFAULT_UI
    with subprocess.Popen(
        [sys.executable, "-m", "heirpay_pipelines", "ui", "--port", "0"],
        env=night.environment | SOMEBODY_ELSES, cwd=night.home, text=True, stdout=subprocess.PIPE,
        # As a shell starts what is put into the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.readline()
        url = re.match(r"http://127\.0\.0\.1:\d+", said)
        assert url, said
        deadline = time.monotonic() + 120
        while not answers(url[0]) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
        assert answers(url[0])
        assert night.settings.ui_url == url[0]
        _only_the_link_lets_in(url[0], said.split()[0])
        _children_have_nothing_else(night.home)
        assert len(processes_of(night.home)) >= 3  # itself, the webserver, the daemon
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert processes_of(night.home) == []
    assert night.settings.ui_url == DEFAULT_UI
