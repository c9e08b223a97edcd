import numpy as np
import pandas as pd
import pytest
from oracle import RBMOracle, random_rbm
from scipy import sparse
from sklearn.exceptions import DataConversionWarning
from statistical import assert_mean_is

from skebm import BinaryRBM, GaussianRBM
from skebm.datasets import make_bars_and_stripes
from skebm.displays import EnergyHistogramDisplay

X = make_bars_and_stripes(400, random_state=0).data
RBM = BinaryRBM(8, max_iter=100, random_state=0).fit(X)


def test_histograms_are_those_of_the_values():
    display = EnergyHistogramDisplay.from_estimator(RBM, X, random_state=0, bins=12)
    values = {"data": display.data, "samples": display.samples, "noise": display.noise}
    together = np.concatenate(list(values.values()))
    for name, patch in display.histograms_.items():
        density, edges, _ = patch.get_data()
        counts, expected_edges = np.histogram(
            values[name], bins=12, range=(together.min(), together.max())
        )
        np.testing.assert_allclose(edges, expected_edges, rtol=1e-12)
        np.testing.assert_allclose(
            density, counts / len(values[name]) / np.diff(edges), rtol=1e-10
        )
        assert patch.get_label() == name
    assert display.ax_.get_xlabel() == "free energy (nats)"


def test_data_are_rows_of_the_table_each_at_most_once():
    rows = np.unique(np.random.default_rng(0).integers(2, size=(200, 16)), axis=0)
    energies = np.sort(RBM.free_energy(rows))
    some = EnergyHistogramDisplay.from_estimator(
        RBM, rows, n_samples=50, random_state=0
    )
    assert len(some.data) == len(some.samples) == len(some.noise) == 50
    # Energies differ by more than products of other numbers of rows are off by.
    assert np.diff(energies).min() > 1e-8
    place = np.searchsorted(energies, some.data - 1e-9)
    np.testing.assert_allclose(energies[place], some.data, rtol=1e-12)
    assert len(set(place)) == 50
    every = EnergyHistogramDisplay.from_estimator(
        RBM, rows, n_samples=500, random_state=0
    )
    np.testing.assert_allclose(np.sort(every.data), energies, rtol=1e-12)
    assert len(every.noise) == len(rows)
    assert len(every.samples) == 500


def test_samples_have_the_mean_energy_of_the_model():
    oracle = RBMOracle(*random_rbm(3, 6, seed=1))
    rbm = BinaryRBM.from_parameters(*random_rbm(3, 6, seed=1))
    rows, _ = oracle.draw(10, np.random.default_rng(0))
    display = EnergyHistogramDisplay.from_estimator(
        rbm, rows, n_samples=2000, random_state=0
    )
    free_energy = -np.log(oracle.law * oracle.partition)
    assert_mean_is(oracle.law @ free_energy, display.samples)


def test_noise_has_the_means_of_the_data_and_no_structure():
    # By its energy a row says which of the two units are on.
    rbm = BinaryRBM.from_parameters([[0, 0]], [1, 2], [0])
    tied = np.repeat([[0, 0], [1, 1]], [300, 700], axis=0)
    display = EnergyHistogramDisplay.from_estimator(
        rbm, tied, n_samples=1000, random_state=0
    )
    neither, first, second, both = rbm.free_energy([[0, 0], [1, 0], [0, 1], [1, 1]])
    assert set(display.data) == {neither, both}
    assert_mean_is(0.3 * 0.7, (display.noise == first).astype(float))
    assert_mean_is(0.7 * 0.3, (display.noise == second).astype(float))
    # Either column has kept its values.
    assert (display.noise == first).sum() + (display.noise == both).sum() == 700
    assert (display.noise == second).sum() + (display.noise == both).sum() == 700


def test_log_likelihoods_are_those_of_the_model():
    display = EnergyHistogramDisplay.from_estimator(
        RBM, X, response_method="score_samples", random_state=0
    )
    np.testing.assert_allclose(
        np.sort(display.data), np.sort(RBM.score_samples(X)), rtol=1e-12
    )
    assert display.ax_.get_xlabel() == "log-likelihood (nats)"


def test_samples_may_be_drawn_before():
    samples = X[:7]
    display = EnergyHistogramDisplay.from_estimator(
        RBM, X, samples=samples, random_state=0
    )
    np.testing.assert_array_equal(display.samples, RBM.free_energy(samples))


@pytest.mark.parametrize(
    "container",
    [sparse.csr_array, sparse.csc_array, np.ndarray.tolist, pd.DataFrame],
)
def test_any_table_gives_the_same(container):
    dense, other = (
        EnergyHistogramDisplay.from_estimator(RBM, rows, n_samples=30, random_state=0)
        for rows in (X, container(X))
    )
    for name in "data", "samples", "noise":
        np.testing.assert_allclose(
            getattr(dense, name), getattr(other, name), rtol=1e-12
        )


def test_names_of_features_make_no_warning():
    table = pd.DataFrame(X, columns=[f"pixel {number}" for number in range(16)])
    rbm = BinaryRBM(2, max_iter=1, random_state=0).fit(table)
    display = EnergyHistogramDisplay.from_estimator(rbm, table, random_state=0)
    np.testing.assert_allclose(
        np.sort(display.data), np.sort(rbm.free_energy(table)), rtol=1e-12
    )


def test_a_threshold_is_warned_of_once():
    with pytest.warns(DataConversionWarning, match="binarize") as caught:
        EnergyHistogramDisplay.from_estimator(RBM, X * 3, random_state=0)
    assert len(caught) == 1


def test_real_values_have_noise_of_their_own():
    rows = np.random.default_rng(0).normal(size=(100, 3)) @ np.ones((3, 3))
    rbm = GaussianRBM(2, algorithm="pcd", max_iter=5, random_state=0).fit(rows)
    display = EnergyHistogramDisplay.from_estimator(rbm, rows, random_state=0)
    assert display.noise.mean() > display.data.max()


def test_the_random_state_determines_all():
    first, second, other = (
        EnergyHistogramDisplay.from_estimator(RBM, X, n_samples=20, random_state=seed)
        for seed in (0, 0, 1)
    )
    for name in "data", "samples", "noise":
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert (getattr(first, name) != getattr(other, name)).any()


def test_what_it_is_passed_goes_to_all_three():
    values = {
        "data": np.arange(3.0),
        "samples": np.arange(4.0),
        "noise": np.arange(5.0),
    }
    display = EnergyHistogramDisplay(**values).plot(bins=[0, 2, 4], linewidth=3)
    for patch in display.histograms_.values():
        assert patch.get_linewidth() == 3
        np.testing.assert_array_equal(patch.get_data().edges, [0, 2, 4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": X[:, :3]}, "X has 3 features"),
        ({"X": X, "n_samples": 0}, "The 'n_samples' parameter"),
        ({"X": X, "response_method": "energy"}, "The 'response_method' parameter"),
        ({"X": X, "samples": X[:, :3]}, "X has 3 features"),
    ],
)
def test_other_values_are_refused(arguments, message, plt):
    with pytest.raises(ValueError, match=message):
        EnergyHistogramDisplay.from_estimator(RBM, **arguments)
    assert not plt.get_fignums()


def test_what_is_no_table_is_refused():
    with pytest.raises(TypeError, match="scalar"):
        EnergyHistogramDisplay.from_estimator(RBM, 3)
