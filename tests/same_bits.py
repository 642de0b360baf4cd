"""Whether this state fits as another revision does, bit by bit: ``python -m tests.same_bits``.

A table of fits, rules × penalties × problems, is hashed in both states, each in a process of its
own: coefficients, and every column of the history but the time. It serves changes of structure,
which must not change a bit; the fits that differ are printed, and the exit status is 1.
"""

import argparse
import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).parents[1]
RULES = "natural", "gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"
PENALTIES = {
    "l2": {"C": 1.0},
    "weak l2": {"C": 1e3},
    "l1": {"C": 0.5, "l1_ratio": 1.0},
    "elastic net": {"C": 0.5, "l1_ratio": 0.4},
    "none": {"C": np.inf},
}
WAYS = {
    "full batch": {},
    "backtracking": {"learning_rate": "backtracking"},
    "mini-batches": {"batch_size": 64, "random_state": 0, "max_iter": 8},
    "early stopping": {"early_stopping": True, "random_state": 0},
}


def problems():
    """X, y and weights by name: sizes and storages that lead along different paths."""
    rng = np.random.default_rng(0)
    iris, cancer, digits = (
        load(return_X_y=True) for load in (load_iris, load_breast_cancer, load_digits)
    )
    weights = rng.uniform(0, 2, len(cancer[1])) * (rng.random(len(cancer[1])) > 0.1)
    wide = rng.standard_normal((60, 3000))
    tall = rng.standard_normal((20_000, 12)) * np.logspace(-2, 2, 12)
    text = sparse.random_array((900, 2500), density=0.02, rng=rng, format="csr")
    return {
        "iris": (*iris, None),
        "cancer, weighted": (*cancer, weights),
        "cancer, standardised, float32": (
            StandardScaler().fit_transform(cancer[0]).astype(np.float32),
            cancer[1],
            None,
        ),
        "digits": (digits[0][:500], digits[1][:500], None),
        "wide": (wide, (wide[:, 0] + rng.logistic(size=60) > 0).astype(int), None),
        "tall": (tall, (tall[:, 5] + rng.logistic(size=20_000) > 0).astype(int), None),
        "text": (text, rng.integers(0, 3, 900), None),
        "repeated rows": (np.repeat(iris[0], 30, axis=0), np.repeat(iris[1], 30), None),
    }


def table():
    """A digest of every fit by its title."""
    from sklearn_gd_logreg import GDLogisticRegression

    digests = {}
    for (name, data), rule, (penalty, options), (way, others) in itertools.product(
        problems().items(), RULES, PENALTIES.items(), WAYS.items()
    ):
        model = GDLogisticRegression(solver=rule, **{"max_iter": 30} | options | others)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(*data)
        history = [column for key, column in sorted(model.history_.items()) if key != "time"]
        digest = hashlib.sha256(repr((model.stop_reason_, model.n_iter_)).encode())
        for array in (model.coef_, model.intercept_, *history):
            digest.update(np.ascontiguousarray(array).tobytes())
        digests[f"{name}, {rule}, {penalty}, {way}"] = digest.hexdigest()
    return digests


def digests_of(root):
    """The table of the sources in a folder, by the code of this file."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, str(Path(__file__)), "--print"]
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    return json.loads(result.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("revision", nargs="?", default="HEAD")
    parser.add_argument("--print", action="store_true", help="the table of this state, as JSON")
    options = parser.parse_args()
    if options.print:
        print(json.dumps(table()))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", options.revision], cwd=ROOT, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        before, now = digests_of(Path(folder)), digests_of(ROOT)
    different = [title for title in before if before[title] != now.get(title)]
    print(*different, sep="\n", end="\n" if different else "")
    print(f"{len(before) - len(different)} of {len(before)} fits are the same")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
