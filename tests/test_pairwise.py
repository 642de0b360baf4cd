"""The combinations of pairwise tests: all pairs, few combinations, the same every time."""

from itertools import combinations, product

import pytest

from .pairwise import pairwise

FACTORS = {
    "two": ["abc", [1, 2]],
    "three": ["abcdefghi", range(5), range(5)],
    "of two values": [[True, False]] * 6,
    "of many sizes": ["abcdefg", "abc", "abc", "ab", "ab"],
    "with a factor of one value": ["abc", [None], "ab"],
    "unhashable": [[{}, {"C": 1.0}], [[1], [2]], "ab"],
}


def pairs_of(rows):
    return {repr(pair) for row in rows for pair in combinations(enumerate(row), 2)}


@pytest.mark.parametrize("name", FACTORS)
def test_all_pairs_occur_in_few_combinations(name):
    factors = FACTORS[name]
    rows, everything = pairwise(*factors), list(product(*factors))
    assert pairs_of(rows) == pairs_of(everything)
    assert len(set(map(repr, rows))) == len(rows)
    largest, second = sorted(map(len, factors))[:-3:-1]
    assert largest * second <= len(rows) <= min(len(everything), 1.5 * largest * second + 4)
    assert rows == pairwise(*factors)


def test_only_what_is_allowed_occurs():
    def allowed(a, b, c):
        return (a, b) != (0, 0) and a + b + c < 7

    rows = pairwise(range(3), range(4), range(4), allowed=allowed)
    assert all(allowed(*row) for row in rows)
    possible = [row for row in product(range(3), range(4), range(4)) if allowed(*row)]
    assert pairs_of(rows) == pairs_of(possible)
