"""Associative memories: networks that recall the rows stored in them."""

__all__ = ["HopfieldNetwork"]

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skebm.energy.memory_mixture import MemoryMixture
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.polynomial import PolynomialEnergy
from skebm.energy.spins import binary_from_spins, spins_from_binary
from skebm.estimator.missing import MissingValuesMixin
from skebm.estimator.recalling import RecallMixin
from skebm.estimator.sampling import SamplingMixin
from skebm.estimator.stored_rows import StoredRowsMixin
from skebm.estimator.validation import (
    Interval,
    Options,
    StrOptions,
    all_or_nothing,
    check_constructor,
    fit_context,
    refuse_missing,
)
from skebm.learning.hebbian import RULES
from skebm.warning import warn_user

# Stored rows from which chains are told where the groups are, at most.
_MOST_KNOWN_ROWS = 1000


class HopfieldNetwork(
    RecallMixin, StoredRowsMixin, SamplingMixin, MissingValuesMixin, BaseEstimator
):
    r"""Hopfield network: an associative memory that recalls the rows it has stored.

    `fit` stores rows. `transform` takes rows with errors or gaps back to the stored
    ones that they resemble, and `predict` says which these are. To learn a distribution
    from data, take another model: this one keeps every row, and learns in one pass.

    Parameters
    ----------
    rule : {"hebbian", "storkey", "pseudoinverse"}, default="hebbian"
        How rows become couplings of the quadratic interaction. "hebbian" adds up
        products of pairs [1]_: of N features it recalls about 0.138 N rows, as long as
        these are independent of each other. "storkey" recalls more, and takes rows one
        by one [2]_. "pseudoinverse" makes any linearly independent rows fixed points,
        up to N - 1 of them, also rows that are alike [3]_. The other interactions keep
        the rows themselves, and have no rule.
    interaction : {"quadratic", "polynomial", "exponential"}, default="quadratic"
        How the energy falls with the overlap of a row and a stored one. "quadratic" is
        the classical network, a `BoltzmannMachine` whose couplings are set by `rule`.
        "polynomial" is a dense associative memory [4]_, which recalls of the order of
        ``N ** (degree - 1)`` rows. "exponential" is the modern network [5]_, whose
        capacity grows exponentially with N, and of which rows may be real numbers.
        Take it where recall is what matters: rows that are alike, or many.
    degree : int, default=3
        Power of the overlap in the polynomial interaction, at least 2. Under an odd one
        rows repel those with the opposite of every value; under an even one they
        attract these as well.
    beta : float, default=1.0
        Sharpness of the exponential interaction. Of real rows 1 / `beta` is the
        variance around each stored row. A small one takes rows to means of several
        stored ones; binary rows are recalled by 1 in all but the smallest tables.
    similarity : {"dot", "euclidean"}, default="dot"
        What stored rows compete by where rows are real. By "dot" one step of recall is
        attention [6]_, ``softmax(beta * X @ M.T) @ M``, in which rows of larger norm
        win. By "euclidean" all stored rows are on a par, whatever their norm: take it
        unless rows have the same norm.
    states : {(0, 1), (-1, 1)} or None, default=(0, 1)
        What the two values of a unit are called: bits, or spins. Data are expected,
        rows recalled and parameters reported in this convention, which changes neither
        recall nor probabilities. None takes rows as real numbers, which needs
        ``interaction="exponential"``.
    update : {"auto", "asynchronous", "synchronous"}, default="auto"
        Whether binary units move one after the other in the order of the features, by
        which the energy never rises, or all at once, which is much faster. "auto" is
        "synchronous" where the energy cannot rise either: of the exponential
        interaction, and the polynomial one of even degree. Elsewhere rows may then
        alternate between two. Real rows always move as a whole.
    max_sweeps : int, default=100
        Most sweeps over all units in recall, which ends earlier where nothing moves
        any more; that is mostly after a few. 1 makes a single step.
    max_mismatch : float, default=0.05
        Up to what share of wrong values `predict` takes a row for a stored one. Rows
        recalled near the capacity of the Hebbian rule have less than 0.02 wrong, and
        states that mix several stored rows have 0.25. Of real rows it is the mean
        squared difference as a share of the variance of the stored rows.
    binarize : float, default=0.5
        Values above it are the upper state, others the lower. The two states, and
        booleans, pass as they are, anything else with a warning. It is a value of
        the data: for other data than spins under ``states=(-1, 1)`` it may have to
        be 0. Real rows are not looked at this way.

    Attributes
    ----------
    memories_ : ndarray of shape (n_memories, n_features)
        The rows stored, in the values of `states`: those of `fit`, and of each
        `partial_fit` after it, in their order.
    couplings_ : ndarray of shape (n_features, n_features)
        Couplings W, symmetric with zero diagonal; of the quadratic interaction.
    intercept_ : ndarray of shape (n_features,)
        Biases b, which are 0 of spins; of the quadratic interaction.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    See Also
    --------
    BoltzmannMachine : Learns such couplings from the distribution of rows.
    EnergyImputer : Fills gaps by a model of the table.
    sklearn.neighbors.KernelDensity : The density of real rows, by "euclidean".

    Notes
    -----
    With the N spins s of a row, the stored rows :math:`\xi_k` in spins, and overlaps
    :math:`m_k = s \cdot \xi_k / N` the energies are, in nats and but for a constant,

    .. math:: -\tfrac{1}{2} s^T J s, \qquad -\frac{N}{d} \sum_k m_k^d, \qquad
       -\log \sum_k e^{\beta s \cdot \xi_k} .

    The last is the free energy of a restricted machine with one categorical hidden
    unit. Of real rows x it has :math:`\beta |x|^2 / 2` more, and with "euclidean"
    :math:`\beta |\xi_k|^2 / 2` less in each exponent. The probability of a row
    is proportional to :math:`e^{-E}`. At a temperature T it is so to
    :math:`e^{-E / T}`; of the exponential interaction the hidden unit has the
    temperature as well, so that `beta` / T takes the place of `beta`.

    There are no weights of rows: a memory is recalled or not, and one that counts more
    only takes others in. Nor is there an `inverse_transform`, since many rows become
    the same one.

    References
    ----------
    .. [1] Hopfield, J. J. (1982). Neural networks and physical systems with emergent
       collective computational abilities. PNAS 79(8), 2554-2558.
       :doi:`10.1073/pnas.79.8.2554`
    .. [2] Storkey, A. J. and Valabregue, R. (1999). The basins of attraction of a new
       Hopfield learning rule. Neural Networks 12(6), 869-876.
       :doi:`10.1016/S0893-6080(99)00038-6`
    .. [3] Kanter, I. and Sompolinsky, H. (1987). Associative recall of memory without
       errors. Physical Review A 35(1), 380-392. :doi:`10.1103/PhysRevA.35.380`
    .. [4] Krotov, D. and Hopfield, J. J. (2016). Dense associative memory for pattern
       recognition. NeurIPS 29, 1172-1180. :doi:`10.48550/arXiv.1606.01164`
    .. [5] Demircigil, M., Heusel, J., Löwe, M., Upgang, S. and Vermet, F. (2017). On a
       model of associative memory with huge storage capacity. Journal of Statistical
       Physics 168(2), 288-299. :doi:`10.1007/s10955-017-1806-y`
    .. [6] Ramsauer, H. et al. (2021). Hopfield networks is all you need. ICLR.
       :doi:`10.48550/arXiv.2008.02217`

    Examples
    --------
    A hundred digits, recalled with a tenth of the pixels flipped:

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skebm import HopfieldNetwork
    >>> X = load_digits().data[:100] > 7
    >>> flipped = X ^ (np.random.default_rng(0).random(X.shape) < 0.1)
    >>> memory = HopfieldNetwork(interaction="exponential").fit(X)
    >>> bool(np.mean(memory.predict(flipped) == np.arange(100)) > 0.9)
    True
    >>> bool(np.mean(HopfieldNetwork().fit(X).predict(flipped) == np.arange(100)) > 0.1)
    False
    """

    _parameter_constraints: dict = {
        "rule": [StrOptions(set(RULES))],
        "interaction": [StrOptions({"quadratic", "polynomial", "exponential"})],
        "degree": [Interval(Integral, 2, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "similarity": [StrOptions({"dot", "euclidean"})],
        "states": [Options(tuple, {(0, 1), (-1, 1)}), None],
        "update": [StrOptions({"auto", "asynchronous", "synchronous"})],
        "max_sweeps": [Interval(Integral, 1, None, closed="left")],
        "max_mismatch": [Interval(Real, 0, 0.5, closed="left")],
        "binarize": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(
        self,
        rule="hebbian",
        *,
        interaction="quadratic",
        degree=3,
        beta=1.0,
        similarity="dot",
        states=(0, 1),
        update="auto",
        max_sweeps=100,
        max_mismatch=0.05,
        binarize=0.5,
    ):
        self.rule = rule
        self.interaction = interaction
        self.degree = degree
        self.beta = beta
        self.similarity = similarity
        self.states = states
        self.update = update
        self.max_sweeps = max_sweeps
        self.max_mismatch = max_mismatch
        self.binarize = binarize

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Store rows, forgetting any stored before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows; `binarize` says how values become units.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table; or if `rule`, `states` or `update` is
            one that `interaction` has no use for.

        Warns
        -----
        UserWarning
            If rows span all features under ``rule="pseudoinverse"``, so that no
            couplings are left.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> HopfieldNetwork().fit([[1, 1, 0], [0, 1, 1]]).memories_
        array([[1, 1, 0],
               [0, 1, 1]], dtype=int8)
        """
        self._check_choices()
        return self._store(X, first=True)

    @all_or_nothing
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Store rows beside those that are stored already.

        The result is that of `fit` to all of them, whatever the chunks.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows, read as in `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen before; or if `rule`,
            `interaction` or `states` has changed since rows were stored.

        Warns
        -----
        UserWarning
            As `fit` does.

        Examples
        --------
        >>> from skebm import HopfieldNetwork
        >>> memory = HopfieldNetwork().fit([[1, 1, 1, 0, 0, 0]])
        >>> memory.partial_fit([[0, 1, 0, 1, 0, 1]]).predict([[0, 1, 0, 1, 0, 0]])
        array([1])
        """
        check_constructor(self)  # scikit-learn does so at the first call only
        self._check_choices()
        first = not hasattr(self, "memories_")
        if not first:
            self._check_structure()
        return self._store(X, first=first)

    def _store(self, X, *, first):
        rows = self._check(X, reset=first)
        reason = "rows are stored complete. Leave out, or fill in, those that are not."
        refuse_missing(rows, reason)
        self._see(rows, first=first)
        added = rows.take(slice(None))
        dtype = np.float64 if self.states is None else np.int8
        added = self._in_states(added).astype(dtype)
        before = added[:0] if first else self.memories_
        self.memories_ = np.concatenate([before, added])
        self._structure = self._choices()
        if self.interaction == "quadratic":
            self._couple(len(added), first=first)
        self._known_rows = self._favoured_rows()
        return self

    def _favoured_rows(self):
        """List rows that have a low energy: some of the stored ones, and their like."""
        rows = self._memories_in_units()
        chosen = np.linspace(0, len(rows) - 1, _MOST_KNOWN_ROWS).astype(int)
        rows = rows[np.unique(chosen)]
        if self.interaction == "quadratic" or self._has_even_power:
            # The opposite of a row has the same energy; chains would not find it.
            rows = np.concatenate([rows, ~rows])
        return rows

    def _couple(self, n_added, *, first):
        """Store the last so many rows in the couplings."""
        stored, n_features = self._spins(), self.n_features_in_
        if first:
            couplings = np.zeros((n_features, n_features))
        elif self.states == (-1, 1):
            couplings = self.couplings_
        else:
            couplings, _, _ = spins_from_binary(self.couplings_, self.intercept_)
        couplings = RULES[self.rule](couplings, stored[-n_added:], stored)
        if self.rule == "pseudoinverse" and not couplings.any():
            warn_user(
                "The rows that are stored leave no couplings, which makes every row a "
                "fixed point: they span all features, or no two features go together. "
                "Store fewer, or set interaction='exponential'.",
                UserWarning,
            )
        bias = np.zeros(n_features)
        if self.states == (0, 1):
            couplings, bias, _ = binary_from_spins(couplings, bias)
        self.couplings_, self.intercept_ = couplings, bias

    def _check_choices(self):
        """Refuse parameters that do not go together."""
        if self.rule != "hebbian" and self.interaction != "quadratic":
            raise ValueError(
                f"rule={self.rule!r} is for couplings, which interaction="
                f"{self.interaction!r} does not have: it keeps the rows. Leave rule at "
                "'hebbian', or set interaction='quadratic'."
            )
        if self.states is None and self.interaction != "exponential":
            raise ValueError(
                f"states=None takes rows as real numbers, and interaction="
                f"{self.interaction!r} is of binary ones. Set interaction="
                "'exponential', or states."
            )
        if self.states is None and self.update == "asynchronous":
            raise ValueError(
                "Real rows move as a whole, and not one feature after the other. Set "
                "update='auto' where states=None."
            )

    def _choices(self):
        names = "rule", "interaction", "states"
        return {name: getattr(self, name) for name in names}

    def _check_structure(self):
        """Refuse what has been stored otherwise."""
        for name, value in self._structure.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} was {value!r} when rows were stored and is "
                    f"{getattr(self, name)!r} now. Set it back, or call fit to store "
                    "them again."
                )

    def _energy(self, temperature=1.0):
        """Build the energy of rows in units, over a temperature."""
        check_is_fitted(self)
        self._check_structure()
        if self.interaction == "exponential":
            sharpness = self.beta / temperature
            if self.states is None:
                alike = self.similarity == "euclidean"
                return MemoryMixture.of_reals(self.memories_, sharpness, alike=alike)
            return MemoryMixture.of_spins(self._spins(), sharpness)
        if self.interaction == "polynomial":
            strengths = np.full(len(self.memories_), 1 / temperature)
            return PolynomialEnergy(strengths, self._spins(), self.degree)
        couplings, bias = self.couplings_, self.intercept_
        if self.states == (-1, 1):
            couplings, bias, _ = binary_from_spins(couplings, bias)
        return PairwiseEnergy.of(couplings / temperature, bias / temperature)

    def _energy_at(self, temperature):
        return self._energy(temperature)

    def _run_ladders(self, energy, start, n_ladders, n_steps, rng):
        if self.states is None:
            raise ValueError(
                "Real rows have no ladder of temperatures. Leave out init, so that "
                "they are drawn exactly, or set tempering=False."
            )
        return super()._run_ladders(energy, start, n_ladders, n_steps, rng)

    @property
    def _energy_constant(self):
        """What the energy that users are told lies above that of units, in nats."""
        if self.interaction != "quadratic" or self.states == (0, 1):
            return 0.0
        return binary_from_spins(self.couplings_, self.intercept_)[2]

    def _memories_in_units(self):
        """Give the stored rows as units: boolean, or real."""
        return self.memories_ if self.states is None else self.memories_ > 0

    def _spins(self):
        """Give the stored rows as spins, float64."""
        return np.where(self._memories_in_units(), 1.0, -1.0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
