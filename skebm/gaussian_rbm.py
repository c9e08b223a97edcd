"""The restricted Boltzmann machine with Gaussian visible units."""

__all__ = ["GaussianRBM"]

from copy import deepcopy
from numbers import Integral, Real

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.langevin_rbm import LangevinGaussianRBMEnergy
from skebm.energy.scaled import ScaledEnergy
from skebm.estimator.base import BaseRealModel
from skebm.estimator.features import HiddenUnitsMixin
from skebm.estimator.minima import LowestEnergyMixin
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    check_bias,
    check_constructor,
    check_noise,
    check_noise_factors,
    check_scales,
)
from skebm.learning.metric import KroneckerMetric
from skebm.learning.starts.correlations import sample_size
from skebm.learning.starts.directions import start_parameters
from skebm.learning.starts.factors import choose_n_factors, fit_factors
from skebm.learning.starts.scales import fit_scales
from skebm.sampling.random import UniformNoise
from skebm.units.binary import BinaryUnits
from skebm.units.data import patterns
from skebm.units.factors import FactorUnits
from skebm.units.gaussian import GaussianUnits, whiten_covariance

# So few are summed over in less time than minibatches take to get as far.
_MAX_EXACT_UNITS = 10

# Beyond so many values all rows take longer, for hundreds of iterations, than
# minibatches do, which end a few hundredths of a nat below; and so do few rows of
# many columns, of which the noise can take any shape.
_MAX_EXACT_VALUES = 200_000

# Beyond so many patterns of what is missing, factors of the covariance for each of them
# take longer at each look at the rows than minibatches do to learn.
_MOST_PATTERNS = 50

# Of so many columns the whole covariance is learned without asking whether the rows
# are enough: it has no more than 5000 entries.
_MOST_NARROW_COLUMNS = 100

# Times that what is missing is drawn anew before learning, given the factors that what
# was drawn before has. With 40 % of the values missing, no more were found after these.
_ROUNDS_OF_GAPS = 8

# Attributes that fits of some settings have.
_OF_SOME_FITS = (
    "noise_covariance_",
    "noise_factors_",
    "location_",
    "scales_",
    "scale_weights_",
    "step_size_",
)


def _has_lowest_energy(estimator):
    """Refuse the search for minima where densities have scales."""
    if estimator._has_scales:
        raise AttributeError(
            "lowest_energy needs rows of one scale: the search for minima knows the "
            "energy of complete pairs at one scale, not at several. Fit with "
            "n_scales=1, or look at the rows of lowest free_energy."
        )
    return True


class GaussianRBM(HiddenUnitsMixin, BaseRealModel):
    r"""Restricted Boltzmann machine with Gaussian visible and binary hidden units.

    A normalised density of real-valued rows, and features of them, learned by
    maximum likelihood without labels. It is a mixture of ``2 ** n_components`` normal
    distributions, which share their covariance, the noise, and whose means are the
    corners of a parallelepiped.

    Columns of any location and scale are taken as they are: rescaling or shifting
    one changes nothing but the unit of the density.

    Parameters
    ----------
    n_components : int, default=8
        Number of hidden units. So few are learned exactly, and say most of what
        tables of some tens of columns have beyond their covariance; images want
        as many as they have pixels.
    covariance_type : {"auto", "full", "factor", "diag", "spherical"}, default="auto"
        The noise: "full" gives it any covariance, so that without hidden units the
        model is one normal distribution; "factor" gives each feature a variance of its
        own, and all features a few factors to share, as `FactorAnalysis` does; "diag"
        has the variances alone; "spherical" gives all features the same, and takes
        their units as equal.

        "full" is far ahead of "diag" where features are correlated. It takes
        n_features**2 parameters, and time in proportion, which need many rows; "factor"
        takes n_features for each factor. Before learning, a fifth of up to 5000 rows is
        held out, and the number of factors is the one under which these are likeliest.
        "auto" is "full" with at most 100 features. With more it is "factor", unless the
        rows held out are likelier with any covariance, or `n_scales` is above 1.
        `partial_fit` goes by its first chunk, which should have many rows.
    noise_variance : float or array-like of shape (n_features,), default=None
        Known variance of the noise, in the square of the units of the data. None
        learns it, as `covariance_type` says.
    n_scales : int, default=1
        Number of scales. With one, all rows vary by the same amount. With more, each
        row has one of these scales, drawn at random, and is stretched away from
        `location_` by its root. Use more than one where rows differ in contrast, as
        image patches do, or where columns have heavy tails together. The scales and
        their probabilities are learned. Several scales take time in proportion. They
        exclude `noise_variance`, ``covariance_type="factor"``, ``sampler="langevin"``
        and `lowest_energy`.
    reg_covar : float, default=1e-3
        Added to the variance of every feature, as a share of it, when the noise is
        learned, which keeps the density finite where features are constant, follow
        from each other, or hidden units say all of them. Without weights, the
        variance of the noise is that of the data times ``1 + reg_covar``. Constant
        features count as of variance 1. With several scales it is a share of the mean
        square of each row less the centre, so that rows of a small scale can have less
        noise than others; and its square is added to every row.
    algorithm : {"auto", "pcd", "cd", "exact"}, default="auto"
        How the model's side of the gradient is found: "exact" sums over all
        configurations of the hidden units, of which there can be at most 20, and
        climbs the likelihood of all rows by L-BFGS, without noise; it uses
        `max_iter`, `tol`, `alpha` and `l1_ratio` of the parameters of learning, and
        only `fit`. "pcd" continues `n_chains` persistent chains (persistent
        contrastive divergence [2]_); "cd" starts a chain from each row of the batch.
        "auto" is "exact" with at most 10 hidden units, more rows than columns, at most
        ``200000 / n_scales`` values in the table, and no `early_stopping`. With a
        noise of correlated features the missing values must also come in at most ``50 /
        n_scales`` patterns. Otherwise, and in `partial_fit`, "auto" is "pcd".
    solver : {"natural", "sgd"}, default="natural"
        Which way steps of "pcd" and "cd" go: "sgd" along the gradient, in units of
        the noise; "natural" along a natural gradient [3]_, in which besides the
        second moment of the hidden units is inverted. Its steps are `learning_rate`
        times the natural gradient, shortened where that is longer than 1 in this
        metric.
    sampler : {"gibbs", "langevin"}, default="gibbs"
        How chains move: in learning, in `sample` and `gibbs`, and in annealing.
        "gibbs" draws one hidden unit after the other, with the visible ones integrated
        out. "langevin" moves rows by Metropolis-adjusted Langevin steps [5]_ along the
        slope of the free energy, with the hidden units summed out. They were measured
        to get a tenth to a fifth as far a second as block Gibbs, which "gibbs" is ahead
        of, so they serve as a check by other moves. Sums that are exact stay so.
    tempering : bool, default=False
        Whether the persistent chains are drawn by parallel tempering.
    n_gibbs_steps : int, default=1
        Sweeps of the chains in each update, or Langevin steps.
    n_chains : int, default=500
        Number of persistent chains, whatever the batch size. Unused by "cd".
    learning_rate : float, default=0.1
        Step size at the start. `fit` raises it by a tenth, up to ten times of it,
        after each hundred updates that gain more than 0.1 nats, and lowers it where
        the likelihood falls.
    decay_fraction : float, default=0.5
        Share of `max_iter`, at its end, over which the step size falls linearly to
        zero. `partial_fit` keeps it.
    batch_size : int, default=200
        Largest number of rows in an update.
    max_iter : int or None, default=None
        Number of updates of the parameters, at most. None is 2000, 20000 with
        `early_stopping`, or 1000 iterations of L-BFGS with "exact". Columns in which
        values repeat, as counts do, and single rows far from all others take many
        times that: the noise shrinks to `reg_covar` around these values, which makes
        the likelihood as high as that allows, and says little of new rows.
    early_stopping : bool, default=False
        Whether to hold out rows, keep the parameters under which these have the
        highest likelihood, and stop when that no longer rises.
    validation_fraction : float, default=0.1
        Share of the rows that `early_stopping` holds out, at least one row and at
        most 1000.
    n_iter_no_change : int, default=20
        Measurements, one every hundred updates, without a rise by `tol`, after
        which `early_stopping` goes back to the best parameters and lowers the step
        size. The third time in a row it stops.
    tol : float, default=1e-4
        Least rise of the likelihood, in nats, that counts as one. For "exact",
        the largest derivative at which learning ends, in units of the noise.
    alpha : float, default=0.0
        Strength of the penalty of the weights W, in units of the noise: what is
        maximised is the mean log-likelihood less ``alpha * (l1_ratio * |W|_1 + (1 -
        l1_ratio) / 2 * |W|_2**2)``.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, under which weights become exactly zero; with a
        "full" noise they are zero in its units only. Where chains are drawn, a weak one
        leaves some of them near zero, by the noise of the last update.
    log_partition_tol : float, default=0.03
        Wanted standard error of `log_partition_`, in nats, where there are more than
        20 hidden units and it is estimated by annealed importance sampling.
    max_ais_temperatures : int, default=10000
        Most steps of that annealing. Where they do not suffice for
        `log_partition_tol` there is a `ConvergenceWarning`.
    n_ais_chains : int, default=100
        Chains of that annealing, at least 2. Twice as many need half the steps.
    random_state : int, RandomState instance or None, default=None
        Determines the starting weights, the order of the rows, all draws during
        learning, and the annealing. Pass an int for reproducible results.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        What each hidden unit, when on, adds to the mean of the features.
    intercept_visible_ : ndarray of shape (n_features,)
        Mean of the features when no hidden unit is on.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases of the hidden units.
    noise_variance_ : ndarray of shape (n_features,)
        Variance of each feature given the hidden units.
    noise_covariance_ : ndarray of shape (n_features, n_features)
        Covariance of the features given the hidden units, if it is "full".
    noise_factors_ : ndarray of shape (n_factors, n_features)
        What each factor of the noise, of unit variance, adds to the features, if it has
        factors: strongest first, and uncorrelated in units of the own noise. The
        covariance given the hidden units is ``noise_factors_.T @ noise_factors_`` off
        its diagonal, which is `noise_variance_`.
    scales_ : ndarray of shape (n_scales,)
        The scales, in rising order. The covariance of a row is multiplied by its scale.
        Their mean, weighted by `scale_weights_`, is 1. The other attributes describe
        rows of scale 1. This attribute and the next two exist only with `n_scales`
        above 1.
    scale_weights_ : ndarray of shape (n_scales,)
        Probabilities of the scales.
    location_ : ndarray of shape (n_features,)
        The point from which rows are stretched.
    step_size_ : float
        Length of Langevin steps, with ``sampler="langevin"``. At 1 a row keeps
        exp(-1) of its way from the mean that it is drawn to.
    log_partition_ : float
        Log partition function in nats, once it is known; see `log_partition`.
    log_partition_std_ : float
        Standard error of `log_partition_` in nats, 0 when exact.
    log_partition_effective_sample_size_ : float
        Number of equally weighted chains that the annealed ones are worth, or draws
        where none were annealed.
    n_iter_ : int
        Number of updates of the parameters made.
    history_ : dict of str to ndarray of shape (n_measurements,)
        What the last `fit` measured: as of `BinaryRBM`. With "exact" the likelihood
        is less what `reg_covar` costs.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    See Also
    --------
    BinaryRBM : For rows of zeros and ones.
    MixedRBM : Gives values that many rows share a probability of their own.
    EnergyOutlierDetector : Finds outliers by the score of this model, or another.
    skebm.datasets.make_laplace_sources : Rows of which the true density is known.
    sklearn.decomposition.FactorAnalysis : Hidden units that are Gaussian as well.
    sklearn.mixture.GaussianMixture : As many normal distributions as components.

    Notes
    -----
    The energy of visible units v, real, and hidden units h, 0 or 1, is

    .. math:: E(v, h) = \sum_i \frac{(v_i - a_i)^2}{2 \sigma_i^2} - h^T b
        - \sum_{ij} \frac{v_i W_{ij} h_j}{\sigma_i^2},

    or, with a noise of any covariance :math:`\Sigma`, :math:`(v - a)^T \Sigma^{-1}
    (v - a) / 2 - h^T b - v^T \Sigma^{-1} W h` [1]_. The columns of W are the rows of
    `components_`. With the visible units integrated out, the hidden ones are a
    Boltzmann machine with couplings :math:`W^T \Sigma^{-1} W`: chains move through its
    configurations alone, each unit given all others, and log Z is that of this machine
    and a constant [4]_.

    With several scales s, of probabilities :math:`\pi_s`, a row is :math:`v = c +
    \sqrt{s} (y - c)`, where c is `location_` and y is a row of the machine above. So
    the density is a mixture of as many densities as there are scales [5]_, and neither
    log Z nor chains are other ones. Energies that are given sum the scales out, as free
    energies do the hidden units: :math:`-\log \sum_s \pi_s s^{-d/2} e^{-E(y_s(v), h)}`
    for d columns. In learning, a row v counts as if noise of variance :math:`\rho |v -
    m|^2 / d + \rho^2` were added to each column. Here :math:`\rho` is `reg_covar` and m
    is the centre of the table, in columns of variance 1. The first part is relative to
    the size of the row. The second keeps small scales from shrinking to nothing.

    Learning works in columns of mean 0 and variance 1, those of the first chunk in
    `partial_fit`. It starts from random orthogonal directions in which rows are taken
    to make excursions, rare ones if they are more peaked than normal rows.

    References
    ----------
    .. [1] Welling, M., Rosen-Zvi, M. and Hinton, G. (2004). Exponential family
       harmoniums with an application to information retrieval. NIPS, 1481-1488.
    .. [2] Tieleman, T. (2008). Training restricted Boltzmann machines using
       approximations to the likelihood gradient. ICML, 1064-1071.
       :doi:`10.1145/1390156.1390290`
    .. [3] Amari, S. (1998). Natural gradient works efficiently in learning. Neural
       Computation 10(2), 251-276. :doi:`10.1162/089976698300017746`
    .. [4] Barra, A., Bernacchia, A., Santucci, E. and Contucci, P. (2012). On the
       equivalence of Hopfield networks and Boltzmann machines. Neural Networks 34,
       1-9. :doi:`10.1016/j.neunet.2012.06.003`
    .. [5] Roberts, G. O. and Tweedie, R. L. (1996). Exponential convergence of Langevin
       distributions and their discrete approximations. Bernoulli 2(4), 341-363.
       :doi:`10.2307/3318418`

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import GaussianRBM
    >>> rng = np.random.default_rng(0)
    >>> X = rng.laplace(size=(2000, 2)) @ [[1, 0.5], [0.3, 1]]
    >>> rbm = GaussianRBM(n_components=4, random_state=0).fit(X)
    >>> rbm.transform(X).shape
    (2000, 4)
    >>> from sklearn.mixture import GaussianMixture
    >>> bool(rbm.score(X) > GaussianMixture().fit(X).score(X) + 0.05)
    True

    Rows that vary by how far all of their columns go together:

    >>> X = rng.normal(size=(2000, 3)) * rng.choice([1, 5], size=(2000, 1))
    >>> rbm = GaussianRBM(2, n_scales=2, random_state=0).fit(X)
    >>> bool(22 < rbm.scales_[1] / rbm.scales_[0] < 28)  # of variances; 25 drew them
    True
    >>> bool(rbm.score(X) > GaussianRBM(2, random_state=0).fit(X).score(X) + 0.2)
    True
    """

    _parameter_constraints: dict = {
        **BaseRealModel._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [
            StrOptions({"auto", "full", "factor", "diag", "spherical"})
        ],
        "noise_variance": [
            Interval(Real, 0, None, closed="neither"),
            "array-like",
            None,
        ],
        "n_scales": [Interval(Integral, 1, None, closed="left")],
        "reg_covar": [Interval(Real, 0, None, closed="neither")],
        "algorithm": [StrOptions({"auto", "pcd", "cd", "exact"})],
        "solver": [StrOptions({"natural", "sgd"})],
        "sampler": [StrOptions({"gibbs", "langevin"})],
    }
    # Of ten tables, eight were learned within so many; the two others gained less than
    # 0.02 nats on rows held out by more. Where values repeat, 11000 took 20 seconds.
    _most_iterations = 1000

    _structural_parameters = (
        "n_components",
        "n_scales",
        "solver",
        "sampler",
        "covariance_type",
        "reg_covar",
    )

    def __init__(
        self,
        n_components=8,
        *,
        covariance_type="auto",
        noise_variance=None,
        n_scales=1,
        reg_covar=1e-3,
        algorithm="auto",
        solver="natural",
        sampler="gibbs",
        tempering=False,
        n_gibbs_steps=1,
        n_chains=500,
        learning_rate=0.1,
        decay_fraction=0.5,
        batch_size=200,
        max_iter=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=20,
        tol=1e-4,
        alpha=0.0,
        l1_ratio=0.0,
        log_partition_tol=0.03,
        max_ais_temperatures=10_000,
        n_ais_chains=100,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.noise_variance = noise_variance
        self.n_scales = n_scales
        self.reg_covar = reg_covar
        self.algorithm = algorithm
        self.solver = solver
        self.sampler = sampler
        self.tempering = tempering
        self.n_gibbs_steps = n_gibbs_steps
        self.n_chains = n_chains
        self.learning_rate = learning_rate
        self.decay_fraction = decay_fraction
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.log_partition_tol = log_partition_tol
        self.max_ais_temperatures = max_ais_temperatures
        self.n_ais_chains = n_ais_chains
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls,
        components,
        intercept_visible,
        intercept_hidden,
        noise,
        *,
        noise_factors=None,
        scales=None,
        scale_weights=None,
        location=None,
        X=None,
        **params,
    ):
        """Make a fitted estimator from known parameters.

        Parameters
        ----------
        components : array-like of shape (n_components, n_features)
            What each hidden unit adds to the mean of the features.
        intercept_visible : array-like of shape (n_features,)
            Mean of the features when no hidden unit is on.
        intercept_hidden : array-like of shape (n_components,)
            Biases of the hidden units.
        noise : float or array-like of shape (n_features,) or (n_features, n_features)
            Variance of the features given the hidden units, one for all or one for
            each, or their covariance.
        noise_factors : array-like of shape (n_factors, n_features), default=None
            What factors of unit variance, which features share, add to them. They are a
            part of the noise, of which `noise` then has the variances, theirs included.
        scales : array-like of shape (n_scales,), default=None
            What the covariance of the features is multiplied by, rows of one scale
            each. None is one scale of 1.
        scale_weights : array-like of shape (n_scales,), default=None
            Probabilities of the scales. None gives all the same.
        location : array-like of shape (n_features,), default=None
            From where rows are stretched by their scales. None is `intercept_visible`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Data in whose location and scale learning goes on with `partial_fit`. None
            takes those of the noise.
        **params : dict
            Parameters of the constructor except `n_components`. Without a
            `covariance_type` it is "full" for a covariance, "factor" with factors, and
            "diag" for variances alone.
            With a `noise_variance`, `noise` must be the same; with an `n_scales`, there
            must be as many scales.

        Returns
        -------
        rbm : GaussianRBM
            Fitted, with these parameters in float64.

        Raises
        ------
        ValueError
            If the shapes do not fit each other, the noise is not positive definite,
            or it is not of the kind that `covariance_type` and `noise_variance` say; or
            if scales are not positive, or not as many as `n_scales`, or their weights
            are no probabilities.

        Examples
        --------
        >>> from skebm import GaussianRBM
        >>> rbm = GaussianRBM.from_parameters([[0.0]], [0.0], [0.0], [1.0])
        >>> rbm.score_samples([[0], [1]]).round(4)  # the standard normal density
        array([-0.9189, -1.4189])
        """
        components = check_array(components, dtype=np.float64, copy=True)
        n_components, n_features = components.shape
        noise = check_noise(noise, n_features)
        kind = "full" if noise.ndim == 2 else "diag"
        if noise_factors is not None:
            noise_factors = check_noise_factors(noise_factors, noise)
            kind = "factor"
        params.setdefault("covariance_type", kind)
        n_scales = 1
        if scales is not None:
            scales, scale_weights = check_scales(scales, scale_weights)
            n_scales = len(scales)
        if params.setdefault("n_scales", n_scales) != n_scales:
            raise ValueError(
                f"The scales make a model of n_scales={n_scales}, and n_scales is "
                f"{params['n_scales']}. Leave n_scales out, or pass as many scales."
            )
        rbm = cls(n_components, **params)
        check_constructor(rbm)
        if n_scales > 1:
            rbm._check_beside_scales()
        attributes = {
            "components_": components,
            "intercept_visible_": check_bias(
                intercept_visible, "intercept_visible", n_features
            ),
            "intercept_hidden_": check_bias(
                intercept_hidden, "intercept_hidden", n_components
            ),
            **rbm._take_noise(noise, noise_factors),
        }
        if n_scales > 1:
            attributes |= {"scales_": scales, "scale_weights_": scale_weights}
            attributes["location_"] = attributes["intercept_visible_"].copy()
            if location is not None:
                attributes["location_"] = check_bias(location, "location", n_features)
        elif scale_weights is not None or location is not None:
            raise ValueError("scale_weights and location say nothing without scales.")
        rbm._adopt(attributes, n_features, X)
        return rbm

    lowest_energy = available_if(_has_lowest_energy)(LowestEnergyMixin.lowest_energy)

    @property
    def _noise_is_independent(self):
        """Whether columns are independent given the hidden units."""
        independent = self.covariance_type in {"diag", "spherical"}
        return independent or self.noise_variance is not None

    @property
    def _one_scale(self):
        return self.covariance_type == "spherical"

    @property
    def _has_scales(self):
        """Whether rows have several scales: those learned, whatever is set since."""
        if hasattr(self, "components_"):
            return hasattr(self, "scales_")
        return self.n_scales > 1

    def _algorithm(self, rows):
        if self.algorithm != "auto":
            return self.algorithm
        if rows is None or self.early_stopping:
            return "pcd"
        n_values = rows.n_rows * rows.n_columns * self.n_scales
        feasible = (
            self.n_components <= _MAX_EXACT_UNITS
            and n_values <= _MAX_EXACT_VALUES
            and rows.total_weight > rows.n_columns
        )
        if rows.has_missing and not self._noise_is_independent:
            n_patterns = len(patterns(rows.observed(slice(None))))
            feasible &= n_patterns * self.n_scales <= _MOST_PATTERNS
        return "exact" if feasible else "pcd"

    def _begin(self, rows, rng, algorithm, start=None):
        if rows.has_missing and self._may_have_factors(rows.n_columns):
            # What nothing is known of is drawn apart from the rest at first. Factors
            # would be lost by that, and would not come back.
            own = deepcopy(rng)
            chosen = rows.sample(sample_size(rows.n_columns), own)  # as next, of rng
            noise = UniformNoise(own, np.float64)
            nothing = np.zeros((1, rows.n_columns)), np.zeros(rows.n_columns)
            for _ in range(_ROUNDS_OF_GAPS):
                sample = rows.take(chosen)
                n_factors = choose_n_factors(sample, self.reg_covar, own)
                units = fit_factors(sample, n_factors, self.reg_covar, own)
                energy = GaussianRBMEnergy.of(*nothing, np.zeros(1), units)
                rows.refresh(chosen, energy, noise)
        return super()._begin(rows, rng, algorithm, start)

    def _initial_energy(self, sample, rng):
        for name in _OF_SOME_FITS:
            vars(self).pop(name, None)  # of an earlier fit
        self._known_noise = self._given_noise(sample.shape[1])
        scales = noise = None
        if self.n_scales > 1:
            self._check_beside_scales()
            floor = self.reg_covar**2
            scales = fit_scales(sample, self.n_scales, floor, self._restricted)
            covariance = scales.covariance + self.reg_covar * np.eye(sample.shape[1])
            sample = scales.unscaled(sample, rng)
            whitening = self._units_whitening(covariance)
        else:
            whitening = self._whitening(sample, rng)
        if self._known_noise is not None:
            noise = self._independent(self._known_noise / self._scale**2)
        machine = self._of(
            *start_parameters(whitening, self.n_components, rng, noise, sample)
        )
        if scales is None:
            return machine
        return ScaledEnergy.of(machine, *scales[:3])

    def _whitening(self, sample, rng):
        """Give the units that make rows white as far as the noise can."""
        ridge, n_columns = self.reg_covar, sample.shape[1]
        n_factors = None
        if self._may_have_factors(n_columns):
            or_full = self.covariance_type == "auto"
            # From a copy, so that the rest is drawn as if all had been asked for.
            own = deepcopy(rng)
            n_factors = choose_n_factors(sample, ridge, own, or_full=or_full)
            if n_factors is not None:
                return fit_factors(sample, n_factors, ridge, own)
        covariance = sample.T @ sample / len(sample)
        covariance += ridge * np.eye(n_columns)
        return self._units_whitening(self._restricted(covariance))

    def _may_have_factors(self, n_columns):
        """Say whether rows are asked for factors of the noise."""
        if self._noise_is_independent or self.n_scales > 1:
            return False
        is_wide = n_columns > _MOST_NARROW_COLUMNS
        return self.covariance_type == "factor" or (
            self.covariance_type == "auto" and is_wide
        )

    def _units_whitening(self, covariance):
        """Make units of which rows of this covariance are white."""
        if self._noise_is_independent:
            return self._independent(np.diag(covariance))
        return GaussianUnits.of_base(whiten_covariance(covariance))

    def _restricted(self, covariance):
        """Give what a covariance is where columns are independent."""
        if not self._noise_is_independent:
            return covariance
        variance = np.diag(covariance)
        if self._one_scale:
            variance = np.full_like(variance, variance.mean())
        return np.diag(variance)

    def _given_noise(self, n_features):
        """Validate `noise_variance`: give a variance for each feature, or None."""
        if self.noise_variance is None or isinstance(self.noise_variance, Real):
            given = self.noise_variance
            return None if given is None else np.full(n_features, float(given))
        variance = check_bias(self.noise_variance, "noise_variance", n_features)
        if not (variance > 0).all():
            raise ValueError(
                f"noise_variance={self.noise_variance} must be positive. Use None to "
                "learn it."
            )
        return variance

    def _check_beside_scales(self, *, factors=False):
        """Refuse what rows of several scales cannot have."""
        if self.noise_variance is not None:
            raise ValueError(
                "noise_variance is the noise of every row, and with "
                f"n_scales={self.n_scales} rows have noise of several scales. Leave "
                "noise_variance out, or set n_scales=1."
            )
        if self.covariance_type == "factor" or factors:
            raise ValueError(
                f"Rows of n_scales={self.n_scales} scales are learned with other noise "
                "than that of factors. Set covariance_type to 'full' or 'diag', or "
                "n_scales=1."
            )
        self._check_sampler_of_scales()

    def _check_sampler_of_scales(self):
        if self.sampler == "langevin":
            raise ValueError(
                "Langevin steps move rows along one slope, and rows of several scales "
                "have a slope at each of them. Set sampler='gibbs', or fit with "
                "n_scales=1."
            )

    def _take_noise(self, noise, factors=None):
        """Give the attributes of noise that a user passes, if it is of our kind."""
        self._known_noise = self._given_noise(len(noise))
        may_be_full = not self._noise_is_independent
        if factors is not None or self.covariance_type == "factor":
            may_share = may_be_full and self.covariance_type != "full"
            if factors is None or not may_share:
                raise ValueError(
                    "noise_factors go with covariance_type='factor' and "
                    "noise_variance=None, and it with them. Pass all of these, or none."
                )
            if self.n_scales > 1:
                self._check_beside_scales(factors=True)
            return {"noise_variance_": noise, "noise_factors_": factors}
        if may_be_full:
            covariance = noise if noise.ndim == 2 else np.diag(noise)
            return {
                "noise_variance_": np.diag(covariance).copy(),
                "noise_covariance_": covariance,
            }
        if noise.ndim == 2:
            raise ValueError(
                "noise is a covariance, which asks for covariance_type='full' and "
                "noise_variance=None. Pass the variances alone to keep these settings."
            )
        if self._known_noise is not None:
            if not np.array_equal(noise, self._known_noise):
                raise ValueError(
                    f"noise={noise} is not what noise_variance={self.noise_variance} "
                    "says is known. Leave noise_variance out to learn on from it."
                )
        elif self._one_scale and np.ptp(noise) > 0:
            raise ValueError(
                f"noise={noise} differs between features, which "
                "covariance_type='spherical' excludes. Use covariance_type='diag'."
            )
        return {"noise_variance_": noise}

    def _check_structure(self):
        super()._check_structure()
        given = self._given_noise(self.n_features_in_)
        if not np.array_equal(given, self._known_noise):
            raise ValueError(
                f"noise_variance is {self.noise_variance} now, which is not what it "
                "was when learning began. Set it back, or call fit to begin again."
            )

    def _independent(self, variance):
        """Make units with noise of given variances, in the model's units."""
        return GaussianUnits.of_base(
            1 / np.sqrt(variance),
            shared=self._one_scale,
            fixed=self._known_noise is not None,
        )

    def _of(self, weights, visible_bias, hidden_bias, visible):
        family = GaussianRBMEnergy
        if self.sampler == "langevin":
            family = LangevinGaussianRBMEnergy
        energy = family.of(
            weights, visible_bias, hidden_bias, visible, BinaryUnits(len(weights))
        )
        if hasattr(self, "step_size_") and self.sampler == "langevin":
            energy = energy.replaced(length=self.step_size_)
        # To noise that does not learn, nothing is added.
        ridge = self.reg_covar if self._known_noise is None else 0.0
        log_volume = float(np.log(self._scale).sum())
        return energy.replaced(ridge=ridge, log_volume=log_volume)

    def _metric(self, energy, sample):
        if self.solver == "sgd":
            return None
        return KroneckerMetric.start(energy, None, diagonal=self.alpha > 0)

    def _parameters(self, energy):
        if not isinstance(energy, ScaledEnergy):
            return self._parameters_of_machine(energy, self._location)
        order = np.argsort(energy.log_scales)
        shares, scales = energy.shares[order], energy.roots[order] ** 2
        mean = shares @ scales
        centre = self._location + self._scale * energy.centre
        machine = energy.machine.stretched(np.sqrt(mean))
        return {
            **self._parameters_of_machine(machine, centre),
            "location_": centre,
            "scales_": scales / mean,
            "scale_weights_": shares,
        }

    def _parameters_of_machine(self, energy, location):
        """Name the attributes of a machine of rows less a location, in our units."""
        scale, units = self._scale, energy.visible
        means = units.states(np.vstack([energy.weights, energy.visible_bias]))
        # The hidden units see rows that are no longer centred.
        field = energy.weights @ units.statistics(location / scale)
        attributes = {
            "components_": means[:-1] * scale,
            "intercept_visible_": means[-1] * scale + location,
            "intercept_hidden_": energy.hidden_bias - field,
            "noise_variance_": units.variances() * scale**2,
        }
        if self._known_noise is not None:
            attributes["noise_variance_"] = self._known_noise.copy()
        if self.sampler == "langevin":
            attributes["step_size_"] = energy.length
        if isinstance(units, FactorUnits):
            attributes["noise_factors_"] = units.factors() * scale
        elif units.is_full:
            covariance = units.covariance()
            attributes["noise_covariance_"] = covariance * np.outer(scale, scale)
        return attributes

    def _energy(self):
        if not self._has_scales:
            return self._machine(self._location)
        self._check_sampler_of_scales()
        return ScaledEnergy.of(
            self._machine(self.location_),
            np.log(self.scales_),
            np.log(self.scale_weights_),
            (self.location_ - self._location) / self._scale,
        )

    def _machine(self, location):
        """Build the machine of rows less a location, in our units."""
        scale = self._scale
        # Parameters of the constructor may have changed since these were learned.
        if hasattr(self, "noise_covariance_"):
            covariance = self.noise_covariance_ / np.outer(scale, scale)
            units = GaussianUnits.of_base(whiten_covariance(covariance))
        elif hasattr(self, "noise_factors_"):
            own = self.noise_variance_ - (self.noise_factors_**2).sum(axis=0)
            units = FactorUnits.of_factors(own / scale**2, self.noise_factors_ / scale)
        else:
            units = self._independent(self.noise_variance_ / scale**2)
        weights = units.statistics(self.components_ / scale)
        visible_bias = units.statistics((self.intercept_visible_ - location) / scale)
        field = weights @ units.statistics(location / scale)
        return self._of(weights, visible_bias, self.intercept_hidden_ + field, units)
