"""Passes of a default fit on each problem, beside those kept in passes.json.

``python benchmarks/passes.py`` compares, and exits with 1 if the total grew by more than 10 % or a
fit that ended by ``tol`` no longer does; ``--write`` keeps the numbers. Passes are counted, not
timed, so a busy machine gives the same numbers. The problems are the benchmark's and those that no
constant was chosen on; ``SKLEARN_GD_LOGREG_DATA`` names a folder of real data, and a problem whose
data are absent, here or when the file was written, is left out.
"""

import argparse
import json
import re
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from problems import REAL, loaded, of_group, short_problems

from sklearn_gd_logreg import GDLogisticRegression

KEPT = Path(__file__).parent / "passes.json"
MOST_GROWTH = 1.10  # of the total of passes
WORTH_A_LINE = 0.05  # change of the passes of a problem

Fits = Mapping[str, dict[str, Any] | None]  # by title; None: the data were absent


def default_fit(data: list[Any], options: dict[str, Any]) -> GDLogisticRegression:
    with warnings.catch_warnings(action="ignore"):  # the reason of the end says the same
        return GDLogisticRegression(**options).fit(*data)


def measure(data: list[Any], options: dict[str, Any]) -> dict[str, Any]:
    model = default_fit(data, options)
    return {
        "iterations": model.n_iter_,
        "passes": round(float(model.history_["passes"][-1]), 4),
        "cost": float(model.history_["cost"][-1]),
        "end": model.stop_reason_,
    }


def compare(before: Fits, now: Fits) -> tuple[list[str], bool]:
    """What changed, line by line, and whether that is allowed."""
    known = {title: (before[title], one) for title, one in now.items() if before.get(title) and one}
    if not known:
        return ["No problem is in both."], False
    lines, lost = [], []
    ratios = {title: new["passes"] / old["passes"] for title, (old, new) in known.items()}
    for title, (old, new) in known.items():
        rise = (new["cost"] - old["cost"]) / abs(old["cost"])
        ended = old["end"] == "tol" and new["end"] != "tol"
        lost += [title] * ended
        if abs(ratios[title] - 1) > WORTH_A_LINE or ended:
            end = f"  {old['end']} → {new['end']}" * (old["end"] != new["end"])
            lines.append(
                f"{title:<36}{old['passes']:>9.2f} → {new['passes']:>8.2f}  × {ratios[title]:<6.3g}"
                f"iterations {old['iterations']:>3} → {new['iterations']:<3}  cost {rise:+.0e}{end}"
            )
    left_out = sorted({*before, *now} - known.keys())
    total_before, total = (sum(pair[i]["passes"] for pair in known.values()) for i in (0, 1))
    worst, best = max(ratios, key=ratios.get), min(ratios, key=ratios.get)
    mean = float(np.exp(np.mean(np.log(list(ratios.values())))))
    lines.append(
        f"{len(known)} problems, {total_before:.1f} → {total:.1f} passes, × "
        f"{total / total_before:.3f}; geometric mean × {mean:.3f}, "
        f"worst × {ratios[worst]:.3g} ({worst}), best × {ratios[best]:.3g} ({best})"
    )
    for what, titles in (("no longer ended by tol", lost), ("left out", left_out)):
        lines += [f"{what}: {', '.join(titles)}"] if titles else []
    return lines, total <= MOST_GROWTH * total_before and not lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("titles", nargs="?", default="", metavar="REGEX", help="only such titles")
    parser.add_argument("--write", action="store_true", help="keep the numbers in passes.json")
    options = parser.parse_args()
    before: Fits = json.loads(KEPT.read_text())
    problems = short_problems(options.titles)
    now = {problem.title: measure(*rest) for problem, *rest in loaded(problems)}
    if options.write:
        absent = {p.title: None for p in of_group(REAL) if not p.limit}
        kept = absent | (dict(before) if options.titles else {}) | now
        rows = (f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(kept[k])}" for k in kept)
        KEPT.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
        return 0
    before = {title: one for title, one in before.items() if re.search(options.titles, title)}
    lines, allowed = compare(before, now)
    print("\n".join(lines))
    return 0 if allowed else 1


if __name__ == "__main__":
    sys.exit(main())
