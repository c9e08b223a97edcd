"""What is expected of rows, against its definition and against the likelihood."""

import numpy as np
import pytest
from mixed_tables import KINDS, random_energy, random_rows, shifted
from scipy.special import softmax

from skebm.energy.expected_rows import expect, expected_phase


@pytest.fixture(params=KINDS)
def energy(request):
    return random_energy(**KINDS[request.param])


def moved(energy, step, seed=1):
    """Move all parameters a little."""
    vector = energy.ravel()
    change = np.random.default_rng(seed).normal(size=len(vector))
    return energy.unravel(vector + step * change)


def completions(energy, row, observed):
    """List all that a row can be, but for real values: one-hot parts, with weights."""
    rows, start = [np.empty(0)], 0
    for n_levels in energy.visible.parts[0].n_levels:
        stop = start + n_levels
        own = row[start:stop][np.newaxis] if observed[start] else np.eye(n_levels)
        rows = [np.append(left, right) for left in rows for right in own]
        start = stop
    return rows


def moments_by_definition(energy, rows, observed, weights):
    """Sum over hidden configurations and levels; condition normal distributions."""
    n_real, one_hot = energy.noise.n_columns, energy.n_visible - energy.noise.n_columns
    root = np.linalg.inv(
        energy.noise.whitening
        if energy.noise.is_full
        else np.diag(energy.noise.whitening)
    )
    covariance = root @ root.T
    total = np.zeros((energy.n_hidden + 1, energy.n_visible + 1))
    squares = np.zeros((n_real, n_real))
    hidden = energy.hidden.configurations(np.arange(energy.hidden.n_configurations))
    field = hidden @ energy.weights + energy.visible_bias
    means = field[:, one_hot:] @ root.T
    for row, known, weight in zip(rows, observed, weights, strict=True):
        real, values = known[one_hot:], row[one_hot:]
        gain = covariance[:, real] @ np.linalg.inv(covariance[np.ix_(real, real)])
        spread = covariance - gain @ covariance[real]
        log_law, terms = [], []
        for own, h, mean in zip(field, hidden, means, strict=True):
            # All real values integrated: exp(|f|^2 / 2), and the density of the known.
            score = h @ energy.hidden_bias + own[one_hot:] @ own[one_hot:] / 2
            surprise = (values - mean)[real]
            inner = covariance[np.ix_(real, real)]
            score -= surprise @ np.linalg.solve(inner, surprise) / 2
            completed = mean + gain @ surprise
            for levels in completions(energy, row, known):
                log_law.append(score + levels @ own[:one_hot])
                visible = np.concatenate([levels, completed, [1]])
                terms.append((np.append(h, 1), visible, np.outer(completed, completed)))
        for share, (h, visible, outer) in zip(softmax(log_law), terms, strict=True):
            total += weight * share * np.outer(h, visible)
            squares += weight * share * (outer + spread)
    return total, squares


def test_moments_are_those_of_the_definition(energy):
    rows, observed, weights = random_rows(energy, 12)
    rows[~observed] = 77  # what stands there means nothing
    _, expected = expect(energy, rows, observed, weights)
    moments, squares = moments_by_definition(energy, rows, observed, weights)
    np.testing.assert_allclose(expected.moments, moments, rtol=0, atol=1e-10)
    found = expected.squares
    if not energy.noise.is_full:  # of which only these count
        found, squares = np.diag(found), np.diag(squares)
    np.testing.assert_allclose(found, squares, rtol=0, atol=1e-10)
    assert expected.mass == pytest.approx(1, abs=1e-12)


def test_the_score_is_that_of_what_is_observed(energy):
    rows, observed, weights = random_rows(energy)
    score, _ = expect(energy, rows, observed, weights)
    expected = weights @ energy.observed_score(rows, observed)
    assert score == pytest.approx(expected, abs=1e-10)


def test_parts_add_up(energy):
    rows, observed, weights = random_rows(energy)
    _, whole = expect(energy, rows, observed, weights)
    parts = [
        expect(energy, rows[part], observed[part], weights[part])[1]
        for part in (slice(0, 15), slice(15, None))
    ]
    for found, expected in zip(parts[0] + parts[1], whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_derivatives_are_those_of_the_likelihood(energy, missing):
    """Where the expectation was taken, at any offsets; Fisher's identity."""
    rows, observed, weights = random_rows(energy, missing=missing)
    _, expected = expect(energy, rows, observed, weights)
    for own in (energy, shifted(energy)):
        _, statistics = expected_phase(own, expected)
        _, exact = own.observed_phase(rows, observed, weights)
        np.testing.assert_allclose(
            statistics.ravel(), exact.ravel(), rtol=0, atol=1e-10
        )


def test_derivatives_are_those_of_the_value(energy):
    """Less log Z, which offsets shift alike; also of other energies."""
    rows, observed, weights = random_rows(energy)
    _, expected = expect(energy, rows, observed, weights)
    other = moved(shifted(energy), 0.3)
    vector = other.ravel()

    def evaluate(vector):
        own = other.unravel(vector)
        value, statistics = expected_phase(own, expected)
        log_partition, negative = own.negative_phase()
        return value - log_partition, (statistics - negative).ravel()

    found = np.empty(len(vector))
    for i, step in enumerate(1e-6 * np.eye(len(vector))):
        ends = [evaluate(vector + sign * step)[0] for sign in (1, -1)]
        found[i] = (ends[0] - ends[1]) / 2e-6
    np.testing.assert_allclose(evaluate(vector)[1], found, rtol=0, atol=1e-6)


def test_the_value_bounds_how_the_likelihood_changes(energy):
    """Jensen's inequality, on which it rests that no iteration goes down."""
    rows, observed, weights = random_rows(energy)
    _, expected = expect(energy, rows, observed, weights)
    start = expected_phase(energy, expected)[0]
    before, _ = energy.observed_phase(rows, observed, weights)
    for seed in range(20):
        for step in (0.01, 0.3):
            other = moved(energy, step, seed)
            rise = other.observed_phase(rows, observed, weights)[0] - before
            promised = expected_phase(other, expected)[0] - start
            assert rise >= promised - 1e-12
            # Where little moves, the bound is close.
            if step == 0.01:
                assert rise - promised < 0.01


def test_offsets_change_no_value(energy):
    rows, observed, weights = random_rows(energy)
    _, expected = expect(energy, rows, observed, weights)
    for own in (energy, moved(energy, 0.2)):
        plain = expected_phase(own, expected)[0]
        assert expected_phase(shifted(own), expected)[0] == pytest.approx(
            plain, abs=1e-10
        )
