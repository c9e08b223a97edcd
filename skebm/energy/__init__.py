"""Energies: how a configuration is scored.

One file an energy. An energy is a small immutable object of parameter arrays;
sampling, learning and partition are written once against these methods of it:

- ``free_energy(visible)``, ``conditional_log_likelihood(visible)``
- ``enumerable_layers()`` for the exact log Z; ``annealing_path(visible_mean)``,
  with ``start`` and ``move``, for its estimate
- ``independent(visible_mean)``, ``towards(other, fraction)`` and
  ``arrive(visible, before, noise)``, for log Z along the way of learning
- ``clamp(visible, noise, beta)`` and ``gibbs(state, noise, beta, n_sweeps)`` for
  chains; ``tempered(visible_mean, beta)``, with ``context``, ``log_ratio`` and
  ``sweep``, for parallel tempering; ``chain_rows(visible, noise)``, what that and
  annealing move
- ``centred(visible_offset, hidden_offset)``, the machine in the coordinates in
  which it learns: ``prepare``, ``start_chains``, ``contrast``, ``hidden_rows``,
  ``step``, ``towards``, ``without_weights``, ``recentred``, ``uncentred``,
  ``describing``, ``with_drifted_offset``, ``tempered``, ``plain_parameters``,
  ``has_diverged``
- ``model_moments()``, ``row_moments(visible, row_weights)`` and
  ``standardised(visible_mean)`` for exact learning
- ``astype(dtype)`` and ``n_units``
"""
