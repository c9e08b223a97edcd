import numpy as np
import pytest
from sklearn.datasets import load_digits

from skebm import BinaryRBM, LatentBM
from skebm.learning.starts.layers import levels_of, weights_above


def masks_of(*sizes):
    """Give the masks of hidden layers of so many units on some visible ones."""
    n_visible, *layers = sizes
    n_hidden, starts = sum(layers), np.cumsum([0, *layers])
    component_mask = np.zeros((n_hidden, n_visible))
    component_mask[: layers[0]] = 1
    couplings = np.zeros((n_hidden, n_hidden))
    for low, middle, high in zip(starts, starts[1:], starts[2:], strict=False):
        couplings[low:middle, middle:high] = 1
    return {
        "component_mask": component_mask,
        "hidden_couplings": couplings + couplings.T,
        "visible_couplings": False,
    }


def test_levels_are_numbered_from_the_visible_units():
    masks = masks_of(4, 3, 2, 2)
    hidden, visible = masks["hidden_couplings"] > 0, masks["component_mask"] > 0
    np.testing.assert_array_equal(levels_of(hidden, visible), [0, 0, 0, 1, 1, 2, 2])
    order = [6, 3, 0, 5, 1, 2, 4]
    shuffled = levels_of(hidden[np.ix_(order, order)], visible[order])
    np.testing.assert_array_equal(shuffled, [2, 1, 0, 2, 0, 0, 1])
    assert not levels_of(~np.eye(3, dtype=bool), np.ones((3, 4), dtype=bool)).any()
    assert not levels_of(np.zeros((2, 2), dtype=bool), visible[5:]).any()


def test_new_units_take_the_direction_that_varies_too_little():
    rng = np.random.default_rng(0)
    of_model = rng.integers(2, size=(20_000, 4)).astype(float)
    of_data = of_model.copy()
    of_data[:, 1] = of_data[:, 0]  # and of 2 and 3 nothing more is to be said
    weights, mean = weights_above(of_data, of_model, np.ones((3, 4), dtype=bool), rng)
    np.testing.assert_allclose(mean, 0.5, atol=0.02)
    # The field has a deviation of 3, where units have one of 1/2 each.
    np.testing.assert_allclose(np.abs(weights[0]), [4.2, 4.2, 0, 0], atol=0.6)
    assert weights[0, 0] * weights[0, 1] > 0
    mask = np.array([[True, False, True, True]])
    weights, _ = weights_above(of_data, of_model, mask, rng)
    np.testing.assert_array_equal(weights != 0, mask)


@pytest.fixture(scope="module")
def pixels():
    return load_digits().images[:, 2:6, 2:5].reshape(-1, 12) > 7


def test_two_layers_end_above_the_first_alone(pixels):
    """Scores are exact; the first layer alone gets as many updates as both did."""
    settings = {"random_state": 0, "max_iter": 1000}
    deep = LatentBM(8, **masks_of(12, 6, 2), **settings).fit(pixels)
    settings["max_iter"] *= 2
    first = BinaryRBM(6, **settings).fit(pixels)
    flat = LatentBM(8, layerwise=False, **masks_of(12, 6, 2), **settings).fit(pixels)
    assert deep.score_is_exact_
    assert deep.log_partition_std_ == 0
    assert deep.score(pixels) > first.score(pixels) + 0.01
    assert deep.score(pixels) > flat.score(pixels) + 0.01
    assert (np.abs(deep.hidden_couplings_[6:]).max(axis=1) > 1).all()


def test_exact_learning_starts_from_layers_as_well(pixels):
    settings = {"algorithm": "exact", "alpha": 1e-4, "random_state": 0}
    deep = LatentBM(6, **masks_of(12, 4, 2), **settings).fit(pixels)
    first = BinaryRBM(4, **settings).fit(pixels)
    assert deep.score(pixels) > first.score(pixels) + 0.02


def test_three_layers_keep_their_masks_and_order():
    X = np.random.default_rng(0).integers(2, size=(60, 4))
    masks = masks_of(4, 3, 2, 2)
    order = np.array([6, 3, 0, 5, 1, 2, 4])
    masks["component_mask"] = masks["component_mask"][order]
    masks["hidden_couplings"] = masks["hidden_couplings"][np.ix_(order, order)]
    deep = LatentBM(7, max_iter=20, n_chains=20, random_state=0, **masks).fit(X)
    np.testing.assert_array_equal(deep.components_ != 0, masks["component_mask"])
    np.testing.assert_array_equal(
        deep.hidden_couplings_ != 0, masks["hidden_couplings"]
    )
    assert deep.n_iter_ == 20
    again = LatentBM(7, max_iter=20, n_chains=20, random_state=0, **masks).fit(X)
    np.testing.assert_array_equal(again.components_, deep.components_)


def test_machines_without_layers_are_learned_as_ever():
    X = np.random.default_rng(0).integers(2, size=(60, 4))
    machines = [
        LatentBM(3, max_iter=20, layerwise=layerwise, random_state=0).fit(X)
        for layerwise in (False, True)
    ]
    np.testing.assert_array_equal(*[machine.components_ for machine in machines])


def test_probabilities_and_gaps_are_passed_on():
    X = np.random.default_rng(0).random((60, 4))
    masks = masks_of(4, 3, 2)
    quick = {"max_iter": 20, "n_chains": 20, "random_state": 0}
    assert LatentBM(5, binarize=None, **masks, **quick).fit(X).n_iter_ == 20
    X = (X > 0.5).astype(float)
    X[::7, 0] = np.nan
    assert np.isfinite(LatentBM(5, **masks, **quick).fit(X).score(X[1:7]))
