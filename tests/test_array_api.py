"""`tests/array_api.py` in a process of its own, with the variable that SciPy asks for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import scipy

pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")

if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 14):
    pytest.skip("scikit-learn dispatches with SciPy 1.14 and later", allow_module_level=True)

ROOT = Path(__file__).parents[1]


def test_rows_in_arrays_of_other_libraries():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "-rs"]
    done = subprocess.run(
        [*command, "tests/array_api.py"],
        cwd=ROOT,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    print(done.stdout[-3000:])  # which libraries and devices were there
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
