"""Which device this machine has; asked in a process of its own, so that the command line stays light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.errors import Misuse

PROBE = """
import json, torch
n = torch.cuda.device_count() if torch.cuda.is_available() else 0
p = torch.cuda.get_device_properties(0) if n else None
print(json.dumps([n, p.name if p else "", p.total_memory if p else 0]))
"""


@dataclass(frozen=True, kw_only=True)
class Device:
    """What jobs run on.

    Attributes
    ----------
    kind
        ``"cpu"`` or ``"cuda"``: part of every fit's address.
    name
        As the maker calls it; recorded only.
    count
        Number of CUDA devices; 0 for the CPU.
    memory_bytes
        Memory of one CUDA device, or of the machine.
    """

    kind: str
    name: str
    count: int
    memory_bytes: int


@cache
def detect(wanted: str = "auto") -> Device:
    """Return the device to run on.

    Parameters
    ----------
    wanted
        ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    Misuse
        CUDA was asked for and is not there: never a silent fall back to the CPU.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise Misuse(f'the device "{wanted}" is unknown; accepted are auto, cpu and cuda')
    if wanted != "cpu" and _driver():
        count, name, memory = _probe()
        if count:
            return Device(kind="cuda", name=name, count=count, memory_bytes=memory)
    if wanted == "cuda":
        raise Misuse(
            "--device cuda was asked for, and torch finds no CUDA device on this machine; "
            "use --device cpu, or look at harness doctor"
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Device(kind="cpu", name=_processor(), count=0, memory_bytes=memory)


def _driver() -> bool:
    """Return whether an NVIDIA driver is loaded, without importing torch."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()


def _probe() -> tuple[int, str, int]:
    found = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    try:
        count, name, memory = json.loads(found.stdout)
    except ValueError:
        return 0, "", 0
    return int(count), str(name), int(memory)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "CPU"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "CPU"
