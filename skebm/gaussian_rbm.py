"""The restricted Boltzmann machine with Gaussian visible units."""

__all__ = ["GaussianRBM"]

from numbers import Integral, Real

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array

from skebm.energy.gaussian_rbm import GaussianRBMEnergy
from skebm.energy.grouped import GroupedEnergy
from skebm.energy.langevin_rbm import LangevinGaussianRBMEnergy
from skebm.estimator.base import BaseRealModel
from skebm.estimator.features import HiddenUnitsMixin
from skebm.estimator.minima import LowestEnergyMixin
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    check_bias,
    check_constructor,
    check_groups,
    check_noise,
    check_scales,
)
from skebm.learning.metric import KroneckerMetric
from skebm.learning.starts.correlations import sample_size
from skebm.learning.starts.directions import start_parameters
from skebm.learning.starts.groups import fit_groups
from skebm.learning.starts.number_of_groups import MOST_GROUPS, number_of_groups
from skebm.units.binary import BinaryUnits
from skebm.units.data import patterns
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

# Each group starts from as many rows as one alone would, up to so many in all, of which
# a covariance of 64 columns and 16 scales for each of 8 groups take half a minute.
_MOST_START_ROWS = 20_000

# Attributes that fits of some settings have.
_OF_SOME_FITS = (
    "noise_covariance_",
    "noise_covariances_",
    "noise_variances_",
    "group_weights_",
    "locations_",
    "location_",
    "scales_",
    "scale_weights_",
    "step_size_",
)


def _has_lowest_energy(estimator):
    """Refuse the search for minima where densities have scales."""
    if estimator._is_mixture:
        raise AttributeError(
            "lowest_energy needs rows of one group and one scale: the search for "
            "minima knows the energy of complete pairs of these, not of several. Fit "
            "with n_groups=1 and n_scales=1, or look at the rows of lowest free_energy."
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
    covariance_type : {"full", "diag", "spherical"}, default="full"
        The noise: "full" gives it any covariance, so that without hidden units the
        model is one normal distribution; "diag" gives each feature a variance of its
        own; "spherical" gives all features the same, and takes their units as
        equal. "full" is far ahead where features are correlated; it takes
        n_features**2 parameters, and time in proportion.
    noise_variance : float or array-like of shape (n_features,), default=None
        Known variance of the noise, in the square of the units of the data. None
        learns it, as `covariance_type` says.
    n_groups : int or "auto", default=1
        Number of states of one categorical hidden unit beside these: groups of rows.
        Each group has a location and a noise of its own, and so the covariances of a
        mixture of normal distributions; hidden units say in each of them what this
        leaves. Use more than one for a density of tables of several kinds of rows, and
        of image patches. "auto" tries 1, 2, 4, 8 and 16, and takes more as long as rows
        that are held out get likelier by more than the standard error. It takes
        seconds, and then the time of as many groups. Groups take ``n_features**2``
        parameters each if the noise is "full", and time in proportion. They exclude
        what several scales exclude.
    n_scales : int, default=1
        Number of scales of each group. With one, all rows of a group vary by the same
        amount. With more, each row has one of these scales, drawn at random, and is
        stretched away from `location_`, or the location of its group, by its root. Use
        more than one where rows differ in contrast, as image patches do, or where
        columns have heavy tails together. The scales and their probabilities are
        learned. Several scales take time in proportion. They exclude `noise_variance`,
        ``sampler="langevin"`` and `lowest_energy`.
    reg_covar : float, default=1e-3
        Added to the variance of every feature, as a share of it, when the noise is
        learned, which keeps the density finite where features are constant, follow
        from each other, or hidden units say all of them. Without weights, the
        variance of the noise is that of the data times ``1 + reg_covar``. Constant
        features count as of variance 1. With several scales it is a share of the mean
        square of each row less the centre of its group, so that rows of a small scale
        can have less noise than others; and its square is added to every row. Images
        with groups or scales want 1e-6, since what is added to their finest details is
        most of these. Columns that are nearly constant, or of few values, do not.
    algorithm : {"auto", "pcd", "cd", "exact"}, default="auto"
        How the model's side of the gradient is found: "exact" sums over all
        configurations of the hidden units, of which there can be at most 20, and
        climbs the likelihood of all rows by L-BFGS, without noise; it uses
        `max_iter`, `tol`, `alpha` and `l1_ratio` of the parameters of learning, and
        only `fit`. "pcd" continues `n_chains` persistent chains (persistent
        contrastive divergence [2]_); "cd" starts a chain from each row of the batch.
        "auto" is "exact" with at most 10 hidden units, more rows than columns, at most
        ``200000 / (n_groups * n_scales)`` values in the table, and no `early_stopping`.
        With a "full" noise the missing values must also come in at most ``50 /
        (n_groups * n_scales)`` patterns. An "auto" `n_groups` counts as 16. Otherwise,
        and in `partial_fit`, "auto" is "pcd".
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
    n_groups_ : int
        Number of groups.
    group_weights_ : ndarray of shape (`n_groups_`,)
        Probabilities of the groups. This attribute and the next three exist only with
        several groups. The noise of the machine, `noise_covariance_`, is then the mean
        of their noises, and `location_` that of their locations.
    locations_ : ndarray of shape (`n_groups_`, n_features)
        Where rows of each group are that the machine has at `location_`.
    noise_variances_ : ndarray of shape (`n_groups_`, n_features)
        Variance of each feature given the group and the hidden units.
    noise_covariances_ : ndarray of shape (`n_groups_`, n_features, n_features)
        Covariance of the features given these, if it is "full".
    scales_ : ndarray of shape (n_scales,) or (`n_groups_`, n_scales)
        The scales, in rising order, of each group if there are several. The covariance
        of a row is multiplied by its scale. Their mean, weighted by `scale_weights_`,
        is 1. The other attributes describe rows of scale 1. This attribute and the next
        exist only with `n_scales` above 1.
    scale_weights_ : ndarray of shape (n_scales,) or (`n_groups_`, n_scales)
        Probabilities of the scales, given the group.
    location_ : ndarray of shape (n_features,)
        The point from which rows are stretched, with several scales or groups.
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

    With several groups z, of probabilities :math:`\pi_z`, a row is :math:`v = c_z + L_z
    (y - c)`. Here y is a row of the machine above, c is `location_`, c_z are
    `locations_`, and L_z is the lower triangular matrix that turns the noise of the
    machine into that of the group. So hidden units have the same weights in all groups,
    in units of the noise of each, and which these are goes by the order of the columns.
    Neither log Z nor chains are other ones. Energies sum the groups out, as they do the
    scales: :math:`-\log \sum_z \pi_z |L_z|^{-1} e^{-E(y_z(v), h)}`.

    With several scales s, of probabilities :math:`\pi_s`, a row is :math:`v = c +
    \sqrt{s} (y - c)`, where c is `location_` and y is a row of the machine above. So
    the density is a mixture of as many densities as there are scales [5]_, and neither
    log Z nor chains are other ones. Energies that are given sum the scales out, as free
    energies do the hidden units: :math:`-\log \sum_s \pi_s s^{-d/2} e^{-E(y_s(v), h)}`
    for d columns. In learning, a row v counts as if noise of variance :math:`\rho |v -
    m|^2 / d + \rho^2` were added to each column. Here :math:`\rho` is `reg_covar` and m
    is where the centre of the group starts, in columns of variance 1. The first part is
    relative to the size of the row. The second keeps small scales from shrinking to
    nothing.

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

    Rows of two kinds, of which the columns are correlated in either way:

    >>> X = rng.normal(size=(2000, 2))
    >>> X[:, 1] = 0.5 * X[:, 1] + X[:, 0] * rng.choice([1, -1], size=2000)
    >>> rbm = GaussianRBM(2, n_groups="auto", random_state=0).fit(X)
    >>> rbm.n_groups_
    2
    >>> rbm.noise_covariances_[:, 0, 1].round().tolist() in ([1, -1], [-1, 1])
    True
    """

    _parameter_constraints: dict = {
        **BaseRealModel._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "diag", "spherical"})],
        "noise_variance": [
            Interval(Real, 0, None, closed="neither"),
            "array-like",
            None,
        ],
        "n_groups": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
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
        "n_groups",
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
        covariance_type="full",
        noise_variance=None,
        n_groups=1,
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
        self.n_groups = n_groups
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
        scales=None,
        scale_weights=None,
        location=None,
        group_weights=None,
        locations=None,
        noises=None,
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
        scales : array-like of shape (n_scales,) or (n_groups, n_scales), default=None
            What the covariance of the features is multiplied by, rows of one scale
            each. None is one scale of 1.
        scale_weights : array-like of the same shape, default=None
            Probabilities of the scales, given the group. None gives all the same.
        location : array-like of shape (n_features,), default=None
            From where rows are stretched by their scales, and taken to the locations of
            their groups. None is `intercept_visible`.
        group_weights : array-like of shape (n_groups,), default=None
            Probabilities of groups. None gives all the same.
        locations : array-like of shape (n_groups, n_features), default=None
            Where rows of each group are that the machine has at `location`. None is one
            group.
        noises : array-like of shape (n_groups,), (n_groups, n_features) or \
                (n_groups, n_features, n_features), default=None
            Noise of each group, as `noise` is that of the machine. None gives all the
            same as the machine.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Data in whose location and scale learning goes on with `partial_fit`. None
            takes those of the noise.
        **params : dict
            Parameters of the constructor except `n_components`. Without a
            `covariance_type` it is "full" for a covariance and "diag" for variances.
            With a `noise_variance`, `noise` must be the same; with an `n_scales`, there
            must be as many scales, and with an `n_groups` as many groups.

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
            are no probabilities; or if groups are not as many as `n_groups`, or lack
            locations.

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
        params.setdefault("covariance_type", "full" if noise.ndim == 2 else "diag")
        groups = check_groups(group_weights, locations, noises, n_features)
        own = {} if groups is None else groups
        sizes = {"n_groups": len(own.get("group_weights_", [1]))}
        own |= check_scales(scales, scale_weights, **sizes)
        sizes["n_scales"] = own["scales_"].shape[-1] if "scales_" in own else 1
        for name, size in sizes.items():
            if params.setdefault(name, size) != size:
                what = name.removeprefix("n_")
                raise ValueError(
                    f"The {what} make a model of {name}={size}, and {name} is "
                    f"{params[name]}. Leave {name} out, or pass as many {what}."
                )
        rbm = cls(n_components, **params)
        check_constructor(rbm)
        if own:
            rbm._check_beside_groups()
        attributes = {
            "components_": components,
            "intercept_visible_": check_bias(
                intercept_visible, "intercept_visible", n_features
            ),
            "intercept_hidden_": check_bias(
                intercept_hidden, "intercept_hidden", n_components
            ),
            **rbm._take_noise(noise),
        }
        attributes["n_groups_"] = sizes["n_groups"]
        if own:
            centre = attributes["intercept_visible_"].copy()
            if location is not None:
                centre = check_bias(location, "location", n_features)
            attributes |= own | {"location_": centre}
            if groups is not None:
                attributes |= rbm._take_noises(attributes, noises)
        elif scale_weights is not None or location is not None:
            raise ValueError("scale_weights and location say nothing without scales.")
        rbm._adopt(attributes, n_features, X)
        return rbm

    lowest_energy = available_if(_has_lowest_energy)(LowestEnergyMixin.lowest_energy)

    @property
    def _noise_is_full(self):
        return self.covariance_type == "full" and self.noise_variance is None

    @property
    def _one_scale(self):
        return self.covariance_type == "spherical"

    @property
    def _is_mixture(self):
        """Whether rows have groups or scales: those learned, whatever is set since."""
        if hasattr(self, "components_"):
            return hasattr(self, "location_")
        return self._most_groups * self.n_scales > 1

    @property
    def _most_groups(self):
        """How many groups there can be, before it is known how many there are."""
        return MOST_GROUPS if self.n_groups == "auto" else self.n_groups

    def _algorithm(self, rows):
        if self.algorithm != "auto":
            return self.algorithm
        if rows is None or self.early_stopping:
            return "pcd"
        n_images = self._most_groups * self.n_scales
        n_values = rows.n_rows * rows.n_columns * n_images
        feasible = (
            self.n_components <= _MAX_EXACT_UNITS
            and n_values <= _MAX_EXACT_VALUES
            and rows.total_weight > rows.n_columns
        )
        if self._noise_is_full and rows.has_missing:
            n_patterns = len(patterns(rows.observed(slice(None))))
            feasible &= n_patterns * n_images <= _MOST_PATTERNS
        return "exact" if feasible else "pcd"

    def _start_size(self, n_columns):
        size = sample_size(n_columns)
        return max(size, min(self._most_groups * size, _MOST_START_ROWS))

    def _initial_energy(self, sample, rng):
        for name in _OF_SOME_FITS:
            vars(self).pop(name, None)  # of an earlier fit
        self._known_noise = self._given_noise(sample.shape[1])
        n_groups = self.n_groups
        given = {"ridge": self.reg_covar, "restricted": self._restricted, "rng": rng}
        if self._most_groups * self.n_scales > 1:
            self._check_beside_groups()
        if n_groups == "auto":
            # Draws of its own, so that one group learns as if it were not chosen.
            own = given | {"rng": rng.spawn(1)[0]}
            n_groups = number_of_groups(sample, self.n_scales, **own)
        if n_groups * self.n_scales > 1:
            found = fit_groups(sample, n_groups, self.n_scales, **given)
            return self._initial_groups(found, sample, rng)
        noise, covariance = None, sample.T @ sample / len(sample)
        covariance += self.reg_covar * np.eye(len(covariance))
        whitening = self._whitening(self._restricted(covariance))
        if self._known_noise is not None:
            noise = self._independent(self._known_noise / self._scale**2)
        return self._of(
            *start_parameters(whitening, self.n_components, rng, noise, sample)
        )

    def _initial_groups(self, found, sample, rng):
        """Start from a mixture of normal distributions, and excursions in its rows."""
        white = self._whitening(np.eye(sample.shape[1]))
        *parameters, left = start_parameters(
            white, self.n_components, rng, sample=found.white(sample, rng)
        )
        noises = [self._whitening(own).followed(left) for own in found.covariances]
        machine = self._of(*parameters, noises[0])
        return GroupedEnergy.of(machine, noises, *found[:3])

    def _whitening(self, covariance):
        """Make units of noise of a covariance, of the kind of noise that is wanted."""
        if self._noise_is_full:
            return GaussianUnits.of_base(whiten_covariance(covariance))
        return self._independent(np.diag(covariance))

    def _restricted(self, covariance):
        """Give what a covariance is where noise is not full."""
        if self._noise_is_full:
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

    def _check_beside_groups(self):
        """Refuse what rows of several groups or scales cannot have."""
        if self.noise_variance is not None:
            raise ValueError(
                "noise_variance is the noise of every row, and with n_groups="
                f"{self.n_groups} and n_scales={self.n_scales} rows have noise of "
                "several groups or scales. Leave noise_variance out, or set n_groups=1 "
                "and n_scales=1."
            )
        self._check_sampler_of_groups()

    def _check_sampler_of_groups(self):
        if self.sampler == "langevin":
            raise ValueError(
                "Langevin steps move rows along one slope, and rows of several groups "
                "or scales have a slope in each of them. Set sampler='gibbs', or fit "
                "with n_groups=1 and n_scales=1."
            )

    def _take_noise(self, noise):
        """Give the attributes of noise that a user passes, if it is of our kind."""
        self._known_noise = self._given_noise(len(noise))
        if self._noise_is_full:
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

    def _take_noises(self, attributes, noises):
        """Give the attributes of noises of groups, if they are of our kind."""
        n_groups, n_features = attributes["locations_"].shape
        if noises is None:
            name = "noise_covariance_" if self._noise_is_full else "noise_variance_"
            noises = [attributes[name]] * n_groups
        taken = [self._take_noise(check_noise(own, n_features)) for own in noises]
        names = {"noise_variance_": "noise_variances_"}
        if self._noise_is_full:
            names["noise_covariance_"] = "noise_covariances_"
        return {
            several: np.array([own[name] for own in taken])
            for name, several in names.items()
        }

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
        if not isinstance(energy, GroupedEnergy):
            own = self._parameters_of_machine(energy, self._location)
            return own | {"n_groups_": 1}
        shape = energy.log_scales.shape
        order = np.argsort(energy.log_scales, axis=1)
        shares = np.take_along_axis(energy.shares.reshape(shape), order, axis=1)
        scales = np.exp(np.take_along_axis(energy.log_scales, order, axis=1))
        group_weights = shares.sum(axis=1)
        shares /= group_weights[:, np.newaxis]
        means = (shares * scales).sum(axis=1)
        roots = np.sqrt(means)
        noises = [
            noise.stretched(root)
            for noise, root in zip(energy.noises, roots, strict=True)
        ]
        centres = self._location + self._scale * energy.centres
        centre, noise = centres[0], noises[0]
        attributes = {}
        if len(noises) > 1:
            centre = group_weights @ centres
            covariances = np.array([noise.covariance() for noise in noises])
            mean = np.einsum("g,gij->ij", group_weights, covariances)
            noise = self._whitening(mean)
            covariances *= np.outer(self._scale, self._scale)
            attributes = {
                "group_weights_": group_weights,
                "locations_": centres,
                "noise_variances_": np.einsum("gii->gi", covariances).copy(),
            }
            if self._noise_is_full:
                attributes["noise_covariances_"] = covariances
        if self.n_scales > 1:
            scales /= means[:, np.newaxis]
            is_one = len(noises) == 1
            attributes["scales_"] = scales[0] if is_one else scales
            attributes["scale_weights_"] = shares[0] if is_one else shares
        machine = energy.machine.with_noise(noise)
        return {
            **self._parameters_of_machine(machine, centre),
            "n_groups_": len(noises),
            "location_": centre,
            **attributes,
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
        if self._noise_is_full:
            covariance = units.covariance()
            attributes["noise_covariance_"] = covariance * np.outer(scale, scale)
        return attributes

    def _energy(self):
        if not self._is_mixture:
            return self._machine(self._location)
        self._check_sampler_of_groups()
        machine = self._machine(self.location_)
        group_weights, noises = np.ones(1), [machine.noise]
        locations = self.location_[np.newaxis]
        if hasattr(self, "group_weights_"):
            group_weights, locations = self.group_weights_, self.locations_
            if hasattr(self, "noise_covariances_"):
                covariances = self.noise_covariances_
            else:
                covariances = map(np.diag, self.noise_variances_)
            unit = np.outer(self._scale, self._scale)
            noises = [self._whitening(own / unit) for own in covariances]
        scales = np.atleast_2d(getattr(self, "scales_", np.ones((len(noises), 1))))
        shares = np.atleast_2d(getattr(self, "scale_weights_", np.ones_like(scales)))
        return GroupedEnergy.of(
            machine,
            noises,
            np.log(scales),
            np.log(shares * group_weights[:, np.newaxis]),
            (locations - self._location) / self._scale,
        )

    def _machine(self, location):
        """Build the machine of rows less a location, in our units."""
        scale = self._scale
        # Parameters of the constructor may have changed since these were learned.
        if hasattr(self, "noise_covariance_"):
            covariance = self.noise_covariance_ / np.outer(scale, scale)
            units = GaussianUnits.of_base(whiten_covariance(covariance))
        else:
            units = self._independent(self.noise_variance_ / scale**2)
        weights = units.statistics(self.components_ / scale)
        visible_bias = units.statistics((self.intercept_visible_ - location) / scale)
        field = weights @ units.statistics(location / scale)
        return self._of(weights, visible_bias, self.intercept_hidden_ + field, units)
