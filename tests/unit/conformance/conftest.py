"""Makes the guests on trial importable by name, here and in processes that the checks start."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _guests_are_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
