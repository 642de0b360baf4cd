"""Ours beside scikit-learn's solvers on the simulated problems of benchopt's benchmark_logreg_l2.

As ``make bench ARGS=--public``. A regular expression chooses problems, such as ``'^200 × 500'``.
"""

import sys

from problems import OUTPUT
from run import main

if __name__ == "__main__":
    results = str(OUTPUT / "simulated_l2" / "results.parquet")
    main(["--public", "--results", results, "--problems", *(sys.argv[1:] or [""])])
