"""Chains of real-valued rows that make Langevin steps, of a length that adapts."""

__all__ = ["LangevinChains"]

import numpy as np

from skebm.energy.langevin import langevin

# Lengths of steps are drawn between this multiple of what is usual, and its inverse.
_VARIED = 4.0

# Length of steps where nothing bends the normal distribution: all but a new draw.
_FREE_LENGTH = 2.0

# The length follows the share of steps that are taken to what is best for many columns
# (Roberts and Rosenthal 1998), by so much an update.
_WANTED_ACCEPTANCE = 0.574
_ADAPTING = 0.05
_LEAST_LENGTH, _LARGEST_LENGTH = 1e-6, _FREE_LENGTH


class LangevinChains:
    """What an energy adds whose chains move real-valued rows by Langevin steps.

    Its rows have Gaussian `units`, with statistics y. At an inverse temperature beta
    what the steps leave as it is, is the normal distribution exp(-|y|^2 / 2) times
    exp(score), where the energy has `bend(context, beta)`, which gives this score,
    (n_rows,), and its derivatives by y. A context has `rows` and their `statistics`.

    The energy has a field `length` as well: of steps at beta 1. It follows how many are
    taken while chains learn, and changes at no other time.
    """

    # Steps that count as one sweep.
    steps_a_sweep = 1

    def sweep(self, context, noise, *, beta=1.0, tilt=None, fixed=None, reverse=False):
        """Move rows by Langevin steps, each its own reversal; see `Energy`."""
        settings = {"beta": beta, "tilt": tilt, "fixed": fixed}
        return self.moved(context, noise, self.steps_a_sweep, **settings)[0]

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many steps."""
        return self.moved(self.context(rows), noise, n_sweeps, **settings)[0]

    def moved(self, context, noise, n_steps=1, *, beta=1.0, tilt=None, fixed=None):
        """Make so many steps; give also the share of them that were taken."""
        rows, units = context.rows, self.units
        beta = np.broadcast_to(np.asarray(beta, self.dtype), len(rows))
        at_rows = [context]

        def log_density(proposed):
            # The first rows are those of the context.
            own = at_rows.pop() if at_rows else self.context(proposed)
            white = own.statistics
            score, slope = self.bend(own, beta)
            score -= np.einsum("ij,ij->i", white, white) / 2
            slope -= white
            if tilt is not None:
                score += (white * tilt).sum(axis=1)
                slope += tilt
            return score, units.slope_by_states(slope)

        # Between the lengths of both ends the stiffer one counts more.
        rate = beta / self.length + np.maximum(1 - beta, 0) / _FREE_LENGTH
        if fixed is not None:
            fixed = np.broadcast_to(fixed, rows.shape)
        return langevin(
            log_density,
            rows,
            (self._lengths(rate, noise) for _ in range(n_steps)),
            noise,
            scales=1 / units.precisions,
            held=fixed,
        )

    def _lengths(self, rate, noise):
        factors = _VARIED ** noise.draw((len(rate), 1))
        return (factors / rate[:, np.newaxis]).astype(self.dtype)

    def contrast(self, batch, chains, noise, n_sweeps=1, rate=1.0):
        """Do as `contrastive.contrast`, and let the length follow what chains take."""
        chains, acceptance = self.moved(self.context(chains), noise, n_sweeps)
        direction = self.statistics(batch)
        direction -= self.chain_statistics(chains)
        direction *= rate
        factor = np.exp(_ADAPTING * (acceptance - _WANTED_ACCEPTANCE))
        length = np.clip(self.length * factor, _LEAST_LENGTH, _LARGEST_LENGTH)
        return direction.replaced(length=float(length)), chains
