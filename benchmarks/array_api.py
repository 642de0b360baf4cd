"""Fits of tensors of PyTorch on one device, ours beside scikit-learn's: ``python array_api.py``.

Prints the seconds of each to a relative suboptimality of 1e-6, and how much of the bandwidth of the
device a pass uses: two reads of X by its time, over that of a copy of X.
"""

import argparse
import os
import warnings
from time import perf_counter

os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
import sklearn
import torch
from sklearn.linear_model import LogisticRegression

from sklearn_gd_logreg import GDLogisticRegression

LEVEL = 1e-6


def seconds(function, repetitions=5):
    """The least of some timings, after one that warms up."""
    times = []
    for _ in range(1 + repetitions):
        start = perf_counter()
        result = function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return min(times[1:]), result


def cost(X, y, model):
    """Mean loss of a model, in float64."""
    z = (X @ model.coef_[0] + model.intercept_[0]).double()
    return float(torch.nn.functional.binary_cross_entropy_with_logits(z, y.double()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--decades", type=float, default=0, help="range of the scales of X")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sklearn.set_config(array_api_dispatch=True)
    torch.manual_seed(0)
    shape = options.rows, options.features
    X = torch.randn(shape, dtype=torch.float32, device=options.device)
    noise = torch.rand(options.rows, device=options.device).logit()
    y = (X @ torch.randn(options.features, device=options.device) / 3 + noise > 0).long()
    X *= torch.logspace(0, -options.decades, options.features, device=options.device)

    def ours(tol):
        return GDLogisticRegression(C=np.inf, tol=tol).fit(X, y)

    def theirs(max_iter):
        return LogisticRegression(C=np.inf, max_iter=max_iter, tol=1e-12).fit(X, y)

    least = cost(X, y, GDLogisticRegression(C=np.inf, tol=1e-7, max_iter=50).fit(X, y))
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"{name}, {options.rows} x {options.features} float32, {options.decades} decades")
    for name, fit, settings in (
        ("ours", ours, (1e-1, 1e-2, 1e-3, 1e-4)),
        ("scikit-learn's lbfgs", theirs, (2, 4, 6, 8, 12, 16, 24, 40, 80, 200)),
    ):
        for setting in settings:
            time, model = seconds(lambda fit=fit, setting=setting: fit(setting))
            above = (cost(X, y, model) - least) / least
            if above <= LEVEL or setting == settings[-1]:
                print(f"{name}: {time:.4f} s, suboptimality {above:.1e}, setting {setting}")
                break
    other = torch.empty_like(X)
    copy, _ = seconds(lambda: other.copy_(X))
    fixed = {"solver": "gd", "learning_rate": 1e-3, "tol": 0}
    few, many = (
        seconds(lambda n=n: GDLogisticRegression(max_iter=n, **fixed).fit(X, y))[0] for n in (2, 22)
    )
    share = copy / ((many - few) / 20)  # a copy reads X once and writes it once
    print(f"a pass: {(many - few) / 20:.4f} s, {100 * share:.0f} % of the bandwidth of a copy")


if __name__ == "__main__":
    main()
