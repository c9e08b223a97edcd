"""Tables of categories and numbers, against the mixtures that their models are."""

import copy
import pickle
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mixed_tables import MixedOracle
from scipy import stats
from scipy.special import logsumexp, softmax
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from statistical import assert_draws_from, assert_mean_is

from skebm import BinaryRBM, GaussianRBM, MixedRBM

pytestmark = pytest.mark.filterwarnings(
    "ignore:Learning has not converged:sklearn.exceptions.ConvergenceWarning"
)

NAN = float("nan")
PLAIN = {"straighten": False, "spike_share": 1.0, "random_state": 0}
KINDS = {
    "full": {},
    "diag": {"covariance_type": "diag"},
    "no groups": {"n_groups": 1},
    "groups alone": {"n_components": 0},
    "independent": {"n_components": 0, "n_groups": 1},
    "exact": {"algorithm": "exact", "max_iter": 10},
    "pcd": {"algorithm": "pcd", "max_iter": 100},
    "sgd": {"algorithm": "pcd", "solver": "sgd", "max_iter": 100},
    "cd": {"algorithm": "cd", "max_iter": 100},
}
# Of the columns of `table` that are categories.
N_LEVELS = (3, 2)
LEVELS = ["a", "b", "c"], [False, True]


def table(n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n_rows)
    moved = np.where(rng.random(n_rows) < 0.2, rng.integers(0, 3, n_rows), kind)
    return pd.DataFrame(
        {
            "length": 10 + 5 * (kind + rng.normal(size=n_rows)),
            "letter": np.array(list("abc"), dtype=object)[moved],
            "width": rng.normal(size=n_rows) * 0.1 - 0.2 * (kind == 1),
            "flag": rng.random(n_rows) < 0.2 + 0.3 * (kind == 2),
        }
    )


def odd_table(n_rows=300, seed=0):
    """A spike, skewness, whole numbers, and a category that goes with them."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n_rows)
    spent = rng.lognormal(1 + kind, 1, n_rows)
    return pd.DataFrame(
        {
            "spent": np.where(rng.random(n_rows) < 0.3 + 0.4 * kind, 0.0, spent),
            "letter": np.where(rng.random(n_rows) < 0.8, kind, 1 - kind).astype(str),
        }
    )


def rows_of(frame):
    """Split rows of `table` into numbers of levels, None where missing, and numbers."""
    for length, letter, width, flag in frame.itertuples(index=False):
        levels = [
            None if pd.isna(value) else own.index(value)
            for value, own in zip((letter, flag), LEVELS, strict=True)
        ]
        yield levels, [length, width]


def make_gaps(frame, share=0.3, seed=0):
    gaps = np.random.default_rng(seed).random(frame.shape) < share
    return (
        frame.astype(object)
        .mask(gaps, np.nan)
        .astype({"length": float, "width": float})
    )


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    return MixedRBM(
        **({"n_components": 2, "n_groups": 3} | PLAIN | KINDS[request.param])
    ).fit(table())


@pytest.fixture(scope="module")
def plain():
    return MixedRBM(2, n_groups=3, **PLAIN).fit(table())


@pytest.fixture(scope="module")
def odd():
    return MixedRBM(1, n_groups=2, random_state=0).fit(odd_table())


def parameters(model):
    return np.concatenate(
        [np.ravel(getattr(model, name)) for name in model._parameter_names]
    )


# ---- scores ----


@pytest.mark.parametrize("gaps", [False, True])
def test_scores_are_those_of_the_definition(model, gaps):
    X = table(40, seed=1)
    X = make_gaps(X) if gaps else X
    oracle = MixedOracle(model, N_LEVELS)
    expected = [oracle.score(*row) for row in rows_of(X)]
    found, std = model.score_samples(X, return_std=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert (std == 0).all()
    assert type(model.score(X)) is float
    assert model.score(X) == pytest.approx(np.mean(expected), abs=1e-8)


def test_log_z_is_that_of_the_definition(model):
    """Of free energies; the measure is that of the numbers of users."""
    X = table(5)
    difference = -model.free_energy(X) - model.score_samples(X)
    np.testing.assert_allclose(difference, model.log_partition_, rtol=1e-12)
    assert model.log_partition() == model.log_partition_
    assert model.log_partition_std_ == 0


def test_attributes(model):
    n_hidden = model.n_components + (model.n_groups_ if model.n_groups_ > 1 else 0)
    assert model.components_.shape == (n_hidden, 7)
    assert model.intercept_visible_.shape == (7,)
    assert model.intercept_hidden_.shape == (n_hidden,)
    assert model.noise_variance_.shape == (2,)
    if model.covariance_type == "full":
        covariance = model.noise_covariance_
        np.testing.assert_array_equal(np.diag(covariance), model.noise_variance_)
        np.testing.assert_array_equal(covariance, covariance.T)
    else:
        assert not hasattr(model, "noise_covariance_")
    assert model.n_groups_ == model.n_groups
    assert model.unit_names_.tolist() == [
        *("letter_a", "letter_b", "letter_c", "flag_False", "flag_True"),
        *("length", "width"),
    ]
    assert [None if own is None else own.tolist() for own in model.categories_] == [
        None,
        ["a", "b", "c"],
        None,
        [False, True],
    ]
    for units in (slice(0, 3), slice(3, 5)):
        fields = np.vstack([model.components_, model.intercept_visible_])[:, units]
        np.testing.assert_allclose(fields.sum(axis=1), 0, rtol=0, atol=1e-10)


def test_densities_integrate_to_one_over_levels_and_numbers(plain):
    length, width = np.linspace(-60, 100, 161), np.linspace(-2, 2, 81)
    grid = pd.DataFrame(list(product(length, width)), columns=["length", "width"])
    total = 0
    for letter, flag in product(*LEVELS):
        X = grid.assign(letter=letter, flag=flag)[table(1).columns]
        total += np.exp(plain.score_samples(X)).sum() * (1.0 * 0.05)
    assert total == pytest.approx(1, abs=1e-6)


def fine_numbers(model, column=0, n_points=30_001):
    """Numbers that cover a column of an odd table, none of them one with a level."""
    own = model._columns.numbers[column]
    values = np.linspace(-40, 70, n_points) + np.pi * 1e-5
    numbers = own.decode(np.full(n_points, len(own.atoms)), values)
    assert not np.isin(numbers, own.atoms).any()
    return numbers


def integrate(numbers, scores):
    return np.trapezoid(np.exp(scores), numbers)


@pytest.mark.parametrize("straighten", [False, True])
@pytest.mark.parametrize("spike_share", [0.2, 1.0])
def test_spikes_and_straightened_numbers_integrate_to_one(straighten, spike_share):
    settings = {"straighten": straighten, "spike_share": spike_share}
    model = MixedRBM(1, n_groups=2, random_state=0, **settings).fit(odd_table())
    assert model._columns.numbers[0].atoms.tolist() == [0.0] * (spike_share < 1)
    assert (model._columns.numbers[0].power != 1) == straighten
    numbers = fine_numbers(model)
    parts = []
    for letter in "01":
        X = pd.DataFrame({"spent": numbers, "letter": letter})
        rest = integrate(numbers, model.score_samples(X))
        zero = pd.DataFrame({"spent": [0.0], "letter": [letter]})
        atom = np.exp(model.score_samples(zero)[0]) if spike_share < 1 else 0.0
        gap = pd.DataFrame({"spent": [NAN], "letter": [letter]})
        marginal = np.exp(model.score_samples(gap)[0])
        assert rest + atom == pytest.approx(marginal, abs=1e-4)
        parts.append(rest + atom)
    assert sum(parts) == pytest.approx(1, abs=1e-4)
    # Both shares are near those of the rows.
    share = np.mean(odd_table()["letter"] == "0")
    assert parts[0] == pytest.approx(share, abs=0.03)


def test_the_probability_of_a_spike_is_near_its_share(odd):
    zeros = [
        np.exp(odd.score_samples(pd.DataFrame({"spent": [0.0], "letter": [letter]}))[0])
        for letter in (None, "0", "1")
    ]
    assert zeros[0] == pytest.approx(zeros[1] + zeros[2], rel=1e-10)
    assert zeros[0] == pytest.approx(np.mean(odd_table()["spent"] == 0), abs=0.03)


def test_marginals_are_sums_and_integrals(plain):
    numbers = np.linspace(-80, 120, 4001)
    X = table(3, seed=2)
    for row in range(3):
        own = X.iloc[[row]]
        summed = [plain.score_samples(own.assign(letter=x))[0] for x in "abc"]
        gap = plain.score_samples(own.assign(letter=None))[0]
        assert gap == pytest.approx(logsumexp(summed), abs=1e-10)
        many = own.loc[own.index.repeat(len(numbers))].assign(length=numbers)
        expected = integrate(numbers, plain.score_samples(many))
        gap = plain.score_samples(own.assign(length=NAN))[0]
        assert np.exp(gap) == pytest.approx(expected, rel=1e-9)


def test_a_row_that_is_wholly_missing_has_0(model, odd):
    X = table(2).astype(object).mask(np.ones((2, 4), bool), np.nan)
    assert model.score_samples(X).tolist() == pytest.approx([0, 0], abs=1e-10)
    empty = pd.DataFrame({"spent": [NAN], "letter": [None]})
    assert odd.score_samples(empty)[0] == pytest.approx(0, abs=1e-10)


def test_what_one_value_says_given_the_others(plain, odd):
    X = make_gaps(table(20, seed=3))
    found = plain.conditional_score_samples(X)
    both = plain.score_samples(X)
    for number, name in enumerate(X.columns):
        expected = both - plain.score_samples(X.assign(**{name: np.nan}))
        missing = X[name].isna()
        assert (np.isnan(found[:, number]) == missing).all()
        np.testing.assert_allclose(
            found[~missing, number], expected[~missing], rtol=0, atol=1e-10
        )
    np.testing.assert_allclose(
        plain.pseudo_log_likelihood(X), np.nansum(found, axis=1), rtol=1e-12
    )
    X = odd_table(20, seed=1)
    found, both = odd.conditional_score_samples(X), odd.score_samples(X)
    expected = both - odd.score_samples(X.assign(spent=NAN))
    np.testing.assert_allclose(found[:, 0], expected, rtol=0, atol=1e-10)
    expected = both - odd.score_samples(X.assign(letter=None))
    np.testing.assert_allclose(found[:, 1], expected, rtol=0, atol=1e-10)


def test_probabilities_of_levels(plain):
    X = make_gaps(table(20, seed=3))
    scores = [plain.score_samples(X.assign(letter=x)) for x in "abc"]
    expected = softmax(np.column_stack(scores), axis=1)
    for column in ("letter", 1, -3):
        found = plain.conditional_proba(X, column)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    for column in ("length", 0):
        with pytest.raises(
            ValueError, match="Column 'length' holds numbers, which have"
        ):
            plain.conditional_proba(X, column)
    with pytest.raises(ValueError, match="is no feature seen in fit"):
        plain.conditional_proba(X, "colour")


def test_transform_is_the_posterior_of_hidden_units(model):
    X = make_gaps(table(20, seed=4))
    oracle = MixedOracle(model, N_LEVELS)
    for own in (X, table(20, seed=4)):
        expected = [softmax(oracle.joint(*row)) @ oracle.hidden for row in rows_of(own)]
        expected = np.reshape(expected, (20, -1))
        np.testing.assert_allclose(model.transform(own), expected, rtol=0, atol=1e-8)


def test_scores_do_not_depend_on_other_rows(odd, plain):
    for own, X in ((odd, odd_table(30)), (plain, make_gaps(table(30)))):
        scores = own.score_samples(X)
        order = np.random.default_rng(0).permutation(30)
        np.testing.assert_allclose(
            own.score_samples(X.iloc[order]), scores[order], atol=1e-10
        )
        np.testing.assert_allclose(own.score_samples(X[:1]), scores[:1], atol=1e-10)


# ---- draws ----


def codes_of(frame):
    return np.array([LEVELS[0].index(x) for x in frame["letter"]]) * 2 + frame[
        "flag"
    ].to_numpy().astype(int)


def frame_of(drawn):
    return pd.DataFrame(drawn, columns=table(1).columns).infer_objects()


@pytest.mark.parametrize("tempering", [False, True])
def test_draws_have_the_law_of_the_model(plain, tempering):
    n = 4000
    drawn = plain.sample(n, n_steps=1, tempering=tempering, random_state=0)
    assert drawn.shape == (n, 4)
    assert drawn.dtype == object
    frame = frame_of(drawn)
    oracle = MixedOracle(plain, N_LEVELS)
    law = [
        np.exp(oracle.score(levels, [NAN, NAN]))
        for levels in product(range(3), range(2))
    ]
    assert_draws_from(np.array(law), codes_of(frame))
    prior = np.exp(oracle.log_prior)
    for number, name in enumerate(("length", "width")):
        deviation = np.sqrt(oracle.covariance[number, number])

        def cdf(x, number=number, deviation=deviation):
            return (
                stats.norm.cdf(x[:, None], oracle.means[:, number], deviation) @ prior
            )

        assert stats.kstest(frame[name].to_numpy(), cdf).pvalue > 1e-4
    # Also what they say of each other.
    products = frame["length"] * (frame["letter"] == "a")
    given = np.exp(oracle.log_levels[0][:, 0])
    exact = prior @ (given * oracle.means[:, 0])
    assert_mean_is(exact, products.to_numpy())
    exact = prior @ (oracle.means[:, 0] * oracle.means[:, 1] + oracle.covariance[0, 1])
    assert_mean_is(exact, (frame["length"] * frame["width"]).to_numpy())


def test_draws_have_spikes_in_their_shares(odd):
    drawn = odd.sample(4000, random_state=0)
    X = pd.DataFrame({"spent": [0.0, 0.0, NAN, NAN], "letter": ["0", "1"] * 2})
    probability = np.exp(odd.score_samples(X))
    law = np.append(probability[:2], probability[2:] - probability[:2])
    codes = 2 * (drawn[:, 0] != 0) + (drawn[:, 1] == "1")
    assert_draws_from(law, codes.astype(int))
    # The rest has the density: its integrals up to some numbers are the shares.
    numbers = fine_numbers(odd)
    density = np.exp(
        odd.score_samples(pd.DataFrame({"spent": numbers, "letter": None}))
    )
    ends = np.concatenate(
        [[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(numbers))]
    )
    rest = drawn[drawn[:, 0] != 0, 0].astype(float)
    assert (
        stats.kstest(np.interp(rest, numbers, ends / ends[-1]), "uniform").pvalue > 1e-4
    )


@pytest.mark.parametrize("temperature", [0.3, 3.0])
def test_temperature_divides_the_energy(plain, temperature):
    """Of numbers it leaves a constant, and multiplies their covariance."""
    drawn = frame_of(plain.sample(4000, temperature=temperature, random_state=0))
    oracle = MixedOracle(plain, N_LEVELS)
    letters, flags = oracle.log_levels
    joint = oracle.log_prior[:, None, None] + letters[:, :, None] + flags[:, None]
    law = softmax(joint / temperature)
    assert_draws_from(law.sum(axis=0).ravel(), codes_of(drawn))
    prior, deviation = (
        law.sum(axis=(1, 2)),
        np.sqrt(temperature * oracle.covariance[0, 0]),
    )
    cdf = lambda x: stats.norm.cdf(x[:, None], oracle.means[:, 0], deviation) @ prior  # noqa: E731
    assert stats.kstest(drawn["length"].to_numpy(), cdf).pvalue > 1e-4


def test_draws_of_gaps_have_the_law_given_the_rest(plain):
    n = 3000
    given = table(1, seed=5).assign(letter=None, width=NAN)
    drawn = frame_of(plain.sample(n, given=given, random_state=0))
    assert (drawn["length"] == given["length"][0]).all()
    assert (drawn["flag"] == given["flag"][0]).all()
    assert_draws_from(
        plain.conditional_proba(given, "letter")[0],
        np.array(["abc".index(x) for x in drawn["letter"]]),
    )
    oracle = MixedOracle(plain, N_LEVELS)
    ((levels, values),) = rows_of(given)
    law = softmax(oracle.joint(levels, values))
    c = oracle.covariance
    slope = c[0, 1] / c[0, 0]
    means = oracle.means[:, 1] + slope * (values[0] - oracle.means[:, 0])
    deviation = np.sqrt(c[1, 1] - slope * c[0, 1])
    cdf = lambda x: stats.norm.cdf(x[:, None], means, deviation) @ law  # noqa: E731
    assert stats.kstest(drawn["width"].to_numpy(), cdf).pvalue > 1e-4


def test_draws_given_everything_or_nothing(odd):
    X = odd_table(20, seed=2)
    drawn = odd.sample(given=X, random_state=0)
    np.testing.assert_allclose(drawn[:, 0].astype(float), X["spent"], rtol=1e-10)
    assert (drawn[:, 0] == 0).tolist() == (X["spent"] == 0).tolist()
    assert drawn[:, 1].tolist() == X["letter"].tolist()
    empty = pd.DataFrame({"spent": [NAN], "letter": [None]})
    drawn = odd.sample(4000, given=empty, random_state=0)
    zero = np.exp(odd.score_samples(empty.assign(spent=0.0))[0])
    assert_draws_from(np.array([1 - zero, zero]), (drawn[:, 0] == 0).astype(int))


def test_gibbs_leaves_the_law_as_it_is(odd):
    """Also of numbers with levels, of which complete rows have no real values."""
    start = odd.sample(3000, random_state=0)
    frame = pd.DataFrame(start, columns=["spent", "letter"])
    moved = odd.gibbs(frame, n_steps=2, random_state=1)
    assert (moved[:, 1] != start[:, 1]).any()
    X = pd.DataFrame({"spent": [0.0, 0.0, NAN, NAN], "letter": ["0", "1"] * 2})
    probability = np.exp(odd.score_samples(X))
    law = np.append(probability[:2], probability[2:] - probability[:2])
    codes = 2 * (moved[:, 0] != 0) + (moved[:, 1] == "1")
    assert_draws_from(law, codes.astype(int))
    same = odd.gibbs(frame, n_steps=0)
    assert (same[:, 1] == start[:, 1]).all()
    np.testing.assert_allclose(same[:, 0].astype(float), start[:, 0].astype(float))


def test_gibbs_holds_what_is_fixed(odd):
    X = odd_table(200, seed=3)
    moved = odd.gibbs(X, fixed=[True, False], n_steps=20, random_state=0)
    np.testing.assert_allclose(moved[:, 0].astype(float), X["spent"], rtol=1e-6)
    assert ((moved[:, 0] == 0) == (X["spent"] == 0)).all()
    assert (moved[:, 1] != X["letter"]).any()
    moved = odd.gibbs(X, fixed=[False, True], n_steps=20, random_state=0)
    assert (moved[:, 1] == X["letter"]).all()
    assert ((moved[:, 0] == 0) != (X["spent"] == 0)).any()


def test_chains_start_where_they_are_told_to(odd):
    X = odd_table(3)
    drawn = odd.sample(6, init=X, n_steps=0, random_state=0)
    np.testing.assert_allclose(
        drawn[:, 0].astype(float), np.tile(X["spent"], 2), rtol=1e-6
    )
    assert drawn[:, 1].tolist() == [*X["letter"], *X["letter"]]
    with pytest.raises(ValueError, match="X contains NaN, but chains start from compl"):
        odd.sample(init=X.assign(spent=NAN))
    with pytest.raises(
        ValueError, match="X contains NaN, but chains move complete row"
    ):
        odd.gibbs(X.assign(letter=None))


def test_the_same_seed_gives_the_same(plain):
    X = table()
    again = clone(plain).fit(X)
    np.testing.assert_array_equal(parameters(again), parameters(plain))
    other = clone(plain).set_params(random_state=1).fit(X)
    assert (parameters(other) != parameters(plain)).any()
    for draw in (lambda seed: plain.sample(5, random_state=seed),):
        assert (draw(0) == draw(0)).all()
        assert (draw(0) != draw(1)).any()


# ---- containers ----


@pytest.mark.parametrize("kind", ["pandas", "polars", "default"])
def test_output_is_what_is_asked_for(kind):
    X = table(60)
    X.index = np.arange(60)[::-1]
    model = MixedRBM(1, n_groups=2, random_state=0).fit(X)
    model.set_output(transform=kind)
    frames = {
        "sample": model.sample(3, random_state=0),
        "given": model.sample(given=X[:3].assign(letter=None), random_state=0),
        "gibbs": model.gibbs(X[:3], random_state=0),
        "inverse": model.inverse_transform(model.transform(X[:3])),
    }
    scores = model.conditional_score_samples(X[:3])
    hidden = model.transform(X[:3])
    if kind == "default":
        for frame in frames.values():
            assert type(frame) is np.ndarray
            assert frame.dtype == object
        assert scores.dtype == hidden.dtype == np.float64
        return
    type_ = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[kind]
    for frame in [*frames.values(), scores, hidden]:
        assert type(frame) is type_
    for name, frame in frames.items():
        assert list(frame.columns) == list(X.columns)
        if kind == "polars":
            assert frame.dtypes == [pl.Float64, pl.String, pl.Float64, pl.Boolean]
        else:
            kinds = [dtype.kind for dtype in frame.dtypes]
            assert kinds[0] == kinds[2] == "f"
            assert kinds[3] == "b"
            assert pd.api.types.is_string_dtype(frame["letter"])
            expected = [0, 1, 2] if name == "sample" else [59, 58, 57]
            assert frame.index.tolist() == expected
    assert list(scores.columns) == list(X.columns)
    assert list(hidden.columns) == ["mixedrbm0", "mixedrbm1", "mixedrbm2"]
    if kind == "pandas":
        assert scores.index.tolist() == hidden.index.tolist() == [59, 58, 57]


def test_the_container_does_not_matter():
    X = table(80)
    settings = {"n_groups": 2, "random_state": 0}
    model = MixedRBM(1, **settings).fit(X)
    others = {
        "polars": pl.DataFrame({name: X[name].tolist() for name in X}),
        "objects": X.astype(object).to_numpy(),
        "lists": X.astype(object).to_numpy().tolist(),
        "dtypes": X.astype({"letter": "category", "flag": "boolean"}),
        "nullable": X.astype({"letter": "string", "length": "Float64"}),
    }
    for name, other in others.items():
        found = MixedRBM(1, **settings).fit(other)
        np.testing.assert_array_equal(
            parameters(found), parameters(model), err_msg=name
        )
        np.testing.assert_array_equal(
            found.score_samples(other), model.score_samples(X)
        )


def test_kinds_of_missing_values_are_the_same():
    X = make_gaps(table(80))
    settings = {"n_groups": 2, "random_state": 0}
    model = MixedRBM(1, **settings).fit(X)
    objects = X.astype(object)
    for missing in (None, pd.NA, NAN, pd.NaT):
        other = objects.copy()
        for name in other:
            other[name] = [missing if pd.isna(x) else x for x in objects[name]]
        found = MixedRBM(1, categorical_features=["letter", "flag"], **settings).fit(
            other
        )
        np.testing.assert_array_equal(parameters(found), parameters(model))


# ---- which columns are categories ----


@pytest.mark.parametrize(
    "chosen",
    [
        ["letter", "flag", "code"],
        [1, 3, 4],
        [-1, 1, 3],
        [False, True, False, True, True],
        np.array([False, True, False, True, True]),
        pd.Index(["letter", "flag", "code"]),
    ],
)
def test_categories_are_those_named(chosen):
    X = table(60).assign(code=np.arange(60) % 3)
    model = MixedRBM(1, n_groups=1, categorical_features=chosen).fit(X)
    assert [own is None for own in model.categories_] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert model.categories_[4].tolist() == [0, 1, 2]
    assert set(model.sample(20)[:, 4]) <= {0, 1, 2}


def test_no_column_need_be_a_category():
    X = table(60)[["length", "width"]].assign(flag=np.arange(60) % 2 == 0)
    model = MixedRBM(1, n_groups=1, categorical_features=None, spike_share=1.0).fit(X)
    assert model.categories_ == [None] * 3
    assert model.sample(2).dtype == np.float64
    for features in (None, []):
        with pytest.raises(ValueError, match="'letter' is read as numbers, and holds"):
            MixedRBM(categorical_features=features).fit(table(60))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["colour"], r"has \['colour'\], which are no columns of X"),
        ([4], r"has \[4\], but X 4 columns"),
        ([-5], r"has \[-5\], but X 4 columns"),
        ([True, False], r"as a mask has shape \(2,\), but X 4 columns"),
    ],
)
def test_categories_that_are_not_there(chosen, message):
    with pytest.raises(ValueError, match=message):
        MixedRBM(categorical_features=chosen).fit(table(20))


def test_names_without_names():
    with pytest.raises(ValueError, match="these are without names"):
        MixedRBM(categorical_features=["a"]).fit(table(20).to_numpy())


def test_unknown_levels(plain):
    X = table(3).assign(letter=["a", "z", None])
    with pytest.raises(
        ValueError, match=r"Column 'letter' has levels .* in fit: .'z'.. S"
    ):
        plain.score_samples(X)
    tolerant = MixedRBM(2, n_groups=3, handle_unknown="missing", **PLAIN).fit(table())
    np.testing.assert_array_equal(
        tolerant.score_samples(X),
        plain.score_samples(X.assign(letter=["a", None, None])),
    )


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_columns_in_another_order_are_refused(plain):
    X = table(3)
    with pytest.raises(ValueError, match="must be in the same order"):
        plain.score(X[["letter", "length", "width", "flag"]])
    with pytest.raises(ValueError, match="should match those that were passed"):
        plain.score(X.rename(columns={"letter": "colour"}))
    with pytest.raises(
        ValueError, match="X has 3 features, but MixedRBM is expecting 4"
    ):
        plain.score(X.to_numpy()[:, :3])


# ---- other models of the package ----


def bits(n_rows=150):
    rng = np.random.default_rng(0)
    return (rng.random((n_rows, 4)) < rng.choice([0.15, 0.85], (n_rows, 1))).astype(
        bool
    )


def test_tables_of_bits_have_the_scores_of_a_binary_rbm():
    X = bits()
    model = MixedRBM(2, n_groups=1, random_state=0).fit(X)
    on, off = slice(1, None, 2), slice(0, None, 2)
    rbm = BinaryRBM.from_parameters(
        model.components_[:, on] - model.components_[:, off],
        model.intercept_visible_[on] - model.intercept_visible_[off],
        model.intercept_hidden_ + model.components_[:, off].sum(axis=1),
    )
    np.testing.assert_allclose(
        model.score_samples(X), rbm.score_samples(X), rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(model.transform(X), rbm.transform(X), rtol=0, atol=1e-10)


def test_tables_of_numbers_have_the_scores_of_a_gaussian_rbm():
    X = table()[["length", "width"]].to_numpy()
    for kind in ("full", "diag"):
        model = MixedRBM(2, n_groups=1, covariance_type=kind, **PLAIN).fit(X)
        noise = model.noise_covariance_ if kind == "full" else model.noise_variance_
        rbm = GaussianRBM.from_parameters(
            model.components_,
            model.intercept_visible_,
            model.intercept_hidden_,
            noise,
            covariance_type=kind,
        )
        np.testing.assert_allclose(
            model.score_samples(X), rbm.score_samples(X), rtol=0, atol=1e-8
        )
        np.testing.assert_allclose(
            model.transform(X), rbm.transform(X), rtol=0, atol=1e-8
        )


@pytest.mark.parametrize("kind", ["bits", "numbers"])
def test_optima_are_as_high_as_those_of_models_for_one_kind(kind):
    """The best of a few starts each; the ridge takes less than a hundredth."""
    if kind == "bits":
        X, other = bits(), BinaryRBM(2, algorithm="exact", tol=1e-3)
        table = X.astype(float)
    else:
        rng = np.random.default_rng(0)
        table = X = 5 * rng.integers(0, 2, (200, 2)) + rng.normal(size=(200, 2))
        other = GaussianRBM(2, algorithm="exact", tol=1e-3)
    settings = {"algorithm": "exact", "alpha": 0.0, "tol": 1e-3, "max_iter": 400}
    model = MixedRBM(2, n_groups=1, straighten=False, spike_share=1.0, **settings)
    best, expected = (
        max(
            clone(own).set_params(random_state=seed, max_iter=400).fit(rows).score(rows)
            for seed in range(4)
        )
        for own, rows in ((model, X), (other, table))
    )
    assert best == pytest.approx(expected, abs=0.02)


def test_without_binary_units_it_is_a_mixture_of_products():
    X = table()
    model = MixedRBM(0, n_groups=3, covariance_type="diag", **PLAIN).fit(X)
    own, field = model, model.components_ + model.intercept_visible_
    letters, flags = softmax(field[:, :3], axis=1), softmax(field[:, 3:5], axis=1)
    normal = stats.norm(field[:, 5:], np.sqrt(own.noise_variance_))
    # Of groups as large as the rows that they take; their mean posterior is that.
    posterior = model.transform(X)
    rows = np.array([[*levels, *values] for levels, values in rows_of(X)])
    log_parts = (
        np.log(letters[:, rows[:, 0].astype(int)]).T
        + np.log(flags[:, rows[:, 1].astype(int)]).T
        + normal.logpdf(rows[:, None, 2:]).sum(axis=2)
    )
    sizes = np.exp(MixedOracle(model, N_LEVELS).log_prior)
    expected = logsumexp(log_parts + np.log(sizes), axis=1)
    np.testing.assert_allclose(model.score_samples(X), expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(posterior.mean(axis=0), sizes, rtol=0, atol=0.05)


def test_separate_groups_are_found():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 60)
    X = pd.DataFrame({"x": 20.0 * kind + rng.normal(size=180), "c": kind.astype(str)})
    model = MixedRBM(0, n_groups=3, random_state=0).fit(X)
    found = model.transform(X).argmax(axis=1)
    assert len({(a, b) for a, b in zip(kind, found, strict=True)}) == 3


@pytest.mark.parametrize(
    ("n_rows", "n_groups"), [(20, 2), (200, 4), (1000, 8), (10_000, 16)]
)
def test_the_number_of_groups_follows_that_of_rows(n_rows, n_groups):
    assert MixedRBM()._number_of_groups(n_rows) == n_groups


# ---- ways to learn ----


def independent_score(X):
    """Mean log-likelihood of independent columns, to be beaten."""
    return MixedRBM(0, n_groups=1, random_state=0).fit(X).score(X)


@pytest.mark.parametrize(
    ("n_components", "gaps"), [(14, False), (14, True), (22, True)]
)
@pytest.mark.filterwarnings("ignore:The standard error of the score")
def test_many_hidden_units(n_components, gaps):
    """Learned by chains; above 20 log Z is annealed, above 12 rows with gaps are."""
    X = make_gaps(table(80), 0.05) if gaps else table(80)
    model = MixedRBM(
        n_components, n_groups=1, max_iter=200, log_partition_tol=0.3, random_state=0
    ).fit(X)
    assert model.n_iter_ == 200
    score = model.score(X)
    assert (model.log_partition_std_ > 0) == (n_components > 20)
    assert model.log_partition_std_ < 0.5
    assert score > independent_score(X) - 0.1
    drawn = model.sample(5, n_steps=50, random_state=0)
    assert set(drawn[:, 1]) <= set("abc")


@pytest.mark.parametrize("solver", ["natural", "sgd"])
def test_chunks(solver):
    X = table(400)
    model = MixedRBM(1, n_groups=2, solver=solver, random_state=0, **{"n_chains": 100})
    model.partial_fit(X[:200])
    first = model.score(X)
    for _ in range(20):
        model.partial_fit(X[:200]).partial_fit(X[200:])
    assert model.n_iter_ == 41
    assert model.score(X) > first
    with pytest.raises(ValueError, match="n_groups was 2 when learning began and is 3"):
        copy.deepcopy(model).set_params(n_groups=3).partial_fit(X)
    with pytest.raises(ValueError, match="has levels that were not seen"):
        model.partial_fit(X.assign(letter="z"))


def test_rows_held_out_end_learning():
    model = MixedRBM(1, n_groups=2, early_stopping=True, max_iter=400, random_state=0)
    model.fit(table(300))
    assert np.isfinite(model.history_["validation_log_likelihood"]).all()
    assert model.score(table(300)) > independent_score(table(300))


def test_whole_weights_are_repeats():
    X = table(60)
    repeats = np.random.default_rng(0).integers(0, 4, 60)
    settings = {"n_groups": 2, "max_iter": 10, "random_state": 0}
    weighted = MixedRBM(1, **settings).fit(X, sample_weight=repeats)
    repeated = MixedRBM(1, **settings).fit(X.loc[X.index.repeat(repeats)])
    np.testing.assert_allclose(
        parameters(weighted), parameters(repeated), rtol=0, atol=1e-8
    )
    assert weighted.score(X, sample_weight=repeats) == pytest.approx(
        repeated.score(X.loc[X.index.repeat(repeats)]), abs=1e-8
    )
    unweighted = MixedRBM(1, **settings).fit(X)
    assert abs(unweighted.score(X) - weighted.score(X)) > 1e-3


def test_whole_weights_are_repeats_of_rows_with_gaps():
    """Where all starts lead to one end; starts draw what is missing of each row."""
    X = make_gaps(table(60)).assign(spent=odd_table(60)["spent"])
    repeats = np.random.default_rng(0).integers(0, 4, 60)
    model = MixedRBM(0, n_groups=1, tol=1e-11, max_iter=2000, random_state=0)
    weighted = clone(model).fit(X, sample_weight=repeats)
    repeated = clone(model).fit(X.loc[X.index.repeat(repeats)])
    np.testing.assert_allclose(
        parameters(weighted), parameters(repeated), rtol=0, atol=1e-3
    )
    unweighted = clone(model).fit(X)
    assert np.abs(parameters(unweighted) - parameters(repeated)).max() > 0.05


@pytest.mark.parametrize("algorithm", ["em", "pcd"])
def test_rows_of_weight_zero_are_absent(algorithm):
    """With levels, numbers and spikes that occur only there."""
    X = table(80)
    more = table(40, seed=1).assign(letter="z", length=1e6)
    weights = np.append(np.ones(80), np.zeros(40))
    model = MixedRBM(1, n_groups=2, algorithm=algorithm, max_iter=10, random_state=0)
    zero = clone(model).fit(pd.concat([X, more]), sample_weight=weights)
    absent = clone(model).fit(X)
    np.testing.assert_array_equal(parameters(zero), parameters(absent))
    assert zero.categories_[1].tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(zero.score_samples(X), absent.score_samples(X))


def test_another_unit_of_numbers_changes_their_density_alone():
    X = table()
    model = MixedRBM(2, n_groups=2, random_state=0).fit(X)
    other = X.assign(length=1000 * X["length"] + 7e4, width=X["width"] * 1e-3)
    found = MixedRBM(2, n_groups=2, random_state=0).fit(other)
    np.testing.assert_allclose(
        found.score_samples(other), model.score_samples(X), rtol=0, atol=1e-5
    )


# ---- odd tables ----


def test_one_row():
    X = table(1)
    model = MixedRBM(random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert model.sample(2, random_state=0)[:, 1].tolist() == X["letter"].tolist() * 2


@pytest.mark.parametrize("name", table(1).columns)
def test_one_column(name):
    X = table(100)[[name]]
    model = MixedRBM(1, n_groups=2, random_state=0).fit(X)
    if name in {"letter", "flag"}:
        levels = sorted(set(X[name]))
        law = np.exp(model.score_samples(pd.DataFrame({name: levels})))
        shares = [np.mean(X[name] == level) for level in levels]
        np.testing.assert_allclose(law.sum(), 1, rtol=1e-10)
        np.testing.assert_allclose(law, shares, rtol=0, atol=0.03)
    assert model.sample(3).shape == (3, 1)


def test_constant_columns():
    X = table(60).assign(length=3.0, letter="a")
    model = MixedRBM(1, n_groups=2, random_state=0).fit(X)
    scores = model.score_samples(X)
    assert np.isfinite(scores).all()
    rest = MixedRBM(1, n_groups=2, random_state=0).fit(X[["width", "flag"]])
    # A level that is all there is says nothing, nor does such a number.
    own = (
        model.score_samples(X[:1])[0] - model.score_samples(X[:1].assign(length=NAN))[0]
    )
    assert abs(own) < 0.05
    assert abs(scores.mean() - own - rest.score(X[["width", "flag"]])) < 0.3
    drawn = frame_of(model.sample(50, random_state=0))
    assert (drawn["letter"] == "a").all()
    assert (drawn["length"] == 3).mean() > 0.9


def test_numbers_that_are_wholly_missing_say_nothing():
    X = table(100)
    model = MixedRBM(1, n_groups=2, random_state=0).fit(X.assign(nothing=NAN))
    other = MixedRBM(1, n_groups=2, random_state=0).fit(X)
    found = model.score_samples(X.assign(nothing=NAN))
    assert abs(found.mean() - other.score(X)) < 0.05
    drawn = model.sample(2000, random_state=0)[:, 4].astype(float)
    # Of what nothing is known a standard normal law is given.
    assert abs(drawn.mean()) < 0.3
    assert 0.5 < drawn.std() < 2


def test_categories_that_are_wholly_missing_tell_nothing():
    X = table(20)
    more = X.assign(nothing=pd.Series([None] * 20, dtype=object))
    model = MixedRBM(random_state=0).fit(more)
    assert model.categories_[-1].tolist() == [None]
    assert np.isfinite(model.score_samples(more)).all()
    assert (model.conditional_proba(more, "nothing") == 1).all()
    drawn = model.set_output(transform="pandas").sample(5, random_state=0)
    assert drawn["nothing"].isna().all()
    with pytest.raises(ValueError, match="Column 'nothing' has levels that were not"):
        model.score_samples(more.assign(nothing="something"))


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_is_refused(plain, bad):
    X = table(3).assign(length=[1.0, bad, 2.0])
    for call in (plain.score_samples, MixedRBM().fit):
        with pytest.raises(ValueError, match="Column 'length' contains infinity"):
            call(X)


# ---- in searches and pipelines ----


def test_searches_rank_by_score():
    X = table(120)
    search = GridSearchCV(MixedRBM(1, random_state=0), {"n_groups": [1, 3]}, cv=2).fit(
        X
    )
    found = search.cv_results_["mean_test_score"]
    assert np.isfinite(found).all()
    assert search.best_params_ == {"n_groups": 3}
    assert search.score(X) == search.best_estimator_.score(X)


def test_pipelines():
    X = table(60)
    pipeline = make_pipeline(
        FunctionTransformer(), MixedRBM(1, n_groups=2, random_state=0)
    )
    pipeline.fit(X)
    assert pipeline.transform(X).shape == (60, 3)
    assert pipeline.score(X) == pipeline[-1].score(X)
    names = pipeline[-1].get_feature_names_out()
    assert names.tolist() == ["mixedrbm0", "mixedrbm1", "mixedrbm2"]


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))],  # noqa: S301
)
def test_copies_score_and_draw_the_same(odd, duplicate):
    other, X = duplicate(odd), odd_table(10)
    np.testing.assert_array_equal(other.score_samples(X), odd.score_samples(X))
    drawn = [own.sample(5, random_state=0) for own in (odd, other)]
    assert (drawn[0] == drawn[1]).all()
    other.set_params(n_components=3).fit(X)
    assert odd.components_.shape == (3, 5)


def test_clones_are_not_fitted(plain):
    other = clone(plain)
    assert other.get_params() == plain.get_params()
    assert not hasattr(other, "components_")


def test_rows_with_gaps_that_are_far_from_all_have_finite_scores(odd):
    X = pd.DataFrame({"spent": [1e12, -1e12], "letter": [None, "1"]})
    assert np.isfinite(odd.score_samples(X)).all()
    assert (odd.score_samples(X) < -100).all()


def test_what_is_held_stays_to_the_last_bit():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"kind": list("xy") * 100, "size": np.exp(2 * rng.normal(size=200))}
    )
    model = MixedRBM(random_state=0).fit(X).set_output(transform="pandas")
    assert (model.sample(given=X, random_state=0) == X).all(axis=None)
    held = model.gibbs(X, fixed=[False, True], random_state=0)
    assert (held["size"] == X["size"]).all()


def test_labels_that_were_never_seen_are_not_looked_at():
    X = pd.DataFrame({"kind": list("xy") * 30, "size": np.tile([0.0, 1.0], 30)})
    model = MixedRBM(random_state=0).fit(X)
    new = model.conditional_proba(X.assign(kind="new"), "kind")
    np.testing.assert_array_equal(new, model.conditional_proba(X, "kind"))


def test_numbers_that_cannot_be_summed():
    X = np.random.default_rng(0).normal(size=(20, 2))
    MixedRBM(2, max_iter=1).fit(X * [1, 1e299])
    with pytest.raises(ValueError, match=r"Column 1 holds 1e\+308, .* Divide them by"):
        MixedRBM(2, max_iter=1).fit(np.column_stack([X[:, 0], np.full(20, 1e308)]))
