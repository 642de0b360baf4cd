"""A pass over tensors of PyTorch beside the bandwidth of their device."""

import argparse
import os
import warnings
from time import perf_counter

os.environ["SCIPY_ARRAY_API"] = "1"  # SciPy reads it as it is imported

import sklearn
import torch

from sklearn_gd_logreg import GDLogisticRegression


def seconds(function, repetitions=5):
    """The least of some timings, after one that warms up."""
    times = []
    for _ in range(1 + repetitions):
        start = perf_counter()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return min(times[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    on_gpu = torch.cuda.is_available()
    parser.add_argument("--rows", type=int, default=10_000_000 if on_gpu else 400_000)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--device", default="cuda" if on_gpu else "cpu")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sklearn.set_config(array_api_dispatch=True)
    torch.manual_seed(0)
    X = torch.randn((options.rows, options.features), device=options.device)
    y = torch.randint(options.classes, (options.rows,), device=options.device)
    copy_of_X = torch.empty_like(X)
    copy = seconds(lambda: copy_of_X.copy_(X))
    settings = {"solver": "gd", "learning_rate": 1e-3, "tol": 0}
    few, many = (
        seconds(lambda n=n: GDLogisticRegression(max_iter=n, **settings).fit(X, y)) for n in (2, 22)
    )
    a_pass = (many - few) / 20
    share = copy / a_pass  # a copy reads X once and writes it once, and a pass reads it twice
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"{name}, {options.rows} x {options.features} float32, {options.classes} classes")
    print(f"a pass: {1e3 * a_pass:.2f} ms, {100 * share:.0f} % of the bandwidth of a copy")


if __name__ == "__main__":
    main()
