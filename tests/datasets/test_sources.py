import numpy as np
import pytest
from scipy import stats
from statistical import assert_mean_is

from skebm.datasets import make_laplace_sources

MIXING = np.array([[2.0, -1.0, 0.3], [0.0, 0.5, 1.0], [1.0, 1.0, -2.0]])


def test_the_default_is_two_mixed_sources():
    dataset = make_laplace_sources(random_state=0)
    assert dataset.data.shape == (100, 2)
    mixed = dataset.sources @ [[1, 0.5], [0.3, 1]]
    np.testing.assert_array_equal(dataset.data, mixed)
    assert round(dataset.entropy, 4) == 3.2238
    assert isinstance(dataset.entropy, float)


def test_sources_are_laplace_and_independent():
    sources = make_laplace_sources(5000, mixing=MIXING, random_state=0).sources
    for column in sources.T:
        assert stats.kstest(column, stats.laplace.cdf).pvalue > 1e-4
    signs = np.sign(sources)[:, :, np.newaxis] * np.sign(sources)[:, np.newaxis]
    sizes = np.abs(sources)[:, :, np.newaxis] * np.abs(sources)[:, np.newaxis]
    one, other = np.triu_indices(3, 1)
    assert_mean_is(np.zeros(3), signs[:, one, other])
    assert_mean_is(np.ones(3), sizes[:, one, other])


def test_log_likelihood_is_the_density_of_the_mixtures():
    dataset = make_laplace_sources(200, mixing=MIXING, random_state=0)
    unmixed = np.linalg.solve(MIXING.T, dataset.data.T).T
    density = stats.laplace.pdf(unmixed).prod(axis=1) / abs(np.linalg.det(MIXING))
    np.testing.assert_allclose(dataset.log_likelihood, np.log(density), rtol=1e-10)


def test_the_density_is_normalised_on_the_features():
    dataset = make_laplace_sources(100_000, random_state=0)
    box = (np.abs(dataset.data) < 0.5).all(axis=1)
    in_box = np.where(box, np.exp(-dataset.log_likelihood), 0.0)
    # The mean of 1 / p(x), of x in the box, is the area of the box.
    assert_mean_is(1.0, in_box)


def test_entropy_is_the_mean_surprise():
    dataset = make_laplace_sources(20_000, mixing=MIXING, random_state=0)
    assert_mean_is(dataset.entropy, -dataset.log_likelihood)


def test_entropy_of_unmixed_sources_is_the_sum_of_theirs():
    scales = [0.5, 3.0]
    dataset = make_laplace_sources(1, mixing=np.diag(scales), random_state=0)
    exact = sum(stats.laplace(scale=scale).entropy() for scale in scales)
    assert dataset.entropy == pytest.approx(exact, rel=1e-12)


def test_rows_depend_on_the_random_state_alone():
    first, second, other = (
        make_laplace_sources(5, random_state=seed).data for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("mixing", "message"),
    [
        ([[1.0, 2.0]], r"mixing has shape \(1, 2\)"),
        ([[1.0, 2.0], [2.0, 4.0]], "mixing cannot be inverted"),
        ([[1.0, np.nan], [0.0, 1.0]], "Input mixing contains NaN"),
        (1.0, "The 'mixing' parameter of make_laplace_sources"),
    ],
)
def test_mixing_that_is_no_invertible_matrix_is_refused(mixing, message):
    with pytest.raises(ValueError, match=message):
        make_laplace_sources(mixing=mixing)


def test_other_values_are_refused_by_name():
    with pytest.raises(ValueError, match="The 'n_samples' parameter of make_laplace"):
        make_laplace_sources(0)
