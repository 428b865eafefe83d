"""A pull that is killed again and again, at any instant, ends like one that never was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from served_account import landed, served

from heirpay_pipelines.landing.landing import Landing

KILLS = 50
PULLER = """
import os, random, signal, sys, time
from datetime import datetime
from pathlib import Path
sys.path.insert(0, {here!r})
from served_account import Account

base, home, instant, kills = sys.argv[1:]
account = Account(app=None, base=base)
rng = random.Random(7)
died = 0
for _ in range(int(kills)):
    child = os.fork()
    if child == 0:
        account.pull(Path(home), as_of=datetime.fromisoformat(instant))
        os._exit(0)
    time.sleep(rng.uniform(0.02, 0.6))
    os.kill(child, signal.SIGKILL)
    died += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
print(died)
"""


def test_kills_at_random_instants_leave_no_trace(tmp_path: Path) -> None:
    with served(days=20) as account:
        script = PULLER.format(here=str(Path(__file__).parent))
        arguments = [account.base, str(tmp_path / "one"), account.now().isoformat(), str(KILLS)]
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True
        )
        assert int(done.stdout) >= KILLS // 3
        account.pull(tmp_path / "one")
        account.pull(tmp_path / "other")
        one, other = (account.settings(tmp_path / name) for name in ("one", "other"))
        assert landed(one) == landed(other)
        landing = Landing(one.landing_dir)
        listed = {file.path for files in landing.files().values() for file in files}
        there = {str(p.relative_to(landing.root)) for p in landing.objects_dir.rglob("*.*")}
        assert there == listed
