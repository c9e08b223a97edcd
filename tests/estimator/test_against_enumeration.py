"""Binary models against all their configurations, straight from the energy."""

import numpy as np
import pytest
from models import BINARY, MODELS, every_row, random_model
from oracle import all_states
from statistical import assert_draws_from

HIDDEN = [name for name in BINARY if hasattr(MODELS[name], "n_components")]
SWEEPS = [(name, "gibbs") for name in BINARY] + [
    (name, "metropolis") for name in BINARY if name != "BinaryRBM"
]

every_binary_model = pytest.mark.parametrize("name", BINARY)
every_hidden_model = pytest.mark.parametrize("name", HIDDEN)


class Enumeration:
    """All configurations of a model of four visible units, and their energies.

    E(x, h) = -x'Vx/2 - h'Uh/2 - h'Wx - b.x - c.h, with x in the values of users.
    """

    def __init__(self, name, beta=1.0):
        self.model = random_model(name)
        self.visible = every_row(name)
        self.hidden = all_states(3 if name in HIDDEN else 0)

        def part(attribute, *shape):
            return getattr(self.model, attribute, np.zeros(shape))

        n_hidden = self.hidden.shape[1]
        x, h = self.visible, self.hidden
        between = part("couplings_", 4, 4) + part("visible_couplings_", 4, 4)
        within = part("hidden_couplings_", n_hidden, n_hidden)
        bias = part("intercept_", 4) + part("intercept_visible_", 4)
        self.energies = -(
            (np.einsum("ni,ij,nj->n", x, between, x) / 2 + x @ bias)[:, np.newaxis]
            + np.einsum("ni,ij,nj->n", h, within, h) / 2
            + h @ part("intercept_hidden_", n_hidden)
            + x @ part("components_", n_hidden, 4).T @ h.T
        )
        factors = np.exp(-beta * self.energies)
        self.log_partition = np.log(factors.sum())
        self.joint = factors / factors.sum()
        self.law = self.joint.sum(axis=1)

    def index(self, rows):
        """Find the number of each visible configuration."""
        return (rows > 0) @ (2 ** np.arange(4)[::-1])

    def draw(self, n_samples):
        rng = np.random.default_rng(0)
        return self.visible[rng.choice(len(self.law), n_samples, p=self.law)]

    def conditional(self):
        """P(x_i is what it is | the others) of each unit of each configuration."""
        flips = self.law[np.arange(16)[:, np.newaxis] ^ (2 ** np.arange(4)[::-1])]
        return self.law[:, np.newaxis] / (self.law[:, np.newaxis] + flips)


# ---- probabilities ----


@every_binary_model
def test_probabilities_and_energies(name):
    exact = Enumeration(name)
    model, X = exact.model, exact.visible
    log_law, log_conditional = np.log(exact.law), np.log(exact.conditional())
    np.testing.assert_allclose(model.score_samples(X), log_law, atol=1e-11)
    assert model.score(X) == pytest.approx(log_law.mean(), abs=1e-11)
    assert model.log_partition_ == pytest.approx(exact.log_partition, abs=1e-11)
    assert model.log_partition_std_ == 0
    assert model.log_partition_effective_sample_size_ == np.inf
    free_energy = -log_law - exact.log_partition
    np.testing.assert_allclose(model.free_energy(X), free_energy, atol=1e-11)
    conditionals = model.conditional_score_samples(X)
    np.testing.assert_allclose(conditionals, log_conditional, atol=1e-11)
    np.testing.assert_allclose(
        model.pseudo_log_likelihood(X), log_conditional.sum(axis=1), atol=1e-11
    )


@every_binary_model
def test_energy(name):
    exact = Enumeration(name)
    if name in HIDDEN:
        visible, hidden = np.unravel_index(np.arange(16 * 8), (16, 8))
        rows = exact.visible[visible], exact.hidden[hidden]
    else:
        rows = (exact.visible,)
        np.testing.assert_array_equal(
            exact.model.energy(*rows), exact.model.free_energy(*rows)
        )
    np.testing.assert_allclose(
        exact.model.energy(*rows), exact.energies.ravel(), atol=1e-12
    )


@every_hidden_model
def test_transform_and_its_inverse(name):
    exact = Enumeration(name)
    posterior = exact.joint / exact.joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        exact.model.transform(exact.visible), posterior @ exact.hidden, atol=1e-12
    )
    given_hidden = exact.joint / exact.joint.sum(axis=0)
    visible = exact.model.inverse_transform(exact.hidden)
    assert visible.dtype == np.float64
    np.testing.assert_allclose(visible, given_hidden.T @ exact.visible, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in BINARY if name not in HIDDEN])
def test_transform_without_hidden_units_gives_conditional_probabilities(name):
    exact = Enumeration(name)
    as_is = exact.conditional()
    on = np.where(exact.visible > 0, as_is, 1 - as_is)
    np.testing.assert_allclose(exact.model.transform(exact.visible), on, atol=1e-12)


@every_hidden_model
def test_hidden_values_of_the_energy_are_used_as_they_are(name):
    model, visible = random_model(name), np.ones((1, 4))
    hidden = np.eye(3)[[1]]  # which alone has no square
    ends = [model.energy(visible, value * hidden)[0] for value in (0, 1)]
    middle = model.energy(visible, 0.25 * hidden)[0]
    assert middle == pytest.approx(0.75 * ends[0] + 0.25 * ends[1], abs=1e-12)


# ---- draws ----


@every_binary_model
@pytest.mark.parametrize("temperature", [0.6, 1.0, 3.0])
@pytest.mark.parametrize("tempering", [False, True])
# Of four units each sweep is all but a restart.
@pytest.mark.filterwarnings("ignore:The rows may depend on where they started")
def test_samples_have_the_law_of_the_model(name, temperature, tempering):
    exact = Enumeration(name, beta=1 / temperature)
    X = exact.model.sample(
        4000 if tempering else 20_000,
        n_steps=60,
        temperature=temperature,
        tempering=tempering,
        random_state=0,
    )
    assert set(np.unique(X)) == set(np.unique(exact.visible))
    assert_draws_from(exact.law, exact.index(X))


@pytest.mark.parametrize(("name", "sweep"), SWEEPS)
@pytest.mark.parametrize("temperature", [0.6, 1.0, 3.0])
def test_sweeps_leave_the_law_as_it_is(name, sweep, temperature):
    """Also of rows that come without hidden units, which are drawn in between."""
    exact = Enumeration(name, beta=1 / temperature)
    X, move = exact.draw(20_000), getattr(exact.model, sweep)
    moved = move(X, n_steps=2, temperature=temperature, random_state=1)
    assert 0.1 < (moved != X).mean() < 0.9
    assert_draws_from(exact.law, exact.index(moved))


@pytest.mark.parametrize(("name", "sweep"), SWEEPS)
def test_sweeps_find_the_law_from_anywhere(name, sweep):
    exact = Enumeration(name)
    start = np.tile(exact.visible[:1], (20_000, 1))
    moved = getattr(exact.model, sweep)(start, n_steps=60, random_state=0)
    assert_draws_from(exact.law, exact.index(moved))


@pytest.mark.parametrize("name", [name for name in BINARY if name != "BinaryRBM"])
def test_metropolis_flips_more_often_than_gibbs(name):
    exact = Enumeration(name)
    X = exact.draw(5000)
    flips = [
        (move(X, random_state=0) != X).mean()
        for move in (exact.model.metropolis, exact.model.gibbs)
    ]
    # Errors of shares of 20000 units are below 0.004 each.
    assert flips[0] > flips[1] + 0.03


@every_binary_model
@pytest.mark.filterwarnings("ignore:The rows may depend on where they started")
def test_chains_start_where_they_are_told(name):
    model, X = random_model(name), every_row(name)[[3, 8, 13]]
    for tempering in False, True:
        started = model.sample(7, n_steps=0, init=X, tempering=tempering)
        np.testing.assert_array_equal(started, X[[0, 1, 2, 0, 1, 2, 0]])
    for method in "gibbs", "metropolis":
        if hasattr(model, method):
            np.testing.assert_array_equal(getattr(model, method)(X, n_steps=0), X)
