"""The command line as a person calls it, in this process: what it says and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from heirpay_pipelines.cli import main


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    said: str

    @property
    def lines(self) -> list[str]:
        """What was said on stderr, without empty lines."""
        return [line for line in self.said.splitlines() if line.strip()]


Heirpay = Callable[..., Ended]


def heirpay_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Heirpay:
    def call(*arguments: str, **environment: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["heirpay", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        out, said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, said)

    return call
