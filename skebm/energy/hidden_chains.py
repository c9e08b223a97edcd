"""Restricted machines whose chains move hidden rows, the visible units summed out."""

__all__ = ["HiddenChains"]

from skebm.energy.rbm import RBMEnergy


class HiddenChains:
    """What an energy adds to `RBMEnergy` whose chains have no visible row in their way.

    It has a `hidden_machine`, that of the hidden units with the visible ones summed and
    integrated out, which chains move through.
    """

    @property
    def chain_machine(self):
        """The machine of the rows that chains move."""
        return self.hidden_machine

    @property
    def units(self):
        """Units of the rows that chains move: the hidden ones."""
        return self.hidden

    @property
    def n_visible(self):
        """Number of visible columns."""
        return self.visible.n_columns

    def enumerable_layers(self):
        """List layers, of which the hidden one alone is moved."""
        return self.chain_machine.enumerable_layers()

    def context(self, rows):
        """Give hidden rows as the machine of the hidden units wants them."""
        return self.chain_machine.context(rows)

    def score(self, context, beta=1.0):
        """Compute the score of hidden rows, but for a constant of the visible units."""
        return self.chain_machine.score(context, beta)

    def log_ratio(self, context, beta, other):
        """Compare hidden rows at two inverse temperatures."""
        return self.chain_machine.log_ratio(context, beta, other)

    def sweep(self, context, noise, **settings):
        """Draw the hidden units, one after the other, the visible ones summed out.

        Leaves exp(-beta E) / Z as it is.
        """
        return self.chain_machine.sweep(context, noise, **settings)

    def gibbs(self, rows, noise, n_sweeps=1, **settings):
        """Make so many sweeps."""
        return self.chain_machine.gibbs(rows, noise, n_sweeps, **settings)

    def complete(self, visible, noise, beta=1.0):
        """Draw the hidden units, which chains move, given visible rows."""
        return self.hidden.draw(self.hidden_field(visible), noise, beta)

    def visible_of(self, rows, noise, beta=1.0):
        """Draw visible rows given the hidden ones."""
        return self.visible.draw(self.visible_field(rows), noise, beta)

    def chain_mean(self, mean):
        """Give means of the hidden units without a field."""
        return self.hidden.free_mean()

    def hidden_field(self, rows):
        """Compute the fields of the hidden units given visible rows."""
        return RBMEnergy.context(self, rows).field
