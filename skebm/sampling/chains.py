"""Markov chains over the states of an energy."""

__all__ = ["run_chains", "start_visible"]


def start_visible(mean, n_chains, rng):
    """Draw rows of independent units that are on with probability `mean`."""
    return rng.random((n_chains, len(mean))) < mean


def run_chains(energy, visible, noise, *, n_sweeps, beta=1.0, kernel="gibbs"):
    """Run one chain from each visible row and return where they end.

    Parameters
    ----------
    energy : energy object
        With `clamp` and `gibbs`, see `skebm.energy`.
    visible : ndarray of shape (n_chains, n_visible)
        Where the chains start.
    noise : UniformNoise
        Source of the draws.
    n_sweeps : int
        Length of each chain.
    beta : float, default=1.0
        Inverse temperature: the chains sample exp(-beta E) / Z.
    kernel : str, default="gibbs"
        Method of the energy that sweeps a state.

    Returns
    -------
    state : state of the energy
        After the last sweep; its field `visible` has the shape of `visible`.
    """
    state = energy.clamp(visible, noise, beta)
    return getattr(energy, kernel)(state, noise, beta, n_sweeps=n_sweeps)
