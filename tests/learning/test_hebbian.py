"""Rules of storage against their definitions, element by element."""

import numpy as np
import pytest

from skebm.learning.hebbian import RULES, hebbian, pseudoinverse, storkey

SPINS = np.random.default_rng(0).choice([-1.0, 1.0], (4, 9))
NOTHING = np.zeros((9, 9))
every_rule = pytest.mark.parametrize("rule", RULES)


def test_the_hebbian_rule_adds_products_of_pairs():
    exact = np.zeros((9, 9))
    for i in range(9):
        for j in range(9):
            if i != j:
                exact[i, j] = sum(row[i] * row[j] for row in SPINS) / 9
    np.testing.assert_allclose(hebbian(NOTHING, SPINS, SPINS), exact, atol=1e-15)


def test_storkeys_rule_is_that_of_the_paper():
    """Each row through local fields that leave out both units of a pair."""
    exact, n = np.zeros((9, 9)), 9
    for row in SPINS:
        before = exact.copy()
        for i in range(n):
            for j in range(n):
                if i == j:
                    continue
                others = [k for k in range(n) if k not in {i, j}]
                of_i = sum(before[i, k] * row[k] for k in others)
                of_j = sum(before[j, k] * row[k] for k in others)
                change = row[i] * row[j] - row[i] * of_j - of_i * row[j]
                exact[i, j] = before[i, j] + change / n
    np.testing.assert_allclose(storkey(NOTHING, SPINS, SPINS), exact, atol=1e-14)


def test_the_pseudoinverse_projects_on_what_rows_span():
    couplings = pseudoinverse(NOTHING, SPINS, SPINS)
    projection = np.linalg.pinv(SPINS) @ SPINS
    np.testing.assert_allclose(
        couplings, projection - np.diag(np.diag(projection)), atol=1e-13
    )
    # So the field of a stored row is the row, but for what a unit does to itself.
    field = SPINS @ couplings
    np.testing.assert_allclose(field, SPINS * (1 - np.diag(projection)), atol=1e-13)
    repeated = np.vstack([SPINS, SPINS[:2], -SPINS[2:3]])
    np.testing.assert_allclose(
        pseudoinverse(NOTHING, repeated, repeated), couplings, atol=1e-13
    )


def test_the_pseudoinverse_of_all_there_is_couples_nothing():
    rows = np.random.default_rng(1).choice([-1.0, 1.0], (30, 9))
    assert not pseudoinverse(NOTHING, rows, rows).any()


@every_rule
def test_couplings_are_symmetric_to_the_last_bit_without_diagonal(rule):
    couplings = RULES[rule](NOTHING, SPINS, SPINS)
    np.testing.assert_array_equal(couplings, couplings.T)
    assert not np.diag(couplings).any()
    assert couplings.any()
    assert not NOTHING.any()


@every_rule
def test_chunks_are_stored_as_all_rows_at_once(rule):
    store = RULES[rule]
    first = store(NOTHING, SPINS[:1], SPINS[:1])
    before = first.copy()
    result = store(first, SPINS[1:], SPINS)
    np.testing.assert_allclose(result, store(NOTHING, SPINS, SPINS), atol=1e-14)
    np.testing.assert_array_equal(first, before)
