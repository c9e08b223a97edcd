"""What models with tables of cliques say of single columns, and of several together."""

__all__ = ["MarginalsMixin"]

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skebm.energy.clique_sums import marginal_table
from skebm.estimator.cliques import column_of
from skebm.estimator.validation import unqualified


@unqualified
class MarginalsMixin:
    """`marginals`, `marginal_proba` and `coupling_strengths`."""

    def marginals(self):
        """Compute the probabilities of the levels of each column and each clique.

        Returns
        -------
        marginals : dict of tuple to ndarray
            For ``(column,)`` and each clique a table of probabilities, whose axes are
            the columns of the key and whose entries are their levels in the order of
            `categories_`. Columns are named as in `potentials_`.

        Raises
        ------
        ValueError
            If the sum over all configurations has more than `max_exact_terms` terms.

        Examples
        --------
        >>> from skebm import MarkovRandomField
        >>> model = MarkovRandomField.from_potentials({("a", "d"): [[4, 1], [2, 3]]})
        >>> model.marginals()["d",]
        array([0.6, 0.4])
        """
        check_is_fitted(self)
        energy = self._exact_energy()
        units, factors = energy.elimination.statistics()
        result = {self._key((i,)): table for i, table in enumerate(units)}
        scopes = energy.cliques.scopes
        return result | dict(zip(map(self._key, scopes), factors, strict=True))

    def marginal_proba(self, columns):
        """Compute the probabilities of the levels of some columns together.

        Parameters
        ----------
        columns : int, str or tuple of these
            Numbers or names of columns, which need not share a clique.

        Returns
        -------
        proba : ndarray
            With an axis for each column, in the order of `columns`, and entries for its
            levels in the order of `categories_`. The entries sum to 1.

        Raises
        ------
        ValueError
            If there is no such column, or it is there twice; or if the sum over all
            configurations has more than `max_exact_terms` terms.

        Examples
        --------
        >>> from skebm import MarkovRandomField
        >>> model = MarkovRandomField.from_potentials({("a", "d"): [[4, 1], [2, 3]]})
        >>> model.marginal_proba(("d", "a"))
        array([[0.4, 0.2],
               [0.1, 0.3]])
        """
        check_is_fitted(self)
        if not isinstance(columns, (tuple, list)):
            columns = (columns,)
        names = getattr(self, "feature_names_in_", None)
        scope = tuple(
            column_of(column, self.n_features_in_, names, "columns")
            for column in columns
        )
        if not scope or len(set(scope)) < len(scope):
            raise ValueError(f"columns={columns!r} is empty, or has a column twice.")
        table = marginal_table(self._exact_energy(), scope)
        if table is None:
            raise ValueError(
                f"The columns {columns} are so many, or so far apart, that their table "
                f"takes sums of more than max_exact_terms={self.max_exact_terms} "
                "terms. Draw rows by sample, and count."
            )
        return table

    def coupling_strengths(self, *, corrected=True):
        """Compute how strongly each two columns are coupled directly.

        That is the Frobenius norm of what the potentials of two columns have beyond
        those of single columns: their logarithms less the means of rows and of columns
        [1]_. Of larger cliques, it is the part that is of two columns alone, the others
        averaged.

        Parameters
        ----------
        corrected : bool, default=True
            Whether to subtract from each strength the product of the means of its two
            columns, divided by the mean of all: the average product correction [2]_.
            Columns of many levels, or of many rare ones, would be coupled with all
            others. Two columns in contact in a protein are then those of the largest
            values.

        Returns
        -------
        strengths : ndarray of shape (n_features, n_features)
            Symmetric, 0 on the diagonal. Corrected ones can be negative.

        References
        ----------
        .. [1] Ekeberg, M., Lövkvist, C., Lan, Y., Weigt, M. and Aurell, E. (2013).
           Improved contact prediction in proteins: using pseudolikelihoods to infer
           Potts models. Physical Review E 87, 012707.
           :doi:`10.1103/PhysRevE.87.012707`
        .. [2] Dunn, S. D., Wahl, L. M. and Gloor, G. B. (2008). Mutual information
           without the influence of phylogeny or entropy dramatically improves residue
           contact prediction. Bioinformatics 24(3), 333-340.
           :doi:`10.1093/bioinformatics/btm604`

        Examples
        --------
        >>> from skebm import MarkovRandomField
        >>> model = MarkovRandomField.from_potentials({("a", "d"): [[4, 1], [2, 3]]})
        >>> model.coupling_strengths(corrected=False).round(2)
        array([[0. , 0.9],
               [0.9, 0. ]])
        """
        check_is_fitted(self)
        squares = np.zeros((self.n_features_in_, self.n_features_in_))
        for pair, table in self._energy().pair_parts().items():
            squares[pair] = squares[pair[::-1]] = (table**2).sum()
        strengths = np.sqrt(squares)
        total = strengths.sum()
        if not corrected or total == 0:
            return strengths
        n_features = len(strengths)
        mean = strengths.sum(axis=0) / (n_features - 1)
        strengths -= np.outer(mean, mean) * n_features * (n_features - 1) / total
        np.fill_diagonal(strengths, 0)
        return strengths

    def _exact_energy(self):
        """Give the energy if its sums are exact."""
        energy = self._energy()
        if energy.cliques.tree is None:
            raise ValueError(
                "Marginals are summed exactly: this model takes more than "
                f"max_exact_terms={energy.most_terms} terms. Raise that in the "
                "constructor if there is memory, or draw rows by sample, and count."
            )
        return energy
