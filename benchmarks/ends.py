"""How a default fit ends on each problem of the benchmark: passes, and the bound that has to agree.

For each problem one line: iterations and passes to the end, why it ended, and the bound on
J − J* at the model over tol²/2, over tol and over J, as `fitting/fenchel_bound.py` works it out.
No time is measured, so the lines are the same on a busy machine. Run it with
``python benchmarks/ends.py [REGEX]``; ``SKLEARN_GD_LOGREG_DATA`` names a folder of real data.
"""

import re
import sys
import warnings
from math import isfinite

from problems import all_problems, loaded, unseen_problems

from sklearn_gd_logreg import GDLogisticRegression
from sklearn_gd_logreg.fitting.fenchel_bound import fenchel_gap
from sklearn_gd_logreg.inspection.fitted import objective_of
from sklearn_gd_logreg.objective import Point


def main(titles: str = "") -> None:
    head = f"{'iterations':>11}{'passes':>9}  {'reason':<9}{'/ (tol²/2)':>11}{'/ tol':>9}{'/ J':>9}"
    print(f"{'':<36}{head}")
    problems = [p for p in (*all_problems(), *unseen_problems()) if not p.large]
    problems = [p for p in problems if re.search(titles, p.title)]
    for problem, data, options in loaded(problems):
        model = GDLogisticRegression(**options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it would say is in the column of the reason
            model.fit(*data)
        line = f"{model.n_iter_:>11}{model.history_['passes'][-1]:>9.2f}  {model.stop_reason_:<9}"
        if isfinite(options["C"]):
            fitted = objective_of(model, *data)
            point = Point(fitted.objective, fitted.w)
            bound = fenchel_gap(point)
            ratios = bound / (model.tol**2 / 2), bound / model.tol, bound / point.cost
            line += f"{ratios[0]:>11.2g}{ratios[1]:>9.2g}{ratios[2]:>9.2g}"
        print(f"{problem.title:<36}{line}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
