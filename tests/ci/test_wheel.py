"""The wheel holds all that the product needs, and runs where no checkout is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {"dbt": "heirpay_pipelines/shipped/dbt", "docs": "heirpay_pipelines/shipped/docs"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


def known_to_git(folder: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def test_it_holds_every_file_of_the_product_and_no_other(wheel: Path) -> None:
    expected = known_to_git("heirpay_pipelines") | {
        f"{inside}/{name.removeprefix(folder + '/')}"
        for folder, inside in SHIPPED.items()
        for name in known_to_git(folder)
    }
    expected.add("heirpay_pipelines/shipped/workspace.yaml")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--version",), "version"),
        (("controls", "list"), "card"),
        (("demo", "--help"), "embedded account"),
    ],
)
def test_it_runs_from_an_empty_folder(
    wheel: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    unpacked, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    code = (
        "import sys; import heirpay_pipelines as ours;"
        " assert ours.__file__.startswith(sys.argv[1]); del sys.argv[1];"
        " from heirpay_pipelines.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(unpacked), *arguments],
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin", "HOME": str(elsewhere), "PYTHONPATH": str(unpacked)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
