"""The tests that rounding could decide, under several kernels of OpenBLAS.

OpenBLAS has a kernel for every family of processors, and each adds in an order of its own, so the
last bits of a product depend on the processor. OPENBLAS_CORETYPE chooses another kernel than that
of the processor, where the processor can run it: ``make test-kernels``, or ``python
tests/kernels.py [--others] [arguments of pytest]``. The first run has no variable of OpenBLAS at
all. With ``--others`` the kernel that ``make test`` runs with here is left out.
"""

import os
import subprocess
import sys

KERNELS = "Haswell", "Zen", "SkylakeX", "Sandybridge"
AS_HERE = "as here"

# Products of both precisions, of numpy and scipy, for a kernel that the processor does not know
# kills the process; then the kernels that have run.
PROBE = """
import numpy as np
from scipy.linalg import blas
from threadpoolctl import threadpool_info
for dtype in (np.float32, np.float64):
    A = np.full((200, 200), 0.5, dtype)
    assert (A @ A == 50).all()
    assert (blas.get_blas_funcs("gemm", [A])(1, A, A) == 50).all()
print(*{lib["architecture"] for lib in threadpool_info() if lib["internal_api"] == "openblas"})
"""


def environment(kernel: str | None) -> dict[str, str]:
    """The environment of this process with the variables of OpenBLAS replaced."""
    if kernel == AS_HERE:
        return dict(os.environ)
    others = {name: value for name, value in os.environ.items() if "OPENBLAS" not in name}
    return others | ({"OPENBLAS_CORETYPE": kernel} if kernel else {})


def runs_as(kernel: str | None) -> str:
    """The kernels that numpy and scipy use if they are asked for one."""
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, env=environment(kernel), capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def main() -> None:
    options = [argument for argument in sys.argv[1:] if argument != "--others"]
    tests = [sys.executable, "-m", "pytest", "-m", "rounding", *options]
    outcome: dict[str, int] = {}
    if "--others" in sys.argv:
        outcome[runs_as(AS_HERE)] = 0
    for kernel in (None, *KERNELS):
        asked = f"OPENBLAS_CORETYPE={kernel}" if kernel else "OPENBLAS_CORETYPE unset"
        found = runs_as(kernel)
        if kernel and not found:
            print(f"=== {asked}: not on this processor, or no OpenBLAS", flush=True)
        elif found in outcome:
            print(f"=== {asked}: runs {found}, which has been tested", flush=True)
        else:
            print(f"=== {asked}: runs {found or 'no OpenBLAS'}", flush=True)
            outcome[found] = subprocess.run(tests, env=environment(kernel)).returncode
    failed = [kernel for kernel, status in outcome.items() if status]
    print(f"=== {len(outcome) - len(failed)} of {len(outcome)} kernels passed", flush=True)
    sys.exit(f"The tests fail with {', '.join(failed)}." if failed else 0)


if __name__ == "__main__":
    main()
