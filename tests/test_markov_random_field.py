"""Markov random fields from their tables, and from data."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
)
from statistical import assert_draws_from

from skebm import (
    BoltzmannMachine,
    EnergyImputer,
    MarkovRandomField,
    log_partition_bounds,
)

POTENTIALS = {
    ("A", "B", "C"): np.random.default_rng(0).uniform(0.5, 2, (2, 3, 2)),
    ("A", "D"): np.array([[4.00, 0.23], [5.00, 9.45]]),
    ("B",): np.array([1.0, 2.0, 0.5]),
}
LEVELS = {"B": ["low", "middle", "high"]}
ROWS = pd.DataFrame(
    list(product([0, 1], LEVELS["B"], [0, 1], [0, 1])), columns=list("ABCD")
)


def known(**params):
    """Make the model of the tables above, which start columns in the order A to D."""
    return MarkovRandomField.from_potentials(
        POTENTIALS, categories=LEVELS, random_state=0, **params
    )


def law():
    """Multiply the tables, for each of `ROWS`."""
    b = ROWS["B"].map(LEVELS["B"].index).to_numpy()
    a, c, d = (ROWS[name].to_numpy() for name in "ACD")
    weight = POTENTIALS["A", "B", "C"][a, b, c] * POTENTIALS["A", "D"][a, d]
    weight = weight * POTENTIALS["B",][b]
    return weight, weight / weight.sum()


def table(seed=0, n_rows=300):
    """Draw rows of five columns along a chain."""
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, 3, n_rows)]
    for n_levels in (2, 3, 2, 3):
        moved = rng.random(n_rows) < 0.4
        own = np.where(moved, rng.integers(0, n_levels, n_rows), columns[-1] % n_levels)
        columns.append(own)
    return np.column_stack(columns)


def copies(n_rows=3000):
    """Draw rows of five columns, each a copy of the last one in three of five rows."""
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 3, n_rows)]
    for _ in range(4):
        other = rng.integers(0, 3, n_rows)
        columns.append(np.where(rng.random(n_rows) < 0.6, columns[-1], other))
    return np.column_stack(columns)


# ---- known tables ----


def test_scores_are_products_of_tables():
    model, (weight, p) = known(), law()
    assert model.log_partition() == pytest.approx(np.log(weight.sum()), abs=1e-13)
    assert model.log_partition_std_ == 0
    np.testing.assert_allclose(model.energy(ROWS), -np.log(weight), atol=1e-13)
    np.testing.assert_allclose(model.free_energy(ROWS), -np.log(weight), atol=1e-13)
    np.testing.assert_allclose(model.score_samples(ROWS), np.log(p), atol=1e-13)
    assert model.categories_[1].tolist() == LEVELS["B"]
    assert list(model.feature_names_in_) == list("ABCD")
    for key, potential in POTENTIALS.items():
        np.testing.assert_array_equal(model.potentials_[key], potential)
    assert list(model.potentials_)[:4] == [("A",), ("B",), ("C",), ("D",)]


def test_marginals_are_sums():
    model, p = known(), law()[1]
    marginals = model.marginals()
    assert set(marginals) == set(model.potentials_)
    for columns in [*marginals, ("D", "B"), ("C", "D", "A")]:
        exact = ROWS.assign(p=p).groupby(list(columns))["p"].sum()
        levels = [model.categories_["ABCD".index(name)] for name in columns]
        exact = exact.reindex(pd.MultiIndex.from_product(levels, names=columns))
        shape = [len(own) for own in levels]
        found = model.marginal_proba(columns)
        np.testing.assert_allclose(found, exact.to_numpy().reshape(shape), atol=1e-14)
        if columns in marginals:
            np.testing.assert_allclose(marginals[columns], found, atol=1e-14)
    np.testing.assert_array_equal(model.marginal_proba("D"), model.marginal_proba(3))


def test_draws_alone_and_given():
    model, p = known().set_output(transform="pandas"), law()[1]
    drawn = model.sample(20_000, random_state=0)
    order = pd.MultiIndex.from_frame(ROWS)
    assert_draws_from(p, order.get_indexer(pd.MultiIndex.from_frame(drawn)))
    given = pd.DataFrame({"A": [1], "B": [None], "C": [None], "D": [0]})
    drawn = model.sample(20_000, given=given, random_state=0)
    fits = (ROWS["A"] == 1) & (ROWS["D"] == 0)
    at = order.get_indexer(pd.MultiIndex.from_frame(drawn.astype(ROWS.dtypes)))
    assert_draws_from(np.where(fits, p, 0) / p[fits].sum(), at)


def test_columns_given_others():
    model, p = known(), law()[1]
    gaps = pd.DataFrame({"A": [1, None], "B": [None, "high"], "C": 0, "D": [None, 1]})
    gaps = gaps.astype(object)
    fits = [
        (ROWS["A"] == 1) & (ROWS["C"] == 0),
        (ROWS["B"] == "high") & (ROWS["C"] == 0) & (ROWS["D"] == 1),
    ]
    exact = [np.log(p[own].sum()) for own in fits]
    np.testing.assert_allclose(model.score_samples(gaps), exact, atol=1e-13)
    for column, levels in zip("ABCD", model.categories_, strict=True):
        proba = model.conditional_proba(gaps, column)
        for row, (_, values) in enumerate(gaps.iterrows()):
            own = np.ones(len(ROWS), dtype=bool)
            for name in "ABCD":
                if name != column and not pd.isna(values[name]):
                    own &= ROWS[name] == values[name]
            share = [p[own & (ROWS[column] == level)].sum() for level in levels]
            np.testing.assert_allclose(proba[row], share / p[own].sum(), atol=1e-13)
    transformed = model.transform(gaps)
    np.testing.assert_allclose(
        transformed[:, 2:5], model.conditional_proba(gaps, "B"), atol=1e-14
    )
    complete = model.transform(ROWS)
    np.testing.assert_allclose(
        complete[:, 2:5], model.conditional_proba(ROWS, "B"), atol=1e-13
    )
    names = ["A_0", "A_1", "B_low", "B_middle", "B_high", "C_0", "C_1", "D_0", "D_1"]
    assert model.get_feature_names_out().tolist() == names


def test_conditionals_of_complete_rows_and_others():
    model = known()
    conditional = model.conditional_score_samples(ROWS)
    proba = model.conditional_proba(ROWS, "D")
    own = proba[np.arange(len(ROWS)), ROWS["D"]]
    np.testing.assert_allclose(conditional[:, 3], np.log(own), atol=1e-13)
    np.testing.assert_allclose(
        model.pseudo_log_likelihood(ROWS), conditional.sum(axis=1), atol=1e-13
    )
    gaps = ROWS.astype(object)
    gaps.loc[0, "A"] = None
    found = model.conditional_score_samples(gaps)
    np.testing.assert_allclose(found[1:], conditional[1:], atol=1e-12)
    assert np.isnan(found[0, 0])
    assert np.isfinite(found[0, 1:]).all()


def test_numbered_columns():
    model = MarkovRandomField.from_potentials({(1, 0): [[1, 2, 3], [4, 5, 6]]})
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_allclose(
        model.score_samples([[2, 1], [0, 0]]), np.log([6 / 21, 1 / 21])
    )
    assert list(model.potentials_) == [(0,), (1,), (1, 0)]
    drawn = model.sample(5, random_state=0)
    assert drawn.shape == (5, 2)
    with pytest.raises(ValueError, match="not positive"):
        MarkovRandomField.from_potentials({(0, 1): [[0, 1], [1, 1]]})
    with pytest.raises(ValueError, match="no column"):
        model.marginal_proba("A")
    with pytest.raises(ValueError, match="a column twice"):
        model.marginal_proba((0, 0))


def test_other_temperatures():
    weight = law()[0] ** 2
    drawn = (
        known()
        .set_output(transform="pandas")
        .sample(20_000, temperature=0.5, random_state=0)
    )
    at = pd.MultiIndex.from_frame(ROWS).get_indexer(pd.MultiIndex.from_frame(drawn))
    assert_draws_from(weight / weight.sum(), at)


def test_learning_goes_on_from_known_tables():
    model = known(n_chains=20, learning_rate=0.05)
    before = model.score(ROWS)
    for _ in range(40):
        model.partial_fit(ROWS)
    assert model.score(ROWS) > before + 0.1
    refitted = clone(model).fit(ROWS)
    assert set(refitted.potentials_) == set(model.potentials_)


# ---- where sums are too long ----


def test_annealing_finds_log_z_and_chains_the_law():
    model, (weight, p) = (
        known(max_exact_terms=0, log_partition_tol=0.1, n_ais_chains=20),
        law(),
    )
    assert model.log_partition() == pytest.approx(
        np.log(weight.sum()), abs=5 * model.log_partition_std_
    )
    assert 0 < model.log_partition_std_ <= 0.1
    drawn = model.set_output(transform="pandas").sample(
        2000, n_steps=20, random_state=0
    )
    at = pd.MultiIndex.from_frame(ROWS).get_indexer(pd.MultiIndex.from_frame(drawn))
    assert_draws_from(p, at)
    # What little is missing is summed all the same.
    gaps = ROWS.astype(object)
    gaps["B"] = None
    exact = known().score_samples(gaps)
    shift = model.log_partition() - np.log(weight.sum())
    np.testing.assert_allclose(model.score_samples(gaps) + shift, exact, atol=1e-12)
    with pytest.raises(ValueError, match="more than max_exact_terms=0 terms"):
        model.marginals()
    bounds = log_partition_bounds(model, n_steps=50, random_state=0)
    assert abs(bounds.lower - np.log(weight.sum())) < 0.2
    assert log_partition_bounds(known(), random_state=0).exact


def test_rows_of_which_too_much_is_missing_are_annealed():
    """Of pairs between all of 14 columns, which are 2**14 configurations."""
    rng = np.random.default_rng(0)
    potentials = {
        pair: np.exp(rng.normal(0, 0.2, (2, 2))) for pair in combinations(range(14), 2)
    }
    exact = MarkovRandomField.from_potentials(potentials, random_state=0)
    annealed = MarkovRandomField.from_potentials(
        potentials,
        max_exact_terms=0,
        log_partition_tol=0.3,
        n_ais_chains=20,
        random_state=0,
    )
    X = exact.sample(3, random_state=0).astype(object)
    X[0, :13] = X[1, :3] = None
    score, std = annealed.score_samples(X, return_std=True)
    error = annealed.log_partition() - exact.log_partition()
    assert std[0] > 0
    assert (std[1:] == 0).all()
    off = np.abs(score + error - exact.score_samples(X))
    assert off[0] < 5 * std[0]
    np.testing.assert_allclose(off[1:], 0, atol=1e-10)


@pytest.mark.parametrize("max_exact_terms", [2**22, 0])
def test_minima_are_those_of_all_rows(max_exact_terms):
    model, (weight, _) = known(max_exact_terms=max_exact_terms), law()
    minima, levels = model.lowest_energy(), ROWS.to_numpy()
    n_others = (levels[:, np.newaxis] != levels).sum(axis=2)
    lowest = [
        weight[row] > weight[other == 1].max() for row, other in enumerate(n_others)
    ]
    order = np.argsort(-weight[lowest])
    np.testing.assert_array_equal(minima.states, levels[lowest][order])
    energies = -np.log(weight[lowest][order])
    np.testing.assert_allclose(minima.energies, energies, atol=1e-12)
    assert minima.is_complete
    given = pd.DataFrame([[None, "low", None, 0]], columns=list("ABCD"))
    held = model.lowest_energy(given=given)
    assert (held.states[:, [1, 3]] == np.array(["low", 0], object)).all()


def test_minima_of_numbers_are_numbers():
    X = table()
    model = MarkovRandomField().fit(X)
    assert model.lowest_energy().states.dtype == X.dtype
    found = model.lowest_energy(X[:20])
    assert found.states.dtype == X.dtype
    np.testing.assert_allclose(found.energies, model.energy(found.states), atol=1e-12)


# ---- learning ----


@pytest.mark.parametrize("algorithm", ["exact", "pseudolikelihood"])
def test_pairs_of_bits_are_a_boltzmann_machine(algorithm):
    X = table() % 2
    field = MarkovRandomField(algorithm=algorithm, alpha=0, tol=1e-7).fit(X)
    machine = BoltzmannMachine(algorithm=algorithm, tol=1e-7).fit(X)
    rows = np.array(list(product([0, 1], repeat=5)))
    np.testing.assert_allclose(
        field.score_samples(rows), machine.score_samples(rows), atol=2e-5
    )


def test_the_optimum_has_the_marginals_of_the_data():
    X, cliques = table(), [(0, 1), (1, 2, 3), (3, 4)]
    model = MarkovRandomField(cliques, alpha=0, tol=1e-6).fit(X)
    for clique in cliques:
        counts = pd.DataFrame(X[:, clique]).value_counts(normalize=True)
        found = model.marginals()[clique]
        for level, share in counts.items():
            assert found[level] == pytest.approx(share, abs=1e-5)
    # Rows of a chain are as likely as their transitions.
    assert model.score(X) == pytest.approx(
        model.history_["train_log_likelihood"][-1], abs=1e-9
    )


def test_algorithms_agree_where_there_are_many_rows():
    X, held_out = table(1, 3000), table(2, 3000)
    scores = {
        algorithm: MarkovRandomField(algorithm=algorithm, max_iter=300, random_state=0)
        .fit(X)
        .score(held_out)
        for algorithm in ("exact", "pseudolikelihood", "pcd")
    }
    assert scores["pseudolikelihood"] == pytest.approx(scores["exact"], abs=0.002)
    assert scores["pcd"] == pytest.approx(scores["exact"], abs=0.01)


@pytest.mark.parametrize("algorithm", ["exact", "pseudolikelihood"])
def test_cliques_that_say_nothing_vanish(algorithm):
    params = {"algorithm": algorithm, "alpha": 0.05, "l1_ratio": 1}
    model = MarkovRandomField(**params).fit(copies())
    pairs = {key: own for key, own in model.potentials_.items() if len(key) > 1}
    left = {key for key, own in pairs.items() if np.ptp(own) > 0}
    assert left == {(0, 1), (1, 2), (2, 3), (3, 4)}
    strengths = model.coupling_strengths(corrected=False)
    assert set(zip(*np.nonzero(np.triu(strengths)), strict=True)) == left
    entries = MarkovRandomField(**params, sparsity="entries").fit(copies())
    ones = [(entries.potentials_[key] == 1).mean() for key in pairs]
    assert 0.2 < np.mean(ones) < 1


def test_missing_values_are_summed_out():
    X = table(1, 1000)
    gaps = X.astype(float)
    gaps[np.random.default_rng(0).random(X.shape) < 0.3] = np.nan
    chain = [(i, i + 1) for i in range(4)]
    model = MarkovRandomField(chain).fit(gaps)
    complete = MarkovRandomField(chain).fit(X)
    assert model.score(X) == pytest.approx(complete.score(X), abs=0.02)
    exact = logsumexp(
        model.score_samples(
            np.array([[a, 1, 0, b, 2] for a in range(3) for b in (0, 1)])
        )
    )
    row = [[np.nan, 1, 0, np.nan, 2]]
    assert model.score_samples(row)[0] == pytest.approx(exact, abs=1e-12)
    with pytest.raises(ValueError, match="needs complete rows"):
        MarkovRandomField(chain, algorithm="pseudolikelihood").fit(gaps)
    chains = MarkovRandomField(chain, max_exact_terms=0, random_state=0, max_iter=300)
    potentials = chains.fit(gaps).potentials_
    exact = MarkovRandomField.from_potentials(potentials)
    assert exact.score(X) > complete.score(X) - 0.1


def test_gaps_are_filled():
    gaps = pd.DataFrame(table(1, 500)).astype(object)
    hidden = np.random.default_rng(0).random(gaps.shape) < 0.1
    truth = gaps.to_numpy()[hidden]
    filled = EnergyImputer(MarkovRandomField()).fit_transform(gaps.mask(hidden))
    right = np.asarray(filled)[hidden] == truth
    assert right.mean() > 0.6


def test_graphs_say_which_cliques_there_are():
    adjacency = sparse.csr_array(np.eye(5, k=1) + np.eye(5, k=-1))
    by_graph = MarkovRandomField(adjacency).fit(table())
    by_list = MarkovRandomField([(i, i + 1) for i in range(4)]).fit(table())
    assert list(by_graph.potentials_) == list(by_list.potentials_)
    assert by_graph.score(table()) == by_list.score(table())


# ---- what is refused ----


def test_what_cannot_be_learned():
    X = table()
    with pytest.raises(ValueError, match="more than max_exact_terms=5 terms"):
        MarkovRandomField(algorithm="exact", max_exact_terms=5).fit(X)
    with pytest.raises(ValueError, match="cannot make whole cliques vanish"):
        MarkovRandomField(algorithm="pcd", l1_ratio=1).fit(X)
    for model in (
        MarkovRandomField(l1_ratio=1, early_stopping=True),
        MarkovRandomField(l1_ratio=1, max_exact_terms=0),
    ):
        gaps = np.where(np.arange(X.size).reshape(X.shape) == 7, np.nan, X)
        with pytest.raises(ValueError, match="cannot make whole cliques vanish"):
            model.fit(gaps)
        assert not hasattr(model, "categories_")
    with pytest.raises(AttributeError, match="set sparsity='entries'"):
        MarkovRandomField(l1_ratio=1).partial_fit(X)
    assert hasattr(MarkovRandomField(l1_ratio=1, sparsity="entries"), "partial_fit")
    with pytest.raises(ValueError, match="the column 5, but X 5 columns"):
        MarkovRandomField([(0, 5)]).fit(X)
    with pytest.raises(NotFittedError):
        MarkovRandomField().marginals()
    assert not hasattr(MarkovRandomField(), "potentials_")
    model = MarkovRandomField().fit(X)
    with pytest.raises(ValueError, match="levels that were not seen in fit"):
        model.score([[7, 0, 0, 0, 0]])
    with pytest.raises(ValueError, match="contains NaN"):
        model.energy([[np.nan, 0, 0, 0, 0]])
    with pytest.warns(ConvergenceWarning, match="after 1 iterations"):
        MarkovRandomField(alpha=0.01, l1_ratio=1, max_iter=1).fit(X)


def test_numbers_that_are_hardly_categories():
    X = np.random.default_rng(0).normal(size=(50, 1))
    with pytest.warns(DataConversionWarning, match="50 different .* 50 rows.*KBins"):
        MarkovRandomField().fit(X)
    MarkovRandomField().fit(X[:25])
    MarkovRandomField().fit(np.repeat(X, 2, axis=0))


def test_a_fit_that_fails_leaves_nothing_behind():
    model = MarkovRandomField().fit(table())
    before = vars(model).copy()
    model.set_params(cliques=[(0, 9)])
    with pytest.raises(ValueError, match="column 9"):
        model.fit(table(1))
    assert {**vars(model), "cliques": "pairwise"} == before


# ---- couplings ----


def test_strengths_of_couplings():
    model = known()
    strengths = model.coupling_strengths(corrected=False)
    log = np.log(POTENTIALS["A", "D"])
    part = log - log.mean(axis=0) - log.mean(axis=1, keepdims=True) + log.mean()
    assert strengths[0, 3] == pytest.approx(np.linalg.norm(part))
    assert strengths[1, 3] == 0
    np.testing.assert_array_equal(strengths, strengths.T)
    corrected, off = model.coupling_strengths(), ~np.eye(4, dtype=bool)
    mean = strengths.sum(axis=0) / 3
    exact = strengths - np.outer(mean, mean) / strengths[off].mean()
    np.testing.assert_allclose(corrected[off], exact[off])
    assert not np.diag(corrected).any()
    # What is a factor of a single column is none of a coupling.
    moved = {**POTENTIALS, ("A", "D"): POTENTIALS["A", "D"] * [[2.0], [7.0]]}
    again = MarkovRandomField.from_potentials(moved).coupling_strengths()
    np.testing.assert_allclose(again, corrected, atol=1e-12)
    alone = MarkovRandomField.from_potentials({("A",): [1, 2]})
    np.testing.assert_array_equal(alone.coupling_strengths(), [[0]])


def test_pseudolikelihood_says_which_columns_follow_from_others():
    levels = np.random.default_rng(0).integers(0, 3, (200, 2))
    X = np.column_stack([levels, levels[:, 0], np.zeros(200, dtype=int)])
    field = MarkovRandomField([(0, 1), (0, 2)], algorithm="pseudolikelihood")
    field.fit(X)  # by the prior, without a word
    field.set_params(alpha=0.0)
    with pytest.warns(ConvergenceWarning, match=r"Columns \[0, 2\] follow from"):
        field.fit(X)
