"""Associative memories: networks that recall the rows stored in them."""

__all__ = ["HopfieldNetwork"]

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skebm.energy.memory_mixture import MemoryMixture
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.polynomial import PolynomialEnergy
from skebm.energy.spins import binary_from_spins
from skebm.estimator.binarized import states_of
from skebm.estimator.doc_link import DocLinkMixin
from skebm.estimator.minima import LowestEnergyMixin
from skebm.estimator.missing import MissingValuesMixin
from skebm.estimator.recalling import RecallMixin
from skebm.estimator.sampling import SamplingMixin
from skebm.estimator.stored_rows import StoredRowsMixin
from skebm.estimator.storing import StoringMixin
from skebm.estimator.validation import (
    Interval,
    Pairs,
    StrOptions,
    available_unless,
    underflow_is_zero,
)
from skebm.learning.hebbian import RULES


def _lists_no_minima(memory):
    """Say why minima of real rows are not listed."""
    if memory.states is not None:
        return None
    return (
        "Minima of real rows are not listed. Those that rows come to are what "
        "transform gives: take the distinct ones."
    )


@underflow_is_zero
class HopfieldNetwork(
    StoringMixin,
    RecallMixin,
    StoredRowsMixin,
    SamplingMixin,
    LowestEnergyMixin,
    MissingValuesMixin,
    DocLinkMixin,
    BaseEstimator,
):
    r"""Hopfield network: an associative memory that recalls the rows it has stored.

    Use it to find the stored row that a damaged one was. `fit` stores rows. `transform`
    takes rows with errors or gaps back to the stored ones that they resemble, and
    `predict` says which these are. To learn a distribution from data, take another
    model: this one keeps every row, and learns in one pass.

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
        Power of the overlap in the polynomial interaction, at least 2. Under an even
        one the opposite of a stored row has the same energy as the row, and under an
        odd one a high energy. Rows that are alike need a larger one than rows at
        random.
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
    max_sweeps : int, default=1000
        Most sweeps over all units in recall, which ends earlier where nothing moves
        any more. That is mostly after a few; real rows between several stored ones can
        take hundreds. 1 makes a single step.
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
        "states": [Pairs({(0, 1), (-1, 1)}), None],
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
        max_sweeps=1000,
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

    # All that recall can end at, memories or not.
    lowest_energy = available_unless(_lists_no_minima)(LowestEnergyMixin.lowest_energy)

    def _energy(self):
        """Build the energy of rows in units."""
        check_is_fitted(self)
        self._check_structure()
        if self.interaction == "exponential":
            return self._mixture()
        if self.interaction == "polynomial":
            strengths = np.ones(len(self.memories_))
            return PolynomialEnergy(strengths, self._spins(), int(self.degree))
        couplings, bias = self.couplings_, self.intercept_
        if states_of(self) == (-1, 1):
            couplings, bias, _ = binary_from_spins(couplings, bias)
        return PairwiseEnergy.of(couplings, bias)

    def _mixture(self):
        with np.errstate(over="ignore", invalid="ignore"):
            if self.states is None:
                alike = self.similarity == "euclidean"
                memories = self._memories_in_units()
                mixture = MemoryMixture.of_reals(memories, self.beta, alike=alike)
            else:
                mixture = MemoryMixture.of_spins(self._spins(), self.beta)
            finite = np.isfinite(mixture.memory_free_energies).all()
        if not finite:
            raise ValueError(
                f"The squares of stored rows times beta={self.beta} are so large that "
                "they are not finite. Lower beta, or divide X by a constant."
            )
        return mixture

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
        if self.interaction != "quadratic" or states_of(self) == (0, 1):
            return 0.0
        return binary_from_spins(self.couplings_, self.intercept_)[2]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
