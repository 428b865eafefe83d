"""Child processes that end when their parent does, however it ends.

A parent that is killed (kill -9, out of memory) cannot end its children. So the child asks the
kernel for a signal at its parent's death, and looks itself, too, where the kernel gives none.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

PARENT = "DBT_PARENT"
"""Environment variable with the `parent_token` of the run that starts dbt."""
LOOK_SECONDS = 0.5
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def with_parent(module: str, *arguments: str, number: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line that runs a Python module as a child of this process: at this one's end it
    gets the signal `number`."""
    # -P: what lies in the working folder is none of our modules.
    own = [sys.executable, "-P", "-m", __name__, parent_token(), str(int(number))]
    return [*own, module, *arguments]


def parent_token() -> str:
    """What a child is told of this process: its id, and whether the kernel can tell its death. The
    kernel tells that of the thread that starts the child: only the main thread lives as long."""
    is_main = threading.current_thread() is threading.main_thread()
    return f"{os.getpid()}:{int(is_main)}"


def end_with(token: str, number: signal.Signals = signal.SIGKILL) -> None:
    """Send this process `number` when the process of the token, which started it, has ended."""
    pid, _, told = token.partition(":")
    parent = int(pid)
    if sys.platform == "linux" and told == "1":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), number)
    threading.Thread(target=_look, args=(parent, number), daemon=True).start()


def _look(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), number)


def dbt() -> None:
    """The program `heirpay-dbt`: dbt, which ends with the run that started it."""
    if given := os.environ.get(PARENT):
        end_with(given)
    from dbt.cli.main import cli

    cli()


def main() -> None:
    """`python -m heirpay_pipelines.host.with_parent TOKEN SIGNAL MODULE ARGUMENT…`."""
    parent, number, module, *arguments = sys.argv[1:]
    end_with(parent, signal.Signals(int(number)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
