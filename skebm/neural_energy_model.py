"""The energy-based model whose energy is a network."""

__all__ = ["NeuralEnergyModel"]

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils.validation import check_is_fitted

from skebm.energy.network import ACTIVATIONS, Network
from skebm.energy.neural import NeuralEnergy
from skebm.estimator.base import BaseRealModel
from skebm.estimator.parameter_checks import check_bias, check_noise
from skebm.estimator.real_rows import LARGEST_FLOOR, floored_covariance
from skebm.estimator.standardised_rows import OVERFLOWING
from skebm.estimator.table_checks import refuse_missing
from skebm.estimator.validation import (
    Interval,
    StrOptions,
    check_constructor,
    underflow_is_zero,
)
from skebm.learning.network_metric import NetworkMetric
from skebm.units.gaussian import GaussianUnits, whiten_covariance

# Spreads of weights at the start, times the root of the number of inputs, and largest
# biases: of the first layer, and of the others. With 1 everywhere rings and spirals
# were hardly learned: f was too smooth to see them. With 4 it was too rough between
# rows.
_FIRST_GAINS, _GAINS = (3.0, 3.0), (1.5, 1.0)

# Updates of a fit that is not told how many, without rows held out: a share of the
# number of rows, since few rows are soon learned by heart.
_UPDATES_A_ROW = 1 / 3
_LEAST_UPDATES, _MOST_UPDATES = 25, 1000


@underflow_is_zero
class NeuralEnergyModel(ClassNamePrefixFeaturesOutMixin, BaseRealModel):
    r"""Energy-based model of real-valued rows whose energy is a neural network.

    Use it on few columns of numbers and some thousand rows, where the density has a
    shape that normal distributions do not: rings, spirals, edges. Let held-out scores
    decide between it and a mixture of normal distributions, which is quicker. On many
    columns `GaussianRBM` is faster, and its log Z exact with few hidden units.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64, 64)
        Number of units in each layer of the network, as of
        :class:`~sklearn.neural_network.MLPRegressor`.
    learning_rate : float, default=0.2
        Share of the natural gradient [4]_ that an update takes at the start. `fit`
        raises it by a tenth after each hundred updates that gain more than 0.1 nats,
        and lowers it where the likelihood falls.
    max_iter : int or None, default=None
        Updates, at most (passes over X: ``max_iter * batch_size / n_samples``).
        None is a third of the number of rows, at least 25 and at most 1000; with
        `early_stopping` 20000. Where rows learned from score no better than others,
        more of them gain more. Where they score far better, fewer of them do.
    early_stopping : bool, default=False
        Whether to hold out rows, keep the parameters under which these have the
        highest likelihood, and stop when that no longer rises.
        At the end all rows are learned from, those held out too, by a twentieth as
        many updates, if `max_iter` has room for them. This is left out where it
        promises less than 0.01 nats.
    alpha : float, default=0.0
        Strength of the L2 penalty of the weights W of all layers: what is maximised is
        the mean log-likelihood less ``alpha / 2 * |W|_2**2``.
    log_partition_tol : float or "auto", default="auto"
        Wanted standard error of `log_partition_`, in nats. It is estimated by annealed
        importance sampling.
        "auto" is half the standard error of the mean log-likelihood of as many rows as
        were learned from, which adds an eighth to that error. It is from 0.03 to 0.25,
        and at most 0.05 with `early_stopping`.
    verbose : int, default=0
        How much is printed in a fit: 0 is nothing, 1 about ten lines, 2 a line at every
        stage. Annealing of log Z is told of as well.
    random_state : int, RandomState instance or None, default=None
        Determines the starting weights, the order of the rows, all draws during
        learning, and the annealing. Pass an int for reproducible results.

    Attributes
    ----------
    parameters_ : ndarray of shape (n_parameters,)
        All weights of the network, layer by layer, and then all biases.
    location_ : ndarray of shape (n_features,)
        Mean of the features.
    covariance_ : ndarray of shape (n_features, n_features)
        Covariance of the features with `reg_covar`, of the normal distribution that the
        network bends.
    step_size_ : float
        Length of Langevin steps, as learning has adapted it. See the notes.
    log_partition_ : float
        Log partition function in nats, once it is known; see `log_partition`.
    log_partition_std_ : float
        Standard error of `log_partition_` in nats.
    log_partition_effective_sample_size_ : float
        Number of equally weighted chains that the annealed ones are worth, or draws
        where none were annealed.
    n_iter_ : int
        Number of updates of the parameters made.
    history_ : dict of str to ndarray of shape (n_measurements,)
        What the last `fit` measured: as of `BinaryRBM`.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, if all are strings.

    Other Parameters
    ----------------
    activation : {"swish", "softplus", "tanh"}, default="swish"
        What units make of their fields. All are smooth, since chains follow the slope
        of the energy.
    reg_covar : float, default=1e-3
        Added to the variance of every feature, as a share of it, in the covariance of
        the normal distribution that the network bends. It keeps that finite where
        features are constant or follow from each other. Constant features count as of
        variance 1.
    algorithm : {"pcd", "cd"}, default="pcd"
        How the model's side of the gradient is found. "pcd" continues `n_chains`
        persistent chains [2]_; "cd" starts a chain from each row of the batch, which
        leaves regions without data unseen.
    tempering : bool, default=False
        Whether the persistent chains are drawn by parallel tempering.
    n_langevin_steps : int, default=5
        Langevin steps of the chains in each update.
    n_chains : int, default=1000
        Number of persistent chains, whatever the batch size. Unused by "cd".
    decay_fraction : float, default=0.5
        Share of `max_iter`, at its end, over which the step size falls linearly to
        zero. `partial_fit` keeps it.
    batch_size : int, default=1000
        Largest number of rows in an update.
    validation_fraction : float, default=0.1
        Share of the rows that `early_stopping` holds out, at least one row and at
        most 1000.
    n_iter_no_change : int, default=3
        Number of measurements of the likelihood, one every 100 updates, without a rise
        by `tol`, after which `early_stopping` goes back to the best parameters and
        lowers the step size. The third time in a row it stops. The first time it takes
        three times as many where rows learned from do not gain on those held out.
        Unlike in scikit-learn it is no number of passes: learning takes about as many
        updates whatever the number of rows.
    tol : float, default=1e-4
        Least rise of the likelihood, in nats, that counts as one.
    max_ais_temperatures : int or "auto", default="auto"
        Most temperatures of the annealing of log Z. "auto" is 20000, but no more than
        make all of the first estimate half the work of learning by chains, where
        that is known. Where they do not suffice for `log_partition_tol` there is a
        `ConvergenceWarning`.
    n_ais_chains : int, default=100
        Chains of the annealing of log Z, at least 2. Twice as many need half the steps.

    See Also
    --------
    GaussianRBM : Learns faster, and more from many columns.
    EnergyOutlierDetector : Finds outliers by the score of this model, or another.
    sklearn.mixture.GaussianMixture : A density made of normal ones.

    Notes
    -----
    The energy of a row x is

    .. math:: E(x) = \tfrac{1}{2} |z|^2 + f(z), \qquad z = B (x - m),

    with the mean m of the features, a matrix B such that z has no correlations and
    variances of 1, and a network f of one output [1]_. Without the network it is a
    normal distribution, where learning starts. f grows no faster than the length of z,
    so that Z is finite.

    Chains move rows z by Metropolis-adjusted Langevin steps [3]_: along the gradient of
    -E, with normal noise, taken or left so that the distribution is exactly that of the
    model. In learning their length follows the share that is taken, to 0.57 of them;
    afterwards it is fixed. Between them chains may leap to rows of wide normal
    distributions, so that in few columns no group is overlooked. Annealing takes f
    times beta, from 0 to 1.

    Gradients are made natural [4]_ by the covariance of those of f over the chains.

    References
    ----------
    .. [1] LeCun, Y., Chopra, S., Hadsell, R., Ranzato, M. and Huang, F. (2006). A
       tutorial on energy-based learning. In: Predicting structured data. MIT Press.
    .. [2] Tieleman, T. (2008). Training restricted Boltzmann machines using
       approximations to the likelihood gradient. ICML, 1064-1071.
       :doi:`10.1145/1390156.1390290`
    .. [3] Roberts, G. O. and Tweedie, R. L. (1996). Exponential convergence of Langevin
       distributions and their discrete approximations. Bernoulli 2(4), 341-363.
       :doi:`10.2307/3318418`
    .. [4] Amari, S. (1998). Natural gradient works efficiently in learning.
       Neural Computation 10, 251-276. :doi:`10.1162/089976698300017746`

    Examples
    --------
    >>> import numpy as np
    >>> from skebm import NeuralEnergyModel
    >>> rng = np.random.default_rng(0)
    >>> angle = rng.uniform(0, 2 * np.pi, 1000)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> X += rng.normal(0, 0.2, X.shape)
    >>> model = NeuralEnergyModel((32, 32), max_iter=300, random_state=0).fit(X)
    >>> bool(model.score_samples([[1, 0]]) > model.score_samples([[0, 0]]) + 1)
    True
    >>> from sklearn.mixture import GaussianMixture
    >>> bool(model.score(X) > GaussianMixture().fit(X).score(X) + 0.2)
    True
    """

    _parameter_constraints: dict = {
        **BaseRealModel._parameter_constraints,
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "reg_covar": [Interval(Real, 0, LARGEST_FLOOR, closed="right")],
        "algorithm": [StrOptions({"pcd", "cd"})],
        "n_langevin_steps": [Interval(Integral, 1, None, closed="left")],
        # Its few updates are planned by the number of rows.
        "early_stopping": ["boolean"],
    }
    del _parameter_constraints["n_gibbs_steps"], _parameter_constraints["l1_ratio"]
    _structural_parameters = ("hidden_layer_sizes", "activation")

    def __init__(
        self,
        hidden_layer_sizes=(64, 64),
        *,
        activation="swish",
        reg_covar=1e-3,
        algorithm="pcd",
        tempering=False,
        n_langevin_steps=5,
        n_chains=1000,
        learning_rate=0.2,
        decay_fraction=0.5,
        batch_size=1000,
        max_iter=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=3,
        tol=1e-4,
        alpha=0.0,
        log_partition_tol="auto",
        max_ais_temperatures="auto",
        n_ais_chains=100,
        verbose=0,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.reg_covar = reg_covar
        self.algorithm = algorithm
        self.tempering = tempering
        self.n_langevin_steps = n_langevin_steps
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
        self.log_partition_tol = log_partition_tol
        self.max_ais_temperatures = max_ais_temperatures
        self.n_ais_chains = n_ais_chains
        self.verbose = verbose
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls, parameters, location, covariance, *, step_size=0.1, X=None, **params
    ):
        """Make a fitted estimator from known parameters.

        Parameters
        ----------
        parameters : array-like of shape (n_parameters,)
            All weights of the network, layer by layer, each matrix row by row, and then
            all biases: as `parameters_`.
        location : array-like of shape (n_features,)
            Mean of the normal distribution that the network bends.
        covariance : array-like of shape (n_features, n_features)
            Its covariance.
        step_size : float, default=0.1
            Length of Langevin steps.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Data that tell annealing where the model has its groups.
        **params : dict
            Parameters of the constructor; `hidden_layer_sizes` says how `parameters`
            are read.

        Returns
        -------
        model : NeuralEnergyModel
            Fitted, with these parameters in float64.

        Raises
        ------
        ValueError
            If the parameters are not as many as the network has, the covariance is not
            symmetric and positive definite, or anything is not finite.

        Examples
        --------
        A normal distribution, since the last weight is 0:

        >>> from skebm import NeuralEnergyModel
        >>> model = NeuralEnergyModel.from_parameters(
        ...     [1.0, 0.0, 0.0], [5.0], [[4.0]], hidden_layer_sizes=1
        ... )
        >>> model.score_samples([[5.0]]).round(1)
        array([-1.6])
        """
        model = cls(**params)
        check_constructor(model)
        n_features = len(np.atleast_1d(location))
        location = check_bias(location, "location", n_features)
        covariance = check_noise(covariance, n_features)
        if covariance.ndim != 2:
            raise ValueError(
                "covariance must be a matrix. Pass np.diag of variances for features "
                "without correlations."
            )
        _, n_parameters = Network.n_parameters(model._sizes(n_features))
        parameters = check_bias(parameters, "parameters", n_parameters)
        if not 0 < step_size < np.inf:
            raise ValueError(f"step_size={step_size} must be positive and finite.")
        model._adopt(
            {
                "parameters_": parameters,
                "location_": location,
                "covariance_": covariance,
                "step_size_": float(step_size),
            },
            n_features,
            X,
        )
        return model

    @property
    def coefs_(self):
        """Weights of each layer, and those of the output: views of `parameters_`."""
        return self._network().weights

    @property
    def intercepts_(self):
        """Biases of each layer: views of `parameters_`."""
        return self._network().biases

    def transform(self, X):
        """Compute the values of the units in the last layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        H : ndarray of shape (n_samples, n_units)
            Of which the energy is a linear function, but for the normal distribution.
            In float32 for float32 input, else in float64. Where values are missing,
            means over draws of them.

        Raises
        ------
        ValueError
            If `X` is not a numeric table of the width seen in `fit`, finite where it is
            not missing.

        Examples
        --------
        >>> from skebm import NeuralEnergyModel
        >>> X = [[0.0], [1.0], [3.0]]
        >>> model = NeuralEnergyModel((8, 4), max_iter=10, random_state=0).fit(X)
        >>> model.transform(X).shape
        (3, 4)
        """
        rows = self._rows(X)
        self._refuse_far(rows, OVERFLOWING)
        if rows.has_missing:
            return self._hidden_means(rows)
        energy = self._energy()
        return rows.map(
            energy.hidden_mean, row_elements=energy.n_units, dtype=rows.float_dtype
        )

    def energy(self, X):
        """Compute the energy of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Complete rows.

        Returns
        -------
        energy : ndarray of shape (n_samples,)
            E(x) in nats. Lower is likelier. The same as `free_energy`, since there are
            no hidden units.

        Raises
        ------
        ValueError
            If `X` is not a finite numeric table of the width seen in `fit`.

        Examples
        --------
        >>> from skebm import NeuralEnergyModel
        >>> model = NeuralEnergyModel.from_parameters(
        ...     [1.0, 0.0, 0.0], [5.0], [[4.0]], hidden_layer_sizes=1
        ... )
        >>> model.energy([[5.0], [7.0]])
        array([0. , 0.5])
        """
        refuse_missing(self._check(X), "an energy is that of complete rows.")
        return self.free_energy(X)

    @property
    def _n_steps(self):
        return self.n_langevin_steps

    @property
    def _location(self):
        return self.location_

    @_location.setter
    def _location(self, location):
        self.location_ = location

    @property
    def _n_features_out(self):
        return self._sizes(self.n_features_in_)[-1]

    def _network(self):
        sizes = self._sizes(len(self.location_))
        return Network.of(self.parameters_, sizes, self.activation)

    def _see_nothing(self, n_features):
        self._scale = np.sqrt(np.diag(self.covariance_))

    def _any_rows(self, energy, known, landscape, n_rows, rng):
        white = rng.standard_normal((n_rows, energy.n_visible))
        return np.where(known.held, known.row, energy.visible.states(white))

    def _n_updates(self, n_rows):
        if self.max_iter is None and not self._stops_early:
            return int(np.clip(_UPDATES_A_ROW * n_rows, _LEAST_UPDATES, _MOST_UPDATES))
        return super()._n_updates(n_rows)

    def _sizes(self, n_features):
        """Give the number of columns, and of units in each layer."""
        layers = np.atleast_1d(self.hidden_layer_sizes)
        whole = layers.dtype.kind in "iu" and layers.ndim == 1 and layers.size > 0
        if not whole or (layers < 1).any():
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes} must be the number of "
                "units of one or more layers, each at least 1."
            )
        return (n_features, *map(int, layers))

    def _initial_energy(self, sample, rng):
        n_features = sample.shape[1]
        covariance = floored_covariance(sample, self.reg_covar)
        visible = GaussianUnits.of_base(whiten_covariance(covariance))
        sizes = self._sizes(n_features)
        vector = np.zeros(Network.n_parameters(sizes)[1])
        network = Network.of(vector, sizes, self.activation)
        gains = [_FIRST_GAINS, *[_GAINS] * (len(network.biases) - 1)]
        layers = zip(network.weights[:-1], network.biases, gains, strict=True)
        for weights, bias, (gain, largest) in layers:
            weights[...] = rng.normal(0, gain / np.sqrt(len(weights)), weights.shape)
            bias[...] = rng.uniform(-largest, largest, bias.shape)
        # The last weights stay 0: learning starts from a normal distribution.
        return self._of(vector, visible, 1.0)

    def _of(self, vector, visible, length):
        return NeuralEnergy(
            vector,
            self._sizes(visible.n_columns),
            self.activation,
            visible,
            length,
            float(np.log(self._scale).sum()),
        )

    def _metric(self, energy, sample):
        return NetworkMetric(self.alpha)

    def _resume(self):
        state = super()._resume()
        state.metric = NetworkMetric(self.alpha)
        return state

    def _parameters(self, energy):
        scale = np.outer(self._scale, self._scale)
        return {
            "parameters_": energy.vector,
            "location_": self.location_,
            "covariance_": energy.visible.covariance() * scale,
            "step_size_": energy.length,
        }

    def _energy(self):
        check_is_fitted(self)
        covariance = self.covariance_ / np.outer(self._scale, self._scale)
        visible = GaussianUnits.of_base(whiten_covariance(covariance))
        return self._of(self.parameters_, visible, self.step_size_)
