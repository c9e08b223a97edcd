"""Rows that are complete, or with short sums, or with chains, side by side."""

import numpy as np
import pytest
from incomplete import each_part, side_by_side
from statistical import assert_mean_is

from skebm.conditional.incomplete_rows import (
    draw_incomplete,
    mean_hidden,
    mean_incomplete,
    score_incomplete,
)
from skebm.sampling.random import UniformNoise

MEAN = np.full(21, 0.5)
KINDS = {"complete": slice(0, 10), "summed": slice(10, 20), "annealed": slice(20, 30)}


@pytest.fixture
def machine():
    """A machine of 21 hidden units, and the seven machines that it consists of."""
    return side_by_side()


@pytest.fixture
def known():
    """Thirty rows: ten complete, ten with at most 12 missing values, ten with more."""
    rng = np.random.default_rng(0)
    rows = rng.integers(2, size=(30, 21)).astype(float)
    observed = np.ones((30, 21), dtype=bool)
    order = np.argsort(rng.random((30, 21)), axis=1)
    for row, n_missing in enumerate(
        [0] * 10 + [12] * 5 + [3] * 5 + [13] * 5 + [21] * 5
    ):
        observed[row, order[row, :n_missing]] = False
    return np.where(observed, rows, 0.0), observed


def test_scores(machine, known):
    energy, parts = machine
    exact = sum(each_part(parts, lambda e, *own: e.observed_score(*own), *known))
    score, std = score_incomplete(energy, *known, MEAN, 0)
    for kind in "complete", "summed":
        np.testing.assert_allclose(score[KINDS[kind]], exact[KINDS[kind]], atol=1e-10)
        assert not std[KINDS[kind]].any()
    annealed = KINDS["annealed"]
    assert (std[annealed] > 0).all()
    assert std.max() < 0.2
    assert np.abs((score - exact)[annealed] / std[annealed]).max() < 5


@pytest.mark.parametrize("kind", KINDS)
def test_scores_do_not_depend_on_other_rows(machine, known, kind):
    energy, _ = machine
    whole = np.array(score_incomplete(energy, *known, MEAN, 0))
    for row in range(KINDS[kind].start, KINDS[kind].stop, 3):
        own = (table[[row]] for table in known)
        alone = np.array(score_incomplete(energy, *own, MEAN, 0))[:, 0]
        atol = 0.0 if kind == "annealed" else 1e-12
        np.testing.assert_allclose(alone, whole[:, row], rtol=0, atol=atol)


def test_means(machine, known):
    energy, parts = machine
    rows, observed = known
    exact = np.hstack(each_part(parts, lambda e, *own: e.mean_missing(*own), *known))
    results = [mean_incomplete(energy, *known, MEAN, seed) for seed in range(40)]
    for mean in results:
        np.testing.assert_array_equal(mean[observed], rows[observed])
        np.testing.assert_allclose(mean[:20], exact[:20], rtol=0, atol=1e-10)
    free = ~observed[20:]
    averages = np.array(results)[:, 20:]
    assert_mean_is(exact[20:][free], averages[:, free])
    assert np.abs(averages[0] - exact[20:]).max() < 0.35


def test_means_of_hidden_units(machine, known):
    energy, parts = machine
    exact = np.hstack(
        each_part(parts, lambda e, *own: e.observed_hidden_mean(*own), *known)
    )
    results = [mean_hidden(energy, *known, MEAN, seed) for seed in range(40)]
    for mean in results:
        np.testing.assert_allclose(mean[:20], exact[:20], rtol=0, atol=1e-10)
    averages = np.array(results)[:, 20:]
    # Those of which all visible units are known hardly vary.
    varies = averages.std(axis=0) > 1e-6
    np.testing.assert_allclose(averages[0][~varies], exact[20:][~varies], atol=1e-5)
    assert_mean_is(exact[20:][varies], averages[:, varies])


def test_draws(machine, known):
    energy, parts = machine
    exact = np.hstack(each_part(parts, lambda e, *own: e.mean_missing(*own), *known))
    noise = UniformNoise(np.random.default_rng(1), np.float32)
    times = 400
    rows, observed = (np.repeat(table, times, axis=0) for table in known)
    drawn = draw_incomplete(energy, rows, observed, MEAN, noise, 60)
    assert drawn.dtype == np.float64
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_array_equal(drawn[observed], rows[observed])
    drawn = drawn.reshape(30, times, 21)
    for row in range(10, 30):
        free = ~known[1][row]
        found = drawn[row][:, free]
        always = found.std(axis=0) == 0
        # 400 draws that agree are those of a mean less than a hundredth from them.
        assert np.abs(exact[row, free][always] - found[0, always]).max(initial=0) < 0.03
        assert_mean_is(exact[row, free][~always], found[:, ~always], n_errors=6)
