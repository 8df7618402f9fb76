"""Fixtures shared by all tests."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

# Toy networks are faster on one thread than on several, many times so on a busy machine. Set before any
# library that reads it is imported, and handed on to the processes that tests start.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with published figures and real data sets, which is not part of the project."""
    folder = Path(os.environ.get("HARNESS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(
            f'the folder of published figures and real data is absent ("{folder}"); set HARNESS_SHARED'
        )
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Install a package of ``tests/fixtures`` into a folder of its own: ``installed("stranger") -> Path``.

    A process that has the folder on PYTHONPATH has the package and its entry points; the environment that
    runs the tests does not.
    """

    @cache
    def install(name: str) -> Path:
        place = tmp_path_factory.mktemp(name)
        source = shutil.copytree(ROOT / "tests" / "fixtures" / name, place / "source")
        pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index"]
        options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--target", str(place / "site")]
        subprocess.run([*pip, *options, str(source)], check=True)
        return place / "site"

    return install
