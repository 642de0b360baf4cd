"""Pairwise testing: few combinations of several factors in which all pairs of values occur."""

from itertools import combinations, product


def pairwise(*factors, allowed=lambda *values: True):
    """Combinations of one value of each factor: any two values of two factors meet in one.

    A fault seldom needs more than two factors at certain values (Kuhn, Wallace and Gallo 2004). The
    combinations are chosen greedily, each has the most pairs that no earlier one has, so they are
    the same in every run. Only combinations that are ``allowed`` occur.
    """
    rows = [
        row for row in product(*map(enumerate, factors)) if allowed(*(value for _, value in row))
    ]
    pairs = [frozenset(combinations([(j, k) for j, (k, _) in enumerate(row)], 2)) for row in rows]
    missing, chosen = frozenset().union(*pairs), []
    while missing:
        best = max(range(len(rows)), key=lambda i: len(pairs[i] & missing))
        missing -= pairs[best]
        chosen.append(tuple(value for _, value in rows[best]))
    return chosen
