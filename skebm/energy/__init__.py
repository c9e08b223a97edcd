"""Energies: how a configuration is scored.

One file an energy. An energy is a small immutable object of parameter arrays;
sampling, learning and partition are written once against these methods of it:

- ``free_energy(visible)``, ``conditional_log_likelihood(visible)``
- ``enumerable_layers()`` for the exact log Z; ``annealing_path(visible_mean)``,
  with ``start`` and ``move``, for its estimate
- ``clamp(visible, noise, beta)`` and ``gibbs(state, noise, beta)`` for chains
- ``centred(visible_offset, hidden_offset)``, the machine in the coordinates in
  which it learns: ``prepare``, ``start_chains``, ``contrast``, ``step``,
  ``recentred``, ``uncentred``, ``with_drifted_offset``, ``plain_parameters``,
  ``has_diverged``
- ``astype(dtype)`` and ``n_units``
"""
