"""How a default fit ends on each problem of the benchmark: passes, and the bound that has to agree.

For each problem one line: iterations and passes to the end, why it ended, and the bound on
J − J* at the model over tol²/2, over tol and over J, as `fitting/fenchel_bound.py` works it out.
No time is measured, so the lines are the same on a busy machine. Run it with
``python benchmarks/ends.py [REGEX]``; ``SKLEARN_GD_LOGREG_DATA`` names a folder of real data.
"""

import re
import sys
from math import isfinite

from passes import default_fit
from problems import UNSEEN, all_problems, loaded, of_group

from sklearn_gd_logreg.fitting.fenchel_bound import fenchel_gap
from sklearn_gd_logreg.inspection.fitted import objective_of
from sklearn_gd_logreg.objective import Point


def main(titles: str = "") -> None:
    head = f"{'iterations':>11}{'passes':>9}  {'reason':<9}{'/ (tol²/2)':>11}{'/ tol':>9}{'/ J':>9}"
    print(f"{'':<36}{head}")
    problems = [p for p in (*all_problems(), *of_group(UNSEEN)) if not p.large]
    problems = [p for p in problems if re.search(titles, p.title)]
    for problem, data, options in loaded(problems):
        model = default_fit(data, options)
        line = f"{model.n_iter_:>11}{model.history_['passes'][-1]:>9.2f}  {model.stop_reason_:<9}"
        if isfinite(options["C"]):
            fitted = objective_of(model, *data)
            point = Point(fitted.objective, fitted.w)
            bound, tol = fenchel_gap(point), model.tol
            line += f"{2 * bound / tol**2:>11.2g}{bound / tol:>9.2g}{bound / point.cost:>9.2g}"
        print(f"{problem.title:<36}{line}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
