"""What a worker process is like once it is set up."""

import subprocess
import sys

LIMITED = """
import numpy  # loaded before the worker is set up, as by what a spawned process is sent
from threadpoolctl import threadpool_info
from harness.executors.worker import _limit_threads
_limit_threads(1)
print({pool["num_threads"] for pool in threadpool_info()})
"""


def test_libraries_that_are_loaded_already_keep_to_the_threads_of_the_slot():
    """Else every worker would take all cores, and time itself out on a busy machine."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        env={"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "{1}"
