"""The restricted Boltzmann machine with Gaussian visible and binary hidden units."""

__all__ = ["GaussianRBMEnergy"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skebm.energy.conditionals.gaussian_rbm import conditional_log_density
from skebm.energy.hidden_chains import HiddenChains
from skebm.energy.noise_parameters import NoiseParameters
from skebm.energy.offsets import bordered, centre, centred_moments
from skebm.energy.pairwise import PairwiseEnergy
from skebm.energy.rbm import RBMEnergy
from skebm.units.binary import logistic, softplus


@dataclass(frozen=True, eq=False)
class GaussianRBMEnergy(NoiseParameters, HiddenChains, RBMEnergy):
    """E(v, h) = |y - a|^2 / 2 - h.b - h' W y, for y = B v and h of zeros and ones.

    B gives the noise of the visible units unit variance, so that W and a are in
    units of the noise. Given h, y has the mean a + W' h. With the visible units
    integrated out, the hidden ones are a pairwise machine [1]_: chains move through its
    configurations, with no visible row in their way.

    Parameters
    ----------
    matrix, visible, hidden, visible_offset, hidden_offset
        As of `RBMEnergy`. The visible units are `WhiteUnits`, whose noise has
        parameters too; they have no offset.
    ridge : float, default=0.0
        What learning adds to the variance of every column of v, so that the noise
        keeps some. Means nothing elsewhere.
    log_volume : float, default=0.0
        Logarithm of the volume, in units that users know, of a unit of volume of v;
        log Z is of the density in their units.

    References
    ----------
    .. [1] Agliari, E., Barra, A., Galluzzi, A., Guerra, F. and Moauro, F. (2012).
       Multitasking associative networks. Physical Review Letters 109, 268101.
       :doi:`10.1103/PhysRevLett.109.268101`
    """

    ridge: float = 0.0
    log_volume: float = 0.0

    @property
    def noise(self):
        """Units whose noise is learned: all visible ones."""
        return self.visible

    def with_noise(self, noise):
        """Return this energy with other noise."""
        return self.replaced(visible=noise)

    # ---- vectors and offsets ----

    def shifted(self, visible=None, hidden=None):
        """Describe the same distribution with another offset of hidden units."""
        return super().shifted(None, hidden)

    # ---- energies ----

    def energy(self, visible, hidden):
        """Compute E of each pair of rows, shape (n_rows,)."""
        white, field, _ = RBMEnergy.context(self, visible)
        return self._spread(white) - np.einsum("ij,ij->i", hidden, field)

    def free_energy(self, rows):
        """Compute -log of the sum over h of exp(-E(v, h)), shape (n_rows,)."""
        white, field, _ = RBMEnergy.context(self, rows)
        return self._spread(white) - self.hidden.log_normaliser(field)

    def products(self, rows):
        """Give y of rows, and its products with the weights."""
        white = self.visible.statistics(rows.astype(self.dtype, copy=False))
        return white, np.dot(white, self.weights.T)

    def scores_at(self, products, roots):
        """Compute -F of rows divided by each of several roots, (n_rows, n_roots).

        Products of the rows serve all roots.
        """
        white, field = products
        squares = np.einsum("ij,ij->i", white, white) / 2
        linear = np.dot(white, self.visible_bias)
        constant = np.vdot(self.visible_bias, self.visible_bias) / 2
        scores = np.empty((len(white), len(roots)), self.dtype)
        for number, root in enumerate(roots):
            own = self.hidden.log_normaliser(field / root + self.hidden_bias)
            scores[:, number] = own + (linear - squares / root) / root - constant
        return scores

    def hidden_mean_at(self, products, roots, law):
        """Average means of hidden units given rows divided by each of several roots.

        Each root of a row counts what `law` says, of shape (n_rows, n_roots).
        """
        (_, field), total = products, 0.0
        for root, share in zip(roots, law.T, strict=True):
            own = self.hidden.mean(field / root + self.hidden_bias)
            total = total + share[:, np.newaxis] * own
        return total

    def pull(self, rows, hidden):
        """Compute the derivatives of E by rows v given means of hidden units.

        With their means given v these are the derivatives of the free energy.
        """
        white = self.visible.statistics(rows) - self.visible_field(hidden)
        return self.visible.slope_by_states(white)

    def conditional_log_likelihood(self, rows):
        """Compute log p(v_i | the others) of every i: `conditional_log_density`."""
        return conditional_log_density(self, rows)

    def _spread(self, white):
        deviation = white - self.visible_bias
        return np.einsum("ij,ij->i", deviation, deviation) / 2

    # ---- the machine of the hidden units, which chains move through ----

    def marginal(self):
        """Integrate the visible units out.

        Returns
        -------
        machine : PairwiseEnergy
            Of the hidden units.
        log_integral : float
            What its log Z lacks to be that of this machine, in nats.
        """
        return self.hidden_machine, self._log_integral + self.log_volume

    @property
    def _log_integral(self):
        """What log Z of the machine of the hidden units lacks, in units of v."""
        return self.n_visible * np.log(2 * np.pi) / 2 - self.visible.log_det

    def hidden_free_energy(self, hidden):
        """Compute -log of the integral of exp(-E) over visible units, (n_rows,)."""
        return self.hidden_machine.free_energy(hidden) - self._log_integral

    @cached_property
    def hidden_machine(self):
        """The pairwise machine of the hidden units.

        The integral over y of exp(-|y - a|^2 / 2 + h.b + h' W y) is, but for a
        constant, exp(h.(b + W a) + |W' h|^2 / 2): a machine with couplings W W' whose
        diagonal, since h * h = h, is one of biases.
        """
        couplings = np.dot(self.weights, self.weights.T)
        couplings = (couplings + couplings.T) / 2  # symmetric to the last bit
        bias = self.hidden_bias + np.dot(self.weights, self.visible_bias)
        bias += np.diag(couplings) / 2
        np.fill_diagonal(couplings, 0)
        return PairwiseEnergy.of(couplings, bias)

    def at_temperature(self, temperature):
        """Give the machine whose distribution is proportional to exp(-E / temperature).

        In y / root(temperature) it has its form again.
        """
        root, plain = np.sqrt(temperature), self.plain()
        matrix = plain.matrix / root
        matrix[:, -1] /= root
        return plain.replaced(matrix=matrix).stretched(root)

    def stretched(self, factor):
        """Give the machine of rows v that are multiplied by a factor."""
        return self.replaced(visible=self.visible.stretched(factor))

    def with_visible_chains(self):
        """Give the machine whose chains move visible rows, and what it lacks."""
        layers = self.visible, self.hidden, self.visible_offset, self.hidden_offset
        squares = np.vdot(self.visible_bias, self.visible_bias)
        return RBMEnergy(self.matrix, *layers), -float(squares) / 2

    # ---- learning ----

    def sides(self, rows):
        """Give centred means of hidden units, and rows in units of the noise."""
        rows = rows.astype(self.dtype, copy=False)
        return self.sides_of(centre(self.visible.statistics(rows), self.visible_offset))

    def sides_of(self, white):
        """Give `sides` of centred rows in units of the noise."""
        hidden = logistic(np.dot(white, self.matrix.T))
        hidden -= self.hidden_offset
        hidden[:, -1] = 1
        return hidden, white

    def statistics(self, rows, row_weights=None, *, noise=None):
        """Average -dE/dtheta over visible rows, the ridge added to their variance."""
        return self.statistics_and_deviation(rows, row_weights)[0]

    def statistics_and_deviation(self, rows, row_weights):
        """Give `statistics`, and what makes derivatives by rows, of the same products.

        That is y less its mean given the means of hidden units, a row for each.
        """
        rows = rows.astype(self.dtype, copy=False)
        hidden, white = self.sides(rows)
        deviation = (white - self._mean_rows(hidden))[:, :-1]
        slope = self.visible.slope(deviation, rows, row_weights, self.ridge)
        if row_weights is not None:
            hidden *= row_weights[:, np.newaxis]
            return self._gradient(np.dot(hidden.T, white), slope), deviation
        statistics = self._gradient(np.dot(hidden.T, white) / len(rows), slope)
        return statistics, deviation

    def chain_statistics(self, chains):
        """Average -dE/dtheta over hidden rows, the visible units at their means."""
        hidden = centre(chains, self.hidden_offset)
        matrix = np.dot(hidden.T, self._mean_rows(hidden)) / len(chains)
        return self._gradient(matrix, self.visible.model_slope())

    def positive_phase(self, rows, row_weights):
        """Sum -F and the statistics over weighted rows, less what the ridge costs."""
        white, field, _ = RBMEnergy.context(self, rows)
        deviation = white - self.visible_bias
        squares = np.einsum("ij,ij->i", deviation, deviation) / 2
        value = row_weights @ (softplus(field).sum(axis=1) - squares)
        value -= row_weights.sum() * self._cost_of_ridge
        hidden = logistic(field)
        deviation -= hidden @ self.weights
        slope = self.visible.slope(deviation, rows, row_weights, self.ridge)
        weighted = row_weights[:, np.newaxis] * white
        moments = bordered(
            hidden.T @ weighted,
            row_weights @ hidden,
            weighted.sum(axis=0),
            row_weights.sum(),
        )
        matrix = centred_moments(moments, self.hidden_offset, self.visible_offset)
        return value, self._gradient(matrix, slope)

    def negative_phase(self):
        """Compute log Z and the statistics, enumerating the hidden units."""
        log_partition, of_hidden = self.hidden_machine.raw_moments()
        mean = of_hidden[-1, :-1]
        pairs = of_hidden[:-1, :-1].copy()
        products = np.outer(mean, self.visible_bias) + pairs @ self.weights
        visible = self.visible_bias + mean @ self.weights
        moments = bordered(products, mean, visible, 1.0)
        matrix = centred_moments(moments, self.hidden_offset, self.visible_offset)
        log_partition += self._log_integral + self.log_volume
        return log_partition, self._gradient(matrix, self.visible.model_slope())

    def _mean_rows(self, hidden):
        """Give means of y and the constant, given centred hidden rows."""
        means = np.dot(hidden, self.matrix)
        means[:, -1] = 1
        return means
