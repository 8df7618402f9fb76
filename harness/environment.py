"""What a result was computed with: versions and commit; recorded, never hashed."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
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
    found = {"python": platform.python_version()}
    for name in RECORDED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


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
