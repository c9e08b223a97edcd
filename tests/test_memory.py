import platform
import subprocess
import sys

import pytest

WORK = """
import resource
import numpy as np
from skebm import BinaryRBM
X = np.random.default_rng(0).random((700, 784)) < 0.3
rbm = BinaryRBM(16, solver="sgd", max_iter=20, random_state=0)

def n_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    for _ in range(10):
        arrays = [np.ones(2**18, np.float32) for _ in range(8)]

rbm.{call}
work()
before = n_faults()
work()
print(n_faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc alone")
@pytest.mark.parametrize("call", ["fit(X)", "partial_fit(X)"])
def test_freed_memory_is_taken_again(call):
    """Eight arrays of a mebibyte, ten times, are 20480 pages otherwise."""
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", WORK.format(call=call)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(run.stdout) < 256
