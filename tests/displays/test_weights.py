import numpy as np
import pytest

from skebm import BinaryRBM, GaussianRBM
from skebm.displays import WeightsDisplay

WEIGHTS = np.random.default_rng(0).normal(size=(5, 6))


def rbm_of(weights):
    n_units, n_features = weights.shape
    return BinaryRBM.from_parameters(weights, np.zeros(n_features), np.zeros(n_units))


def shown_images(display):
    """Cut what is drawn at its gaps, row by row."""
    drawn = np.ma.filled(display.image_.get_array(), np.nan)
    height, width = display.image_shape
    return [
        drawn[top : top + height, left : left + width]
        for top in range(0, drawn.shape[0], height + 1)
        for left in range(0, drawn.shape[1], width + 1)
    ]


@pytest.mark.parametrize("image_shape", [(2, 3), (3, 2), (1, 6), (6, 1)])
def test_images_are_the_weights_in_order(image_shape):
    display = WeightsDisplay.from_estimator(rbm_of(WEIGHTS), image_shape=image_shape)
    images = shown_images(display)
    for weights, image in zip(WEIGHTS, images, strict=False):
        np.testing.assert_array_equal(image.ravel(), weights)
    assert np.isnan(images[len(WEIGHTS) :]).all()
    # Nothing but gaps beside the images.
    drawn = np.ma.filled(display.image_.get_array(), np.nan)
    assert np.isfinite(drawn).sum() == WEIGHTS.size
    np.testing.assert_array_equal(display.units, np.arange(5))


@pytest.mark.parametrize(
    ("n_units", "shape"), [(1, (8, 8)), (30, (44, 53)), (64, (71, 71))]
)
def test_images_fill_a_rectangle_as_well_as_they_can(n_units, shape):
    display = WeightsDisplay(weights=np.ones((n_units, 64))).plot()
    assert display.image_.get_array().shape == shape


def test_a_number_of_units_is_those_with_the_largest_weights():
    display = WeightsDisplay.from_estimator(
        rbm_of(WEIGHTS), image_shape=(2, 3), units=3
    )
    norms = np.linalg.norm(WEIGHTS, axis=1)
    np.testing.assert_array_equal(display.units, np.argsort(norms)[:1:-1])
    np.testing.assert_array_equal(display.weights, WEIGHTS[display.units])


def test_units_that_are_named_are_shown_in_that_order():
    display = WeightsDisplay.from_estimator(
        rbm_of(WEIGHTS), image_shape=(2, 3), units=[4, 0]
    )
    np.testing.assert_array_equal(display.weights, WEIGHTS[[4, 0]])
    np.testing.assert_array_equal(display.units, [4, 0])


def test_colours_are_symmetric_about_zero():
    display = WeightsDisplay(weights=[[1.0, -3.0, 0.5, 2.0]]).plot()
    assert display.image_.get_clim() == (-3, 3)
    np.testing.assert_allclose(display.image_.cmap(0.5)[:3], 1, atol=0.05)
    assert display.colorbar_.ax.get_ylabel() == "weight (nats)"


@pytest.mark.parametrize("limits", [{"vmax": 2}, {"vmin": -2}])
def test_one_end_of_the_scale_sets_the_other(limits):
    display = WeightsDisplay(weights=[[1.0, -3.0, 0.5, 2.0]]).plot(**limits)
    assert display.image_.get_clim() == (-2, 2)


def test_both_ends_of_the_scale_are_taken(plt):
    display = WeightsDisplay(weights=[[1.0, -3.0, 0.5, 2.0]])
    assert display.plot(vmin=-1, vmax=5).image_.get_clim() == (-1, 5)
    norm = plt.Normalize(0, 7)
    assert display.plot(norm=norm, cmap="gray").image_.norm is norm
    assert display.image_.get_cmap().name == "gray"


def test_weights_that_are_all_zero_have_a_scale():
    assert WeightsDisplay(weights=np.zeros((2, 4))).plot().image_.get_clim() == (-1, 1)


def test_the_scale_can_be_left_out():
    display = WeightsDisplay(weights=np.eye(4)).plot(colorbar=False)
    assert display.colorbar_ is None
    assert display.figure_.axes == [display.ax_]


def test_gaussian_machines_move_the_mean():
    X = np.random.default_rng(0).normal(size=(50, 4))
    rbm = GaussianRBM(2, algorithm="pcd", max_iter=2, random_state=0).fit(X)
    display = WeightsDisplay.from_estimator(rbm)
    assert display.colorbar_.ax.get_ylabel() == "shift of the mean"
    np.testing.assert_array_equal(display.weights, rbm.components_)


@pytest.mark.parametrize("image_shape", [None, (2, 2), (3, 3)])
def test_images_must_have_a_pixel_a_feature(image_shape):
    with pytest.raises(ValueError, match=r"there are 6 features\. Pass image_shape"):
        WeightsDisplay.from_estimator(rbm_of(WEIGHTS), image_shape=image_shape)


def test_weights_must_be_a_matrix():
    with pytest.raises(ValueError, match="Expected 2D array"):
        WeightsDisplay(weights=np.zeros(4))


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (6, "units=6, but there are only 5 hidden units"),
        ([0, 5], r"integers from 0 to 4.*Got \[0 5\]"),
        ([-1], "integers from 0 to 4"),
        ([0.5], "integers from 0 to 4"),
        ([], "integers from 0 to 4"),
        (0, "The 'units' parameter of WeightsDisplay.from_estimator"),
    ],
)
def test_units_that_do_not_exist_are_refused(units, message):
    with pytest.raises(ValueError, match=message):
        WeightsDisplay.from_estimator(rbm_of(WEIGHTS), image_shape=(2, 3), units=units)
