import numpy as np
import pytest

from skebm.energy.network import ACTIVATIONS, Network

SIZES = [(2, 3), (3, 4, 2), (1, 5, 3, 2)]


def network_of(sizes, activation, seed=0):
    n_weights, n_parameters = Network.n_parameters(sizes)
    vector = np.random.default_rng(seed).normal(0, 1, n_parameters)
    assert 0 < n_weights < n_parameters
    return vector, Network.of(vector, sizes, activation)


def definition(network, rows):
    """Compute the output by the textbook, one row at a time."""
    functions = {
        "swish": lambda x: x / (1 + np.exp(-x)),
        "softplus": lambda x: np.log(1 + np.exp(x)),
        "tanh": np.tanh,
    }
    values = []
    for row in rows:
        units = row
        for weights, bias in zip(network.weights[:-1], network.biases, strict=True):
            units = functions[network.activation](weights.T @ units + bias)
        values.append(network.weights[-1] @ units)
    return np.array(values)


every = pytest.mark.parametrize(
    ("sizes", "activation"), [(s, a) for s in SIZES for a in ACTIVATIONS]
)


@every
def test_output_is_that_of_the_definition(sizes, activation):
    vector, network = network_of(sizes, activation)
    rows = np.random.default_rng(1).normal(0, 2, (6, sizes[0]))
    output = network.output(network.layers(rows))
    np.testing.assert_allclose(output, definition(network, rows), atol=1e-12)
    # Arrays are views: what changes the vector changes the network.
    vector *= 0
    assert not network.output(network.layers(rows)).any()


@every
def test_gradients_are_finite_differences(sizes, activation):
    vector, network = network_of(sizes, activation)
    rng = np.random.default_rng(2)
    rows, row_weights = rng.normal(0, 2, (6, sizes[0])), rng.uniform(0, 1, 6)
    layers = network.layers(rows)
    by_row = network.row_gradient(layers)
    by_parameter = network.parameter_gradient(layers, row_weights)
    assert by_row.shape == rows.shape
    assert by_parameter.shape == vector.shape

    def output(vector, rows):
        return definition(Network.of(vector, sizes, activation), rows)

    for column in range(sizes[0]):
        step = 1e-5 * (np.arange(sizes[0]) == column)
        slope = (output(vector, rows + step) - output(vector, rows - step)) / 2e-5
        np.testing.assert_allclose(by_row[:, column], slope, atol=1e-8)
    for number in range(len(vector)):
        step = 1e-5 * (np.arange(len(vector)) == number)
        slope = (output(vector + step, rows) - output(vector - step, rows)) / 2e-5
        assert by_parameter[number] == pytest.approx(row_weights @ slope, abs=1e-8)


@every
def test_products_of_gradients_and_changes_are_those_of_each_row(sizes, activation):
    vector, network = network_of(sizes, activation)
    rng = np.random.default_rng(3)
    rows, direction = rng.normal(0, 2, (6, sizes[0])), rng.normal(0, 1, len(vector))
    layers = network.layers(rows)
    slopes = np.array([network.parameter_gradient(layers, one) for one in np.eye(6)])
    products = network.gradient_products(layers)
    np.testing.assert_allclose(products, slopes @ slopes.T, atol=1e-10)
    change = network.change(layers, Network.of(direction, sizes, activation))
    np.testing.assert_allclose(change, slopes @ direction, atol=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_large_fields_overflow_nowhere(activation):
    field = np.array([-1e30, -1e4, 0, 1e4, 1e30], np.float32)
    values, slopes = ACTIVATIONS[activation](field)
    assert np.isfinite(values).all()
    assert ((slopes > -0.2) & (slopes < 1.2)).all()
    assert values.dtype == slopes.dtype == np.float32
