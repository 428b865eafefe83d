"""`./heirpay` on a machine that is not as it should be: an old Python, a `.venv` of elsewhere, a
company's own certificate authority. Python and uv are stand-ins that write down what they are
asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD = """#!/bin/sh
[ "$1" = -V ] && echo "Python 3.9.2"
[ "$1" = -c ] && [ -n "$2" ] && exit 1
exit 0
"""
UV = """#!/bin/sh
echo "$* certs=$UV_SYSTEM_CERTS,$UV_NATIVE_TLS bundle=$PIP_CERT" >> "{log}"
for folder in "$@"; do :; done
if [ "$1" = venv ]; then
  [ ! -e "$folder" ] || exit 1
  mkdir -p "$folder/bin"
  ln -s "{python}" "$folder/bin/python"
  printf '#!/bin/sh\\necho started\\n' > "$folder/bin/heirpay"
  chmod +x "$folder/bin/heirpay"
fi
"""


@dataclass(frozen=True)
class Checkout:
    folder: Path
    tools: Path
    log: Path

    def heirpay(self, **environment: str) -> subprocess.CompletedProcess[str]:
        theirs = ("UV_", "PIP_", "SSL_", "REQUESTS_", "CURL_")
        known = {k: v for k, v in os.environ.items() if not k.startswith(theirs)}
        path = {"PATH": f"{self.tools}:{known['PATH']}", "PYTHON": sys.executable}
        return subprocess.run(
            ["./heirpay", "--version"],
            env=known | path | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.is_file() else []


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, tools, log = tmp_path / "checkout", tmp_path / "tools", tmp_path / "log"
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy2(ROOT / "pyproject.toml", folder)
    program(folder / "heirpay", (ROOT / "heirpay").read_text())
    program(tools / "uv", UV.format(log=log, python=sys.executable))
    return Checkout(folder, tools, log)


def test_an_old_python_is_said_before_anything_is_resolved(checkout: Checkout) -> None:
    old = program(checkout.tools / "old-python", OLD)
    done = checkout.heirpay(PYTHON=str(old))
    assert done.returncode == 2
    assert done.stderr.startswith(f"heirpay: Python 3.9.2 ({old}) is too old: 3.11 or newer")
    assert "PYTHON=" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert checkout.asked == []


def test_a_python_that_is_not_there_is_said(checkout: Checkout) -> None:
    done = checkout.heirpay(PYTHON="/nowhere/python3")
    assert (done.returncode, checkout.asked) == (2, [])
    assert "/nowhere/python3 is no Python that runs" in done.stderr


def test_what_is_installed_is_used_whatever_python_there_is(checkout: Checkout) -> None:
    assert checkout.heirpay().stdout == "started\n"
    asked = checkout.asked
    old = program(checkout.tools / "old-python", OLD)
    assert checkout.heirpay(PYTHON=str(old)).stdout == "started\n"
    assert checkout.asked == asked


@pytest.mark.parametrize("fault", ["old python", "python is gone", "moved", "half made"])
def test_a_wrong_venv_is_replaced(checkout: Checkout, fault: str) -> None:
    assert checkout.heirpay().returncode == 0
    venv = checkout.folder / ".venv"
    if fault == "moved":
        (moved := checkout.folder.with_name("moved")).parent.mkdir(exist_ok=True)
        checkout.folder.rename(moved)
        checkout = Checkout(moved, checkout.tools, checkout.log)
        venv = moved / ".venv"
    elif fault == "half made":
        shutil.rmtree(venv)
        venv.mkdir()
    else:
        (venv / "bin" / "python").unlink()
        if fault == "old python":
            program(venv / "bin" / "python", OLD)
        else:
            (venv / "bin" / "python").symlink_to("/nowhere/python3.11")
    (venv / "left").touch()
    checkout.log.unlink()
    done = checkout.heirpay()
    assert (done.returncode, done.stdout) == (0, "started\n"), done.stderr
    assert "Replacing .venv" in done.stderr
    assert not (venv / "left").exists()
    assert [line.split()[0] for line in checkout.asked] == ["venv", "pip", "pip"]


def test_the_installer_trusts_the_systems_certificates(checkout: Checkout, tmp_path: Path) -> None:
    bundle = tmp_path / "company.pem"
    bundle.touch()
    checkout.heirpay(SSL_CERT_FILE=str(bundle))
    assert checkout.asked
    assert all(f"certs=true,true bundle={bundle}" in line for line in checkout.asked)


def test_who_chose_otherwise_is_followed(checkout: Checkout, tmp_path: Path) -> None:
    checkout.heirpay(UV_SYSTEM_CERTS="false", PIP_CERT="/my/own.pem")
    assert all("certs=false,true bundle=/my/own.pem" in line for line in checkout.asked)
