"""Chains of the negative phase that jump between the groups of the data.

Where rows form groups that no sweep leads between, chains stay in the group in which
they started, and learning is told wrong shares of the groups. A mixture fitted to the
groups proposes rows of others.
"""

__all__ = ["Jumping"]

from dataclasses import dataclass, replace

from skebm.sampling.mixture import Mixture
from skebm.sampling.path import Path

# The period is this many times the share of jumps that are accepted: twenty updates
# until a chain has jumped. It is no shorter than ten, when jumps take a tenth to
# a fifth of the time of learning, and longer where hardly any is accepted.
_UPDATES_A_JUMP = 20
_SHORTEST_PERIOD = 10
_WORTHLESS, _PERIOD_IF_WORTHLESS = 1e-3, 40

# How fast the share of accepted jumps is forgotten, a jump.
_FORGOTTEN = 0.1

# Updates after which groups look different to hidden units.
_UPDATES_A_MIXTURE = 50


@dataclass(frozen=True, eq=False)
class Jumping:
    """What proposes jumps, and how often.

    Parameters
    ----------
    groups : Groups
        Of the data.
    mixture : Mixture or None, default=None
        Of rows that chains move, which proposes jumps.
    acceptance : float, default=0.1
        Share of jumps that have been accepted lately.
    next_jump, next_mixture : int, default=0
        Update before which the next one is due.
    """

    groups: object
    mixture: Mixture | None = None
    acceptance: float = 0.1
    next_jump: int = 0
    next_mixture: int = 0

    def move(self, energy, chains, noise, n_updates):
        """Let chains jump, if it is time.

        Parameters
        ----------
        energy : Energy
            Of the machine that learns.
        chains : ndarray
            As of `energy.start_chains`.
        noise : UniformNoise
            Source of the draws.
        n_updates : int
            Updates made so far.

        Returns
        -------
        jumping : Jumping
            What comes next.
        chains : ndarray
            Some of which have jumped.
        """
        if n_updates < self.next_jump:
            return self, chains
        after = self._renewed(energy, noise, n_updates)
        machine, _ = energy.marginal()
        rows = energy.rows_of_chains(chains, noise)
        rows, accepted = Path(after.mixture, machine).jump(rows, 1.0, noise)
        chains = chains.copy()
        chains[accepted] = energy.chains_of(rows[accepted], noise)
        acceptance = self.acceptance + _FORGOTTEN * (accepted.mean() - self.acceptance)
        period = max(_SHORTEST_PERIOD, round(_UPDATES_A_JUMP * acceptance))
        if acceptance < _WORTHLESS:
            period = _PERIOD_IF_WORTHLESS
        after = replace(after, acceptance=acceptance, next_jump=n_updates + period)
        return after, chains

    def _renewed(self, energy, noise, n_updates):
        """Give the same with a mixture as the machine sees the groups now."""
        if n_updates < self.next_mixture:
            return self
        mixture = self.groups.mixture(energy, noise)
        return replace(
            self, mixture=mixture, next_mixture=n_updates + _UPDATES_A_MIXTURE
        )
