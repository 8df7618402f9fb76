"""What a result was computed with: versions and commit; recorded, never hashed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

RECORDED = (
    "scfm-harness",
    "anndata",
    "jax",
    "numpy",
    "scanpy",
    "scib-metrics",
    "scikit-learn",
    "scipy",
    "torch",
)


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that results may depend on."""
    return dict(_library_versions())


@cache
def _library_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in RECORDED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def process_name() -> str:
    """Return a name of this process among all that may share a store: ``<machine>-<pid>``."""
    return f"{machine()}-{os.getpid()}"


@cache
def machine() -> str:
    """Return a short name of what this process's number is unique in: a machine, or a container on one."""
    space = ""
    with suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def of_harness() -> dict[str, str]:
    """Return our own version, and the commit where we run from a checkout."""
    return {"version": importlib.metadata.version("scfm-harness"), "commit": _commit()}


def _commit() -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        head = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return head.stdout.strip()
