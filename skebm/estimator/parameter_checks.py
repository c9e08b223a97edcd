"""Checks of the parameters of a model that users give, as to `from_parameters`."""

__all__ = [
    "check_adjacency",
    "check_bias",
    "check_couplings",
    "check_groups",
    "check_noise",
    "check_noise_factors",
    "check_scales",
    "check_size",
    "has_real_columns",
]

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

# Sums of larger numbers are rounded to more than a nat, and learning, in float32, has
# products of two of them.
_LARGEST_PARAMETER = 1e15


def check_adjacency(adjacency, name, n_units):
    """Validate which units are coupled; give it as a boolean CSR array.

    Parameters
    ----------
    adjacency : {array-like, sparse matrix} of shape (n_units, n_units)
        What the user passed. Its diagonal does not matter.
    name : str
        What the user calls it.
    n_units : int
        Number of units.

    Returns
    -------
    graph : CSR array of shape (n_units, n_units)
        Without a diagonal.

    Raises
    ------
    ValueError
        If it has another shape, is not symmetric, or holds what is not finite.
    """
    graph = check_array(adjacency, accept_sparse="csr", input_name=name)
    _check_shape(graph, name, (n_units, n_units))
    graph = sparse.csr_array(graph) != 0
    graph.setdiag(False)
    graph.eliminate_zeros()
    if (graph != graph.T).nnz:
        raise ValueError(
            f"{name} must be symmetric: a coupling has no direction. Pass {name} + "
            f"{name}.T, for instance."
        )
    return graph


def check_couplings(couplings, name, n_units=None):
    """Validate couplings between units, as float64.

    None is none at all; without `n_units`, there are as many as rows.

    Raises
    ------
    ValueError
        If they are not symmetric with zero diagonal, have another shape, or hold
        what is not finite.
    """
    if couplings is None:
        return np.zeros((n_units, n_units))
    couplings = check_array(couplings, dtype=np.float64, copy=True, input_name=name)
    if n_units is None:
        n_units = len(couplings)
    _check_shape(couplings, name, (n_units, n_units))
    if (couplings != couplings.T).any() or np.diag(couplings).any():
        raise ValueError(
            f"{name} must be symmetric with zero diagonal: that between two units "
            "counts once, and a unit has none with itself."
        )
    return couplings


def check_bias(bias, name, n_units):
    """Validate biases of units, as float64.

    Raises
    ------
    ValueError
        If they have another shape, or are not finite.
    """
    bias = check_array(bias, dtype=np.float64, ensure_2d=False, copy=True)
    _check_shape(bias, name, (n_units,))
    return bias


def check_noise(noise, n_features):
    """Validate variances of features, one for all, or their covariance, as float64.

    Returns
    -------
    noise : ndarray of shape (n_features,) or (n_features, n_features)
        In the number of dimensions in which it was given; one variance for all
        is repeated.

    Raises
    ------
    ValueError
        If it has another shape, or is not symmetric and positive definite.
    """
    noise = np.asarray(noise, dtype=np.float64)
    if noise.ndim == 0:
        noise = np.full(n_features, noise)
    noise = check_array(noise, ensure_2d=False, copy=True, input_name="noise")
    _check_shape(noise, "noise", (n_features,) * noise.ndim)
    if noise.ndim == 1:
        positive = (noise > 0).all()
    else:
        # As others compute it, but for rounding.
        symmetric = np.allclose(noise, noise.T, rtol=1e-9, atol=1e-12)
        noise = (noise + noise.T) / 2
        positive = symmetric and np.linalg.eigvalsh(noise)[0] > 0
    if not positive:
        raise ValueError(
            "The noise must be positive variances, or a covariance that is symmetric "
            "and positive definite."
        )
    return noise


def check_noise_factors(factors, variances):
    """Validate factors of noise, float64, given variances of features with them.

    Raises
    ------
    ValueError
        If they have another number of columns, or leave a feature no noise of its own;
        or if the variances are a covariance.
    """
    factors = check_array(
        factors,
        dtype=np.float64,
        copy=True,
        ensure_min_samples=0,
        input_name="noise_factors",
    )
    if variances.ndim == 2:
        raise ValueError(
            "With noise_factors, noise must be the variances of the features, the "
            "factors included, not their covariance: pass its diagonal."
        )
    _check_shape(factors, "noise_factors", (len(factors), len(variances)))
    own = variances - np.square(factors).sum(axis=0)
    if not (own > 0).all():
        raise ValueError(
            f"noise_factors leave feature {int(np.argmin(own))} no noise of its own. "
            "Pass as noise the variances of the features, which are larger than the "
            "sums of squares of the factors."
        )
    return factors


def check_groups(group_weights, locations, noises, n_features):
    """Validate what groups of rows have, but for their noises, as float64.

    Returns
    -------
    attributes : dict or None
        Of a fit with groups; None without any of the three.

    Raises
    ------
    ValueError
        If they are fewer than two groups, not as many of each, or weights are no
        probabilities.
    """
    given = {
        "group_weights": group_weights,
        "locations": locations,
        "noises": noises,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return None
    for name, value in given.items():
        if np.ndim(value) == 0:
            raise ValueError(f"{name} must have a row for each group, got {value}.")
    sizes = {name: len(value) for name, value in given.items()}
    n_groups = max(sizes.values())
    if min(sizes.values()) < n_groups or n_groups < 2:
        raise ValueError(
            f"{' and '.join(given)} must be of as many groups, at least two; there are "
            f"{' and '.join(map(str, sizes.values()))}. Leave all of them out where "
            "all rows are of one group."
        )
    if locations is None:
        raise ValueError("Groups need locations, one for each.")
    locations = check_array(
        locations, dtype=np.float64, copy=True, input_name="locations"
    )
    _check_shape(locations, "locations", (n_groups, n_features))
    weights = np.full(n_groups, 1 / n_groups)
    if group_weights is not None:
        weights = _check_probabilities(group_weights, "group_weights", (n_groups,))
    return {"group_weights_": weights, "locations_": locations}


def check_scales(scales, scale_weights, n_groups):
    """Validate scales of rows and their probabilities, as float64.

    Returns
    -------
    attributes : dict
        Scales and their weights, of shape (n_scales,), or (n_groups, n_scales) of
        several groups. Without weights all are the same. Empty without scales.

    Raises
    ------
    ValueError
        If there are fewer than two, one is not positive, or they do not sum to 1.
    """
    if scales is None:
        return {}
    scales = check_array(scales, ensure_2d=False, dtype=np.float64, copy=True)
    n_scales = scales.shape[-1]
    if n_scales < 2 or scales.ndim > 2 or not (scales > 0).all():
        raise ValueError(
            "scales must be two positive numbers or more. Leave them out where all "
            "rows have one scale, which is that of the noise."
        )
    shape = (n_scales,) if n_groups == 1 else (n_groups, n_scales)
    if n_groups > 1 and scales.ndim == 1:
        scales = np.tile(scales, (n_groups, 1))
    _check_shape(scales, "scales", shape)
    weights = np.full(shape, 1 / n_scales)
    if scale_weights is not None:
        if n_groups > 1 and np.ndim(scale_weights) == 1:
            scale_weights = np.tile(scale_weights, (n_groups, 1))
        weights = _check_probabilities(scale_weights, "scale_weights", shape)
    return {"scales_": scales, "scale_weights_": weights}


def check_size(energy):
    """Refuse parameters, in the units of learning, of which no score would be right.

    Raises
    ------
    ValueError
        If one is so large that log-probabilities are rounded to more than a nat.
    """
    bounds = [(energy.ravel(), _LARGEST_PARAMETER, "")]
    if has_real_columns(energy):
        # Units that are coupled by way of real columns are so by products of weights.
        unit = " in units of the noise"
        bounds.insert(0, (energy.penalised, np.sqrt(_LARGEST_PARAMETER), unit))
    for parameters, bound, unit in bounds:
        largest = np.abs(parameters).max(initial=0)
        if not largest <= bound:
            raise ValueError(
                f"A parameter is {largest:.0e}{unit}, and beyond {bound:.0e} "
                "log-probabilities are rounded to more than a nat. Divide the "
                "parameters by a constant."
            )


def has_real_columns(energy):
    """Say whether visible columns of an energy hold real values."""
    return len(range(*energy.real_columns.indices(energy.n_visible))) > 0


def _check_probabilities(weights, name, shape):
    weights = check_array(
        weights, ensure_2d=False, dtype=np.float64, copy=True, input_name=name
    )
    _check_shape(weights, name, shape)
    if not ((weights > 0).all() and np.allclose(weights.sum(axis=-1), 1)):
        raise ValueError(f"{name} must be positive and sum to 1.")
    return weights


def _check_shape(array, name, shape):
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}, but the number of units asks for {shape}."
        )
