import inspect
import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
from containers import CONTAINERS
from models import contents
from oracle import all_states
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp, softmax
from scipy.stats import kstest, norm
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
)
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from statistical import assert_draws_from

from skebm import BoltzmannMachine, EnergyOutlierDetector, HopfieldNetwork

RULES = ["hebbian", "storkey", "pseudoinverse"]
NETWORKS = {
    **{rule: HopfieldNetwork(rule) for rule in RULES},
    "cubic": HopfieldNetwork(interaction="polynomial"),
    "quartic": HopfieldNetwork(interaction="polynomial", degree=4),
    "exponential": HopfieldNetwork(interaction="exponential", beta=0.3),
}
STATES = [(0, 1), (-1, 1)]
REAL = HopfieldNetwork(interaction="exponential", states=None)
BITS = np.random.default_rng(3).integers(2, size=(3, 5))
every_network = pytest.mark.parametrize("name", NETWORKS)
every_states = pytest.mark.parametrize("states", STATES)


def network(name, states=(0, 1), rows=BITS, **params):
    """Store bits, called as `states` says."""
    model = clone(NETWORKS[name]).set_params(states=states, **params)
    return model.set_params(binarize=states[0] / 2 + 0.25).fit(called(rows, states))


def called(bits, states):
    return bits if states == (0, 1) else 2 * bits - 1


def flipped(rows, share, seed=0):
    return rows ^ (np.random.default_rng(seed).random(rows.shape) < share)


def energies(name, spins, temperature=1.0):
    """Compute energies of spins from the definition, but for a constant.

    At a temperature a hidden unit has it as well: what this gives over the temperature
    is -log p.
    """
    memories = 2 * BITS - 1
    products, n = spins @ memories.T, memories.shape[1]
    if name == "exponential":
        return -logsumexp(0.3 / temperature * products, axis=1) * temperature
    if name in {"cubic", "quartic"}:
        degree = 3 if name == "cubic" else 4
        return -n / degree * ((products / n) ** degree).sum(axis=1)
    couplings = network(name, (-1, 1)).couplings_
    return -np.einsum("ni,ij,nj->n", spins, couplings, spins) / 2


def law_of(name, temperature):
    return softmax(-energies(name, 2 * all_states(5) - 1, temperature) / temperature)


def numbers(rows):
    """Find the number of each row in the list of all."""
    return (rows > 0) @ (2 ** np.arange(rows.shape[1])[::-1])


# ---- energies and distributions, against enumeration ----


@every_network
@every_states
def test_energies_are_those_of_the_definition(name, states):
    rows = all_states(5)
    energy = network(name, states).energy(called(rows, states))
    exact = energies(name, 2 * rows - 1)
    if states == (0, 1):  # of bits with couplings the constant is another
        energy, exact = energy - energy[0], exact - exact[0]
    np.testing.assert_allclose(energy, exact, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@every_states
def test_a_quadratic_network_is_a_boltzmann_machine(rule, states):
    memory, rows = network(rule, states), called(all_states(5), states)
    machine = BoltzmannMachine.from_parameters(
        memory.couplings_, memory.intercept_, states=states, binarize=memory.binarize
    )
    np.testing.assert_allclose(memory.energy(rows), machine.energy(rows), atol=1e-13)
    if states == (-1, 1):
        assert not memory.intercept_.any()


@every_network
@every_states
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_have_the_law_of_the_energy_at_a_temperature(name, states, temperature):
    law = law_of(name, temperature)
    drawn = network(name, states).sample(
        20_000, temperature=temperature, random_state=0
    )
    assert set(np.unique(drawn)) == set(states)
    assert_draws_from(law, numbers(drawn))


@every_network
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_sweeps_leave_the_law_as_it_is(name, temperature):
    law = law_of(name, temperature)
    start = np.random.default_rng(0).choice(32, 20_000, p=law)
    moved = network(name).gibbs(
        all_states(5)[start], n_steps=2, temperature=temperature, random_state=1
    )
    assert_draws_from(law, numbers(moved))


@every_network
def test_what_is_missing_is_drawn_given_the_rest(name):
    given = np.array([[1, 0, np.nan, np.nan, 1]])
    drawn = network(name).sample(20_000, given=given, random_state=0)
    np.testing.assert_array_equal(drawn[:, [0, 1, 4]], [[1, 0, 1]] * len(drawn))
    rows = np.repeat(given, 4, axis=0)
    rows[:, 2:4] = all_states(2)
    law = softmax(-energies(name, 2 * rows - 1))
    assert_draws_from(law, numbers(drawn[:, 2:4]))


@pytest.mark.parametrize("name", ["hebbian", "quartic", "cubic"])
def test_chains_find_all_memories_at_a_low_temperature(name):
    """Of more features than can be summed: two memories that could change places."""
    first = np.repeat([1, 0], 12)
    second = np.tile([1, 0], 12)
    memory = network(name, rows=np.stack([first, second]))
    drawn = memory.sample(400, temperature=0.3, n_steps=200, random_state=0)
    overlap = (2 * drawn - 1) @ (2 * memory.memories_ - 1).T / 24
    found = np.argmax(np.abs(overlap), axis=1)
    assert (np.abs(overlap).max(axis=1) > 0.7).mean() > 0.9
    assert abs(found.mean() - 0.5) < 4 * 0.5 / 20  # four errors of a share
    if name != "cubic":
        negative = overlap[np.arange(400), found] < 0
        assert abs(negative.mean() - 0.5) < 4 * 0.5 / 20


# ---- scores ----


@every_states
def test_scores_of_the_exponential_interaction_are_exact(states):
    rows, memory = all_states(5), network("exponential", states)
    exact = -energies("exponential", 2 * rows - 1)
    exact -= logsumexp(exact)
    X = called(rows, states)
    np.testing.assert_allclose(memory.score_samples(X), exact, atol=1e-12)
    assert memory.score(X) == pytest.approx(exact.mean(), abs=1e-12)
    assert isinstance(memory.score(X), float)
    gaps = X[::2].astype(float)
    gaps[:, 4] = np.nan  # the unit that changes fastest
    pairs = logsumexp(exact.reshape(-1, 2), axis=1)
    np.testing.assert_allclose(memory.score_samples(gaps), pairs, atol=1e-12)
    nothing = np.full((1, 5), np.nan)
    assert memory.score_samples(nothing)[0] == pytest.approx(0, abs=1e-12)


def test_real_rows_on_a_par_are_a_kernel_density():
    X = np.random.default_rng(0).normal(size=(30, 3)) + 5
    memory = clone(REAL).set_params(similarity="euclidean", beta=4.0).fit(X)
    peer = KernelDensity(bandwidth=0.5).fit(X)
    rows = X + 0.3
    np.testing.assert_allclose(
        memory.score_samples(rows), peer.score_samples(rows), atol=1e-10
    )
    gaps = rows.copy()
    gaps[:, 1] = np.nan
    margin = KernelDensity(bandwidth=0.5).fit(X[:, [0, 2]])
    np.testing.assert_allclose(
        memory.score_samples(gaps), margin.score_samples(rows[:, [0, 2]]), atol=1e-10
    )
    search = GridSearchCV(memory, {"beta": [0.01, 2.0, 1000.0]}).fit(X)
    assert search.best_params_ == {"beta": 2.0}
    outliers = EnergyOutlierDetector(memory).fit(X)
    assert outliers.predict(np.full((1, 3), 50.0))[0] == -1


def test_the_others_say_how_to_get_scores():
    for name in "hebbian", "cubic":
        memory = network(name)
        assert not hasattr(memory, "score")
        with pytest.raises(AttributeError, match="no log-likelihood in closed form"):
            memory.score_samples(BITS)


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_draws_of_real_rows_are_of_the_mixture(similarity, temperature):
    X = np.array([[-1.0], [2.0]])
    memory = clone(REAL).set_params(similarity=similarity).fit(X)
    drawn = memory.sample(4000, temperature=temperature, random_state=0)[:, 0]
    bias = X[:, 0] ** 2 / 2 / temperature if similarity == "dot" else np.zeros(2)
    shares, width = softmax(bias), np.sqrt(temperature)

    def cumulative(x):
        return shares @ norm.cdf(np.subtract.outer(X[:, 0], x) / -width)

    assert kstest(drawn, cumulative).pvalue > 1e-4
    moved = memory.gibbs(drawn[:, None], temperature=temperature, random_state=1)
    assert kstest(moved[:, 0], cumulative).pvalue > 1e-4


def test_gaps_of_real_rows_are_drawn_given_the_rest():
    X = np.array([[-1.0, 3.0], [2.0, -2.0]])
    memory = clone(REAL).set_params(similarity="euclidean").fit(X)
    given = [[0.2, np.nan]]
    drawn = memory.sample(4000, given=given, random_state=0)
    assert (drawn[:, 0] == 0.2).all()
    shares = softmax(-((0.2 - X[:, 0]) ** 2) / 2)

    def cumulative(x):
        return shares @ norm.cdf(-np.subtract.outer(X[:, 1], x))

    assert kstest(drawn[:, 1], cumulative).pvalue > 1e-4


# ---- recall ----


@every_network
@every_states
def test_stored_rows_are_recalled_from_rows_with_errors(name, states):
    rows = np.random.default_rng(0).integers(2, size=(8, 100))
    memory = network(name, states, rows, beta=1.0)
    cues = called(flipped(rows, 0.15), states)
    np.testing.assert_array_equal(memory.transform(cues), memory.memories_)
    np.testing.assert_array_equal(memory.predict(cues), np.arange(8))
    np.testing.assert_array_equal(memory.memories_, called(rows, states))


@every_network
def test_recall_is_the_same_in_either_convention(name):
    cues = np.random.default_rng(1).integers(2, size=(50, 5))
    bits = network(name).transform(cues)
    spins = network(name, (-1, 1)).transform(2 * cues - 1)
    np.testing.assert_array_equal(2 * bits - 1, spins)


@every_network
@every_states
def test_gaps_are_filled_in(name, states):
    rows = np.random.default_rng(0).integers(2, size=(6, 100))
    memory = network(name, states, rows)
    cues = called(rows, states).astype(float)
    cues[:, ::2] = np.nan
    np.testing.assert_array_equal(memory.transform(cues), memory.memories_)
    # What is observed may be wrong as well.
    cues[:, 1] = states[0]
    np.testing.assert_array_equal(memory.predict(cues), np.arange(6))


@every_network
@every_states
def test_the_energy_never_rises_in_a_sweep(name, states):
    rows = np.random.default_rng(0).integers(2, size=(10, 30))
    memory = network(name, states, rows, max_sweeps=1)
    cues = called(np.random.default_rng(1).integers(2, size=(200, 30)), states)
    for _ in range(10):
        moved = memory.transform(cues)
        assert (memory.energy(moved) <= memory.energy(cues) + 1e-12).all()
        cues = moved
    np.testing.assert_array_equal(moved, memory.transform(moved))


@pytest.mark.parametrize("update", ["asynchronous", "synchronous"])
@every_network
def test_either_update_ends_at_a_fixed_point_of_its_own(name, update):
    rows = np.random.default_rng(0).integers(2, size=(4, 60))
    memory = network(name, rows=rows, update=update, beta=1.0)
    cues = flipped(rows, 0.1)
    recalled = memory.transform(cues)
    np.testing.assert_array_equal(recalled, rows)
    np.testing.assert_array_equal(memory.transform(recalled), recalled)


@every_network
def test_auto_is_at_once_where_the_energy_cannot_rise(name):
    rows = np.random.default_rng(0).integers(2, size=(4, 12))
    cues = np.random.default_rng(1).integers(2, size=(300, 12))
    together = name in {"quartic", "exponential"}
    found = {
        update: network(name, rows=rows, update=update, max_sweeps=1).transform(cues)
        for update in ("auto", "asynchronous", "synchronous")
    }
    same = "synchronous" if together else "asynchronous"
    other = "asynchronous" if together else "synchronous"
    np.testing.assert_array_equal(found["auto"], found[same])
    assert (found["auto"] != found[other]).any()


def test_one_step_of_real_rows_is_attention():
    rng = np.random.default_rng(0)
    memories, queries = rng.normal(size=(7, 4)), rng.normal(size=(20, 4))
    memory = clone(REAL).set_params(beta=0.8, max_sweeps=1).fit(memories)
    attention = softmax(0.8 * queries @ memories.T, axis=1) @ memories
    np.testing.assert_allclose(memory.transform(queries), attention, atol=1e-13)


def test_real_rows_are_recalled_from_noise_and_gaps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 30)) + rng.normal(size=(200, 1))
    memory = clone(REAL).set_params(similarity="euclidean", beta=4.0).fit(X)
    cues = X + rng.normal(0, 0.5, X.shape)
    np.testing.assert_array_equal(memory.predict(cues), np.arange(200))
    np.testing.assert_allclose(memory.transform(cues), X, atol=1e-6)
    cues[:, :15] = np.nan
    np.testing.assert_array_equal(memory.predict(cues), np.arange(200))
    # By products rows of larger norm take over those that are like them.
    memory.set_params(similarity="dot")
    assert np.mean(memory.predict(X) == np.arange(200)) < 0.9
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    memory = clone(REAL).set_params(beta=100.0).fit(X)
    cues = X + rng.normal(0, 0.05, X.shape)
    np.testing.assert_array_equal(memory.predict(cues), np.arange(200))


def test_rows_between_memories_are_none_of_them():
    memory = clone(REAL).set_params(beta=0.01).fit([[1.0, 0.0], [0.0, 1.0]])
    assert memory.predict([[1.0, 0.0]])[0] == -1  # all become the mean
    np.testing.assert_allclose(memory.transform([[1.0, 0.0]]), [[0.5, 0.5]], atol=1e-3)
    single = clone(REAL).fit([[3.0, 4.0]])
    np.testing.assert_array_equal(single.predict([[-1.0, 0.0]]), [0])


@pytest.mark.filterwarnings("ignore:The rows that are stored leave no couplings")
@every_states
def test_predict_allows_so_many_wrong_values(states):
    """Of a network without couplings, in which every row stays as it is."""
    rows = np.random.default_rng(0).integers(2, size=(80, 40))
    memory = network("pseudoinverse", states, rows)
    cues = np.repeat(rows[:1], 4, axis=0)
    for wrong in range(4):
        cues[wrong, :wrong] ^= 1
    cues = called(cues, states)
    np.testing.assert_array_equal(memory.predict(cues), [0, 0, 0, -1])
    memory.set_params(max_mismatch=0.0)
    np.testing.assert_array_equal(memory.predict(cues), [0, -1, -1, -1])


def test_the_opposite_of_a_memory_is_none():
    rows = np.random.default_rng(0).integers(2, size=(3, 60))
    memory = network("hebbian", rows=rows)
    np.testing.assert_array_equal(memory.transform(1 - rows), 1 - rows)
    np.testing.assert_array_equal(memory.predict(1 - rows), [-1, -1, -1])


def test_the_first_of_equal_rows_is_named():
    rows = np.random.default_rng(0).integers(2, size=(3, 30))
    memory = network("exponential", rows=np.vstack([rows, rows]))
    np.testing.assert_array_equal(memory.predict(rows), [0, 1, 2])


def test_recall_of_a_row_does_not_depend_on_others():
    X = load_digits().data[:300] > 7
    memory = HopfieldNetwork(interaction="exponential").fit(X)
    cues = flipped(X, 0.2)
    alone = np.vstack([memory.transform(row[np.newaxis]) for row in cues[::30]])
    np.testing.assert_array_equal(memory.transform(cues)[::30], alone)


# ---- capacity ----


def share_recalled(model, n_rows, n_features, errors=0.1, seed=0):
    rows = np.random.default_rng(seed).integers(2, size=(n_rows, n_features))
    memory = clone(model).fit(rows)
    return np.mean(memory.predict(flipped(rows, errors)) == np.arange(n_rows))


def test_rules_recall_as_much_as_they_should():
    """Below and above where the theory has the limit, of 300 features."""
    limits = {"hebbian": (0.09, 0.25), "storkey": (0.25, 0.6)}
    for rule, (below, above) in limits.items():
        assert share_recalled(HopfieldNetwork(rule), int(300 * below), 300) > 0.95
        assert share_recalled(HopfieldNetwork(rule), int(300 * above), 300) < 0.3
    projecting = HopfieldNetwork("pseudoinverse")
    assert share_recalled(projecting, 120, 300) > 0.95
    # Stored rows are fixed points up to as many as there are features, less one.
    assert share_recalled(projecting, 297, 300, errors=0) == 1


def test_dense_memories_hold_more_than_there_are_features():
    cubic = HopfieldNetwork(interaction="polynomial")
    # n^2 / (6 log n) without errors: 150 and 572 rows of 60 and 130 features.
    assert share_recalled(cubic, 150, 60, errors=0) > 0.9
    assert share_recalled(cubic, 572, 130, errors=0) > 0.9
    exponential = HopfieldNetwork(interaction="exponential")
    assert share_recalled(exponential, 2**10, 30) > 0.9


def test_a_thousand_rows_come_back_from_a_third_of_wrong_pixels():
    exponential = HopfieldNetwork(interaction="exponential")
    assert share_recalled(exponential, 1000, 784, errors=0.3) == 1


# ---- storing ----


@every_network
def test_chunks_are_stored_as_all_rows_at_once(name):
    rows = np.random.default_rng(0).integers(2, size=(9, 20))
    whole, parts = network(name, rows=rows), clone(NETWORKS[name])
    for part in np.split(rows, [2, 3]):
        parts.partial_fit(part)
    np.testing.assert_array_equal(parts.memories_, whole.memories_)
    cues = np.random.default_rng(1).integers(2, size=(50, 20))
    np.testing.assert_allclose(parts.energy(cues), whole.energy(cues), atol=1e-12)
    np.testing.assert_array_equal(parts.transform(cues), whole.transform(cues))
    np.testing.assert_array_equal(parts.predict(rows), whole.predict(rows))
    refitted = parts.fit(rows[:2])
    np.testing.assert_array_equal(refitted.memories_, rows[:2])


def test_any_table_is_stored():
    X = load_digits().data[:20]
    bits = X > 7
    expected = HopfieldNetwork(interaction="exponential").fit(bits)
    for name, convert in CONTAINERS.items():
        table = convert(bits.astype(float))
        memory = HopfieldNetwork(interaction="exponential").fit(table)
        np.testing.assert_array_equal(
            memory.memories_, expected.memories_, err_msg=name
        )
        np.testing.assert_array_equal(memory.transform(table), bits, err_msg=name)
    with pytest.warns(UserWarning, match="values other than 0 and 1"):
        memory = HopfieldNetwork(binarize=7).fit(X)
    np.testing.assert_array_equal(memory.memories_, bits)
    sparse_reals = clone(REAL).fit(sparse.csr_array(X))
    np.testing.assert_array_equal(sparse_reals.memories_, X)


def test_frames_keep_names_and_index():
    X = pd.DataFrame(BITS, columns=list("abcde"), index=[5, 6, 7])
    memory = HopfieldNetwork(interaction="exponential").fit(X)
    memory.set_output(transform="pandas")
    recalled = memory.transform(X)
    assert list(recalled.columns) == list("abcde")
    assert list(recalled.index) == [5, 6, 7]
    assert list(memory.sample(2, random_state=0).columns) == list("abcde")
    np.testing.assert_array_equal(memory.get_feature_names_out(), list("abcde"))
    with pytest.raises(ValueError, match="feature names"):
        memory.transform(X.rename(columns={"a": "z"}))


def test_copies_recall_the_same():
    memory = network("storkey")
    again = pickle.loads(pickle.dumps(memory))  # noqa: S301
    assert contents(again) == contents(memory)
    np.testing.assert_array_equal(again.predict(BITS), memory.predict(BITS))


# ---- what cannot be done ----


def with_gap(X):
    gaps = X.astype(float)
    gaps[1, 2] = np.nan
    return gaps


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rule": "storkey", "interaction": "polynomial"}, "is for couplings"),
        ({"states": None}, "takes rows as real numbers"),
        (
            {
                "states": None,
                "interaction": "exponential",
                "update": "asynchronous",
            },
            "move as a whole",
        ),
        ({"rule": "hebb"}, "'rule' parameter"),
        ({"degree": 1}, "'degree' parameter"),
        ({"beta": 0.0}, "'beta' parameter"),
        ({"states": (0, 2)}, "'states' parameter"),
        ({"max_mismatch": 0.5}, "'max_mismatch' parameter"),
        ({"max_sweeps": 0}, "'max_sweeps' parameter"),
        ({"binarize": None}, "'binarize' parameter"),
    ],
)
@pytest.mark.parametrize("store", ["fit", "partial_fit"])
def test_bad_parameters_change_nothing(params, message, store):
    memory = network("hebbian")
    memory.set_params(**params)
    before = contents(memory)
    with pytest.raises(ValueError, match=message):
        getattr(memory, store)(BITS)
    assert contents(memory) == before


@pytest.mark.parametrize("store", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", ["hebbian", "exponential"])
def test_bad_rows_change_nothing(name, store):
    memory = network(name)
    before = contents(memory)
    bad = [with_gap(BITS), np.full((2, 5), np.inf), [["on"] * 5], BITS[0], BITS[:0]]
    for X in [*bad, *([BITS[:, :3]] if store == "partial_fit" else [])]:
        with pytest.raises(ValueError):  # noqa: PT011
            getattr(memory, store)(X)
        assert contents(memory) == before
    with pytest.raises(ValueError, match="rows are stored complete"):
        getattr(memory, store)(with_gap(BITS))


@pytest.mark.parametrize(
    ("name", "value"),
    [("rule", "storkey"), ("interaction", "polynomial"), ("states", (-1, 1))],
)
def test_what_has_been_stored_otherwise_is_refused(name, value):
    memory = network("hebbian").set_params(**{name: value, "binarize": 0})
    for method in "partial_fit", "transform", "predict", "energy":
        with pytest.raises(ValueError, match=f"{name} was .* when rows were stored"):
            getattr(memory, method)(called(BITS, memory.states))
    memory.fit(called(BITS, memory.states)).predict(called(BITS, memory.states))


def test_rows_without_any_value_are_refused():
    for memory in network("hebbian"), network("exponential"), REAL.fit(BITS):
        gaps = BITS.astype(float)
        gaps[1] = np.nan
        with pytest.raises(ValueError, match="no value in row 1"):
            memory.transform(gaps)
        with pytest.raises(ValueError, match="complete rows"):
            memory.energy(gaps)


def test_what_is_too_large_is_refused():
    memory = clone(REAL).fit(BITS)
    before = contents(memory)
    with pytest.raises(ValueError, match=r"not finite\. Lower beta"):
        memory.fit(1e200 * BITS)
    assert contents(memory) == before
    far = np.full((1, 5), 1e308)  # so far that nothing but the largest products counts
    np.testing.assert_array_equal(memory.transform(far), memory.transform(far / 1e300))
    memory.fit(1e150 * BITS)
    with pytest.raises(ValueError, match="products with stored rows are not finite"):
        memory.transform(far)
    memory.fit(BITS)
    with pytest.raises(ValueError, match=r"not finite\. Lower beta"):
        memory.set_params(beta=1e308).predict(BITS)
    with pytest.raises(ValueError, match=r"not finite\. Lower beta"):
        HopfieldNetwork(interaction="exponential", beta=1e308).fit(BITS)
    sharp = HopfieldNetwork(interaction="exponential", beta=1e6).fit(BITS)
    for update in "synchronous", "asynchronous":
        sharp.set_params(update=update)
        np.testing.assert_array_equal(sharp.transform(BITS), BITS)


def test_nothing_is_recalled_before_rows_are_stored():
    for method in "transform", "predict", "energy", "sample":
        with pytest.raises(NotFittedError):
            getattr(HopfieldNetwork(), method)(*([BITS] if method != "sample" else []))


def test_rows_that_do_not_settle_are_said_so():
    """Two spins that want to be opposite alternate where both are told at once."""
    memory = HopfieldNetwork(update="synchronous").fit([[0, 1]])
    with pytest.warns(ConvergenceWarning, match="1 of 2 rows still move"):
        memory.transform([[1, 1], [1, 0]])
    memory.set_params(max_sweeps=1).transform([[1, 1]])  # nobody asked for rest
    memory.set_params(max_sweeps=2, update="auto").transform([[1, 1]])


def test_real_rows_between_memories_take_long_and_are_told_so():
    """At the sharpness at which two memories part, rows move ever more slowly."""
    memory = clone(REAL).set_params(beta=1.0, max_sweeps=20).fit([[1.0], [-1.0]])
    with pytest.warns(ConvergenceWarning, match="Raise max_sweeps or beta"):
        memory.transform([[0.5]])
    with pytest.warns(ConvergenceWarning, match="1 of 2 rows"):
        memory.predict([[0.5], [0.0]])
    recalled = memory.set_params(beta=3.0, max_sweeps=1000).transform([[0.5]])
    np.testing.assert_allclose(np.tanh(3 * recalled), recalled, atol=1e-8)


def test_a_pseudoinverse_of_everything_is_said_to_be_none():
    X = np.random.default_rng(0).integers(2, size=(30, 10))
    memory = HopfieldNetwork("pseudoinverse")
    with pytest.warns(UserWarning, match="leave no couplings"):
        memory.fit(X)
    np.testing.assert_array_equal(memory.transform(1 - X), 1 - X)


def test_tempering_of_real_rows_is_refused_where_it_would_be_used():
    memory = clone(REAL).fit([[0.0], [1.0]])
    assert memory.sample(3, tempering=True, random_state=0).shape == (3, 1)
    with pytest.raises(ValueError, match="Real rows"):
        memory.sample(3, init=[[0.0]], tempering=True)


def test_the_class_documents_every_fitted_attribute():
    fitted = {name for name in vars(network("hebbian")) if name.endswith("_")}
    documented = inspect.getdoc(HopfieldNetwork).split("Attributes\n")[1]
    assert all(f"\n{name} :" in documented for name in fitted | {"feature_names_in_"})


# ---- all fixed points ----


@pytest.mark.parametrize("spins", [False, True])
@pytest.mark.parametrize(
    "params",
    [
        {"rule": "hebbian"},
        {"rule": "pseudoinverse"},
        {"interaction": "polynomial"},
        {"interaction": "polynomial", "degree": 4},
        {"interaction": "exponential"},
    ],
)
def test_minima_are_those_of_all_rows(params, spins):
    """Counting rows of equal energy side by side once, as some have here."""
    settings = {"states": (-1, 1), "binarize": 0} if spins else {}
    rows = np.array(list(product([0, 1], repeat=7)))
    stored = np.random.default_rng(3).random((3, 7)) < 0.5
    rows, stored = (2 * x.astype(int) - 1 if spins else x for x in (rows, stored))
    settings["update"] = "asynchronous"  # by which these are the fixed points
    memory = HopfieldNetwork(**params, **settings).fit(stored)
    energies = memory.energy(rows)
    n_others = (rows[:, np.newaxis] != rows).sum(axis=2)
    equal = np.abs(energies[:, np.newaxis] - energies) < 1e-9
    _, flat = connected_components((n_others == 1) & equal, directed=False)
    lower = (energies < energies[:, np.newaxis] - 1e-9) & (n_others == 1)
    leaves = np.bincount(flat, lower.any(axis=1)) > 0
    lowest = np.sort([energies[flat == i][0] for i in np.flatnonzero(~leaves)])
    for options in ({}, {"n_steps": 20, "random_state": 0}):
        minima = memory.lowest_energy(**options)
        np.testing.assert_allclose(minima.energies, lowest, atol=1e-9)
        np.testing.assert_allclose(memory.energy(minima.states), lowest, atol=1e-9)
        np.testing.assert_array_equal(memory.transform(minima.states), minima.states)


def test_minima_of_real_rows_are_what_recall_gives():
    memory = HopfieldNetwork(interaction="exponential", states=None).fit([[1.5], [2]])
    assert not hasattr(memory, "lowest_energy")
    with pytest.raises(AttributeError, match="transform gives"):
        memory.lowest_energy()


# ---- what is said of data ----


def test_advice_is_one_that_a_memory_can_take():
    with pytest.warns(DataConversionWarning, match=r"set states=\(-1, 1\)\.$"):
        HopfieldNetwork().fit(2 * BITS - 1)


# ---- rounding ----


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_real_rows_far_from_zero_keep_their_digits(offset):
    """As times in seconds are. The numbers themselves are multiples of 1/8."""
    rng = np.random.default_rng(0)
    stored, noise = rng.integers(-20, 20, (6, 4)) / 2, rng.integers(-3, 4, (6, 4)) / 8
    near = clone(REAL).set_params(similarity="euclidean", beta=100.0).fit(stored)
    far = clone(near).fit(stored[:2] + offset).partial_fit(stored[2:] + offset)
    X, moved = stored + noise, stored + noise + offset
    np.testing.assert_allclose(far.score_samples(moved), near.score_samples(X))
    np.testing.assert_allclose(far.energy(moved), near.energy(X), atol=1e-9)
    np.testing.assert_array_equal(far.predict(moved), np.arange(6))
    np.testing.assert_allclose(far.transform(moved), stored + offset, atol=1e-6)
    X[:, 0] = moved[:, 0] = np.nan
    np.testing.assert_allclose(far.score_samples(moved), near.score_samples(X))
    given = {"given": X, "random_state": 0}, {"given": moved, "random_state": 0}
    drawn, there = (m.sample(**g) for m, g in zip((near, far), given, strict=True))
    np.testing.assert_allclose(there - offset, drawn, atol=1e-5)
    drawn, there = (m.sample(5, random_state=0) for m in (near, far))
    np.testing.assert_allclose(there - offset, drawn, atol=1e-5)


def test_scores_without_digits_are_refused():
    with pytest.raises(ValueError, match="rounding would leave no digits"):
        network("exponential", beta=1e15).score_samples(BITS)
    far = clone(REAL).fit([[1e8, 1.0], [1e8, 2.0]])
    with pytest.raises(ValueError, match="similarity='euclidean'"):
        far.score([[1e8, 1.0]])
