"""The process that reads bank files: it has no secrets, writes no file, and ends when a file takes
more time or memory than its size allows."""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

MEGABYTE = 2**20
BASE_SECONDS, SECONDS_A_MEGABYTE = 2, 3
BASE_MEMORY, MEMORY_A_BYTE = 160 * MEGABYTE, 20
FRAME = struct.Struct(">Q")
READ, PROPOSE = "read", "propose"
OUT_OF_MEMORY = 3


def main() -> None:
    """Answer requests (JSON lines on standard input: what to do, path, name, mapping) with frames
    of JSON on what was standard output, until input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    # Whatever a library prints or logs of a bank's line goes nowhere.
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    from heirpay_pipelines.bank.csv_proposal import propose
    from heirpay_pipelines.bank.document import documents_of
    from heirpay_pipelines.bank.wire import packed

    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _send(answers, b"")  # ready: what is imported counts for no file
    for request in sys.stdin.buffer:
        wish, path, name, mapping = json.loads(request)
        file = Path(path)
        _bound(file.stat().st_size)
        try:
            data = file.read_bytes()
            if wish == PROPOSE:
                answer = json.dumps(asdict(propose(name, data))).encode()
            else:
                answer = packed(documents_of(name, data, mapping))
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        _send(answers, answer)


def _bound(size: int) -> None:
    """Limits for a file of so many bytes, beyond what this process used already."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = BASE_SECONDS + SECONDS_A_MEGABYTE * (size // MEGABYTE)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + 1)
    _limit(resource.RLIMIT_DATA, BASE_MEMORY + MEMORY_A_BYTE * size)


def _limit(what: int, amount: int) -> None:
    """Set a soft limit; where the system knows no such limit, the parent's clock is left."""
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (amount, hard))


def _send(answers: BinaryIO, content: bytes) -> None:
    answers.write(FRAME.pack(len(content)) + content)
    answers.flush()


if __name__ == "__main__":
    main()
