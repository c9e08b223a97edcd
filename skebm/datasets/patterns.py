"""Binary patterns, each made by a few choices that are all equally probable."""

__all__ = ["make_bars_and_stripes", "make_labelled_shifter", "make_shifting_bar"]

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch

from skebm.estimator.validation import (
    Interval,
    make_generator,
    validate_params,
)
from skebm.units.binary import all_configurations

# More bits would make tables of gigabytes.
_MAX_TABLE_BITS = 20

_DRAWS = {
    "n_samples": [Interval(Integral, 1, None, closed="left"), None],
    "random_state": ["random_state"],
}


@validate_params(
    {**_DRAWS, "n_side": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def make_bars_and_stripes(n_samples=None, *, n_side=4, random_state=None):
    """Draw square images of either full columns or full rows.

    First an orientation is drawn, then for each line of it whether it is on. The two
    images of one colour come from either orientation, and so are twice as probable as
    any other [1]_.

    Parameters
    ----------
    n_samples : int or None, default=None
        Number of rows, drawn independently. None lists each of the equally probable
        draws once, ``2 ** (n_side + 1)`` rows in which two rows occur twice.
    n_side : int, default=4
        Width and height of the images.
    random_state : int, RandomState instance or None, default=None
        Determines the rows where `n_samples` is given. Pass an int for the same rows
        at each call.

    Returns
    -------
    dataset : Bunch
        With the attributes

        data : ndarray of shape (n_samples, n_side ** 2)
            Zeros and ones, an image a row.
        log_likelihood : ndarray of shape (n_samples,)
            True log-probability of each row, in nats.
        entropy : float
            Of the law of a row, in nats: 3.3791 for ``n_side=4``.

    Raises
    ------
    ValueError
        If the list of all draws would be longer than a million rows.

    See Also
    --------
    make_labelled_shifter : Units that depend on each other in threes.
    make_shifting_bar : Fewer patterns, all equally probable.

    References
    ----------
    .. [1] Fischer, A. and Igel, C. (2014). Training restricted Boltzmann machines: an
       introduction. Pattern Recognition 47(1), 25-39.
       :doi:`10.1016/j.patcog.2013.05.025`

    Examples
    --------
    >>> from skebm import BinaryRBM
    >>> from skebm.datasets import make_bars_and_stripes
    >>> bars = make_bars_and_stripes()
    >>> bars.data.shape
    (32, 16)
    >>> round(bars.entropy, 4)
    3.3791
    >>> rbm = BinaryRBM(16, algorithm="exact", random_state=0).fit(bars.data)
    >>> print(f"{rbm.score(bars.data):.2f}")
    -3.38
    """
    bits = _bits(n_samples, n_side + 1, make_generator(random_state))
    is_column, lines = bits[:, 0].astype(bool), bits[:, 1:]
    images = np.repeat(lines[:, :, np.newaxis], n_side, axis=2)
    images[is_column] = images[is_column].transpose(0, 2, 1)
    one_colour = (lines == lines[:, :1]).all(axis=1)
    log_draws, share_of_one_colour = (n_side + 1) * np.log(2), 2.0 ** (1 - n_side)
    return Bunch(
        data=images.reshape(len(images), -1),
        log_likelihood=one_colour * np.log(2) - log_draws,
        entropy=float(log_draws - share_of_one_colour * np.log(2)),
    )


@validate_params(
    {**_DRAWS, "n_units": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def make_labelled_shifter(n_samples=None, *, n_units=8, random_state=None):
    """Draw random bits, the same bits shifted, and a label of the shift.

    The second group of units repeats the first one, shifted by a place to the left,
    not at all, or to the right, around the edge. One of three further units is on and
    tells which [1]_ [2]_. Neither group says anything about the shift without the
    other, so that couplings of pairs cannot learn it.

    Parameters
    ----------
    n_samples : int or None, default=None
        Number of rows, drawn independently. None lists each of the
        ``3 * 2 ** n_units`` patterns once.
    n_units : int, default=8
        Units in each of the first two groups.
    random_state : int, RandomState instance or None, default=None
        Determines the rows where `n_samples` is given. Pass an int for the same rows
        at each call.

    Returns
    -------
    dataset : Bunch
        With the attributes

        data : ndarray of shape (n_samples, 2 * n_units + 3)
            Zeros and ones: the bits, the shifted bits, the label.
        log_likelihood : ndarray of shape (n_samples,)
            True log-probability of each row, in nats.
        entropy : float
            Of the law of a row, in nats: 6.6438 for ``n_units=8``.

    Raises
    ------
    ValueError
        If the list of all patterns would be longer than three million rows.

    See Also
    --------
    make_bars_and_stripes : Images of columns or rows.

    References
    ----------
    .. [1] Hinton, G. E. and Sejnowski, T. J. (1986). Learning and relearning in
       Boltzmann machines. Parallel Distributed Processing 1, 282-317. MIT Press.
    .. [2] Fischer, A. and Igel, C. (2014). Training restricted Boltzmann machines: an
       introduction. Pattern Recognition 47(1), 25-39.
       :doi:`10.1016/j.patcog.2013.05.025`

    Examples
    --------
    >>> from skebm.datasets import make_labelled_shifter
    >>> shifter = make_labelled_shifter()
    >>> shifter.data.shape
    (768, 19)
    >>> round(shifter.entropy, 4)
    6.6438
    >>> make_labelled_shifter(1, n_units=4, random_state=1).data
    array([[1., 0., 0., 1., 0., 0., 1., 1., 1., 0., 0.]])
    """
    rng = make_generator(random_state)
    bits = _bits(n_samples, n_units, rng)
    if n_samples is None:
        labels = np.repeat(np.arange(3), len(bits))
        bits = np.tile(bits, (3, 1))
    else:
        labels = rng.integers(3, size=n_samples)
    shifted = [np.roll(bits, shift, axis=1) for shift in (-1, 0, 1)]
    shifted = np.choose(labels[:, np.newaxis], shifted)
    data = np.hstack([bits, shifted, np.eye(3)[labels]])
    return _equally_probable(data, n_units * np.log(2) + np.log(3))


@validate_params(
    {
        **_DRAWS,
        "n_units": [Interval(Integral, 2, None, closed="left")],
        "bar_length": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def make_shifting_bar(n_samples=None, *, n_units=9, bar_length=1, random_state=None):
    """Draw rows in which one bar is on, at any place around a ring.

    All places are equally probable. Most units are off, and most are on with
    ``bar_length=n_units - 1``: an algorithm that learns one better than the other
    depends on how bits are coded [1]_.

    Parameters
    ----------
    n_samples : int or None, default=None
        Number of rows, drawn independently. None lists each of the `n_units` patterns
        once.
    n_units : int, default=9
        Number of units, at least 2.
    bar_length : int, default=1
        Units that are on, at least one and fewer than `n_units`.
    random_state : int, RandomState instance or None, default=None
        Determines the rows where `n_samples` is given. Pass an int for the same rows
        at each call.

    Returns
    -------
    dataset : Bunch
        With the attributes

        data : ndarray of shape (n_samples, n_units)
            Zeros and ones.
        log_likelihood : ndarray of shape (n_samples,)
            True log-probability of each row, in nats.
        entropy : float
            Of the law of a row, in nats: ``log(n_units)``.

    Raises
    ------
    ValueError
        If the bar is as long as the row.

    See Also
    --------
    make_bars_and_stripes : Images of columns or rows.

    References
    ----------
    .. [1] Melchior, J., Fischer, A. and Wiskott, L. (2016). How to center deep
       Boltzmann machines. Journal of Machine Learning Research 17(99), 1-61.
       https://www.jmlr.org/papers/v17/14-237.html

    Examples
    --------
    >>> from skebm.datasets import make_shifting_bar
    >>> make_shifting_bar(n_units=4, bar_length=2).data
    array([[1., 1., 0., 0.],
           [0., 1., 1., 0.],
           [0., 0., 1., 1.],
           [1., 0., 0., 1.]])
    """
    if bar_length >= n_units:
        raise ValueError(
            f"bar_length={bar_length} leaves no unit of n_units={n_units} off, so that "
            "all rows would be the same. Make the bar shorter than the row."
        )
    if n_samples is None:
        places = np.arange(n_units)
    else:
        places = make_generator(random_state).integers(n_units, size=n_samples)
    after_start = (np.arange(n_units) - places[:, np.newaxis]) % n_units
    return _equally_probable((after_start < bar_length).astype(float), np.log(n_units))


def _bits(n_rows, n_bits, rng):
    """Draw fair bits, or list all their configurations where `n_rows` is None."""
    if n_rows is not None:
        return rng.integers(2, size=(n_rows, n_bits)).astype(float)
    if n_bits > _MAX_TABLE_BITS:
        raise ValueError(
            f"n_samples=None would list all configurations of {n_bits} bits, and "
            f"{_MAX_TABLE_BITS} are the most. Pass n_samples, the number of rows to "
            "draw."
        )
    return all_configurations(n_bits)


def _equally_probable(data, entropy):
    """Describe rows of a law under which every pattern has the same probability."""
    return Bunch(
        data=data, log_likelihood=np.full(len(data), -entropy), entropy=float(entropy)
    )
