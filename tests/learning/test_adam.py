import numpy as np
from neural_energies import neural_energy

from skebm.learning.adam import Adam


def test_steps_are_gradients_over_their_usual_size():
    """As the definition has it, without an average of gradients."""
    energy = neural_energy().astype(np.float32)
    adam, rng, square = Adam(energy), np.random.default_rng(0), 0.0
    for n_steps in range(1, 6):
        gradient = energy.unravel(rng.normal(0, 3, energy.ravel().size))
        gradient = gradient.astype(np.float32)
        step, rate = adam.step(energy, gradient, 0.01)
        square = 0.99 * square + 0.01 * gradient.ravel() ** 2
        usual = np.sqrt(square / (1 - 0.99**n_steps)) + 1e-8
        exact = 0.01 * gradient.ravel() / usual
        np.testing.assert_allclose(step.ravel(), exact, rtol=1e-5)
        assert rate == 0.01
        n_weights = energy.weights.size
        np.testing.assert_allclose(adam.scales(), 1 / usual[:n_weights], rtol=1e-5)


def test_what_is_kept_does_not_change_with_a_copy():
    energy = neural_energy().astype(np.float32)
    adam = Adam(energy)
    adam.step(energy, energy, 1.0)
    before = adam.scales()
    for other in (adam.follow_hidden(energy, None), adam.diagonal()):
        other.step(energy, 1e9 * energy, 1.0)
        np.testing.assert_array_equal(adam.scales(), before)
        assert not np.array_equal(other.scales(), before)
    assert not adam.favours_rows(10)
