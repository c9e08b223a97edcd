"""Contrastive learning of machines whose hidden units depend on each other."""

__all__ = ["LatentContrastive", "RowsOfBothLayers"]

from dataclasses import dataclass

import numpy as np

from skebm.energy.latent_mean_field import mean_field
from skebm.energy.latent_sums import draw_cut
from skebm.energy.sweeps import gibbs_sweeps
from skebm.learning.contrastive import (
    HIDDEN_METRIC_PERIOD,
    OFFSET_FRACTION,
    OFFSET_PERIOD,
    ContrastiveLearning,
)

# Fields of hidden units that are summed over for each row of a batch, at most: what
# then costs less than ten sweeps of Gibbs sampling.
_MOST_FIELDS = 256


class RowsOfBothLayers:
    """Rows of visible units with columns for the hidden ones, at 1/2.

    Parameters
    ----------
    rows : Rows
        The visible units.
    n_hidden : int
        Number of columns to append.
    """

    def __init__(self, rows, n_hidden):
        self.rows = rows
        self.n_hidden = n_hidden
        self.n_rows = rows.n_rows
        self.n_columns = rows.n_columns + n_hidden

    def take(self, selection):
        """Read the rows that a slice or an index array names, dense."""
        visible = self.rows.take(selection)
        both = np.full((len(visible), self.n_columns), 0.5, np.float32)
        both[:, : visible.shape[1]] = visible
        return both


@dataclass(frozen=True)
class LatentContrastive(ContrastiveLearning):
    """Stochastic ascent of the likelihood, with hidden units put in for each batch.

    Once the hidden units of a batch have values, the machine learns from it as if
    all units were visible [1]_. The state's model is that of a fully visible machine
    in learning coordinates, made of a `LatentEnergy`.

    Parameters
    ----------
    posterior : {"gibbs", "mean_field"}
        Whether the hidden units are draws given the visible ones, or the means of
        independent units that come closest. Not looked at where the exact law is
        cheap: some of them are then drawn from it, such that the others are
        independent and take their means.
    n_posterior_steps : int
        Sweeps over the hidden units of a batch: of mean field, and then of Gibbs
        sampling from draws of these means.

    References
    ----------
    .. [1] Salakhutdinov, R. and Hinton, G. (2009). Deep Boltzmann machines.
       AISTATS, 448-455.
    """

    posterior: str
    n_posterior_steps: int

    def batches(self, state, rows):
        """Prepare minibatches of one pass; their hidden units are not yet drawn."""
        n_hidden = state.model.template.n_hidden
        yield from super().batches(state, RowsOfBothLayers(rows, n_hidden))

    def _update(self, state, batch, schedule):
        batch, draws = self._completed(state.model, batch, state.noise)
        if self.drifting_offset and state.n_updates % OFFSET_PERIOD == 0:
            state.model, drift = _drifted(state.model, batch)
            batch, draws = batch - drift, draws - drift
        if state.metric is not None and state.n_updates % HIDDEN_METRIC_PERIOD == 0:
            state.metric = state.metric.updated(visible_rows=batch)
        super()._update(state, draws, schedule)

    def _completed(self, model, batch, noise):
        """Put values in for the hidden units of prepared rows.

        Returns
        -------
        means, values : ndarray of shape (n_batch, n_units + 1)
            Rows with the means of hidden units, which the metric is made of, and
            with what the machine learns from.
        """
        graph = model.template.connectivity
        hidden = slice(-1 - graph.n_hidden, -1)
        couplings = np.ascontiguousarray(model.matrix[hidden, hidden])
        offset = model.offsets.visible[hidden]
        means = batch.copy()
        means[:, hidden] = -offset  # off, where the field is that of the others
        field = np.dot(means, model.matrix[:, hidden])
        mean, values = self._hidden_values(field, couplings, graph, noise)
        means[:, hidden] = mean - offset
        if values is mean:
            return means, means
        completed = means.copy()
        completed[:, hidden] = values - offset
        return means, completed

    def _hidden_values(self, field, couplings, graph, noise):
        """Give the means of hidden units, exact or not, and their values."""
        colours, split = graph.hidden_colours, graph.hidden_split
        if len(colours) > 1 and 2 ** len(split.cut) * len(split.rest) <= _MOST_FIELDS:
            return draw_cut(field, couplings, split, noise)
        mean = mean_field(field, couplings, colours, self.n_posterior_steps)
        if self.posterior == "mean_field" or len(colours) == 1:
            return mean, mean
        drawn = gibbs_sweeps(
            2 * mean - 1 > noise.draw(mean.shape),
            couplings,
            field,
            noise,
            n_sweeps=self.n_posterior_steps,
        )
        return mean, drawn


def _drifted(model, batch):
    """Let the offsets of hidden units follow their means; say by how much."""
    hidden = slice(-1 - model.template.n_hidden, -1)
    drift = np.zeros_like(model.offsets.visible)
    drift[hidden] = OFFSET_FRACTION * batch[:, hidden].mean(axis=0)
    return model.recentred((model.offsets.visible + drift)[:-1]), drift
