"""A small network of one output, with its gradients by rows and by parameters."""

__all__ = ["ACTIVATIONS", "Network"]

from itertools import pairwise
from typing import NamedTuple

import numpy as np


def _logistic(field):
    share = np.tanh(field / 2)
    share += 1
    share /= 2
    return share


def _swish(field):
    share = _logistic(field)
    value = field * share
    slope = 1 - share
    slope *= value
    slope += share
    return value, slope


def _softplus(field):
    return np.logaddexp(field, field.dtype.type(0)), _logistic(field)


def _tanh(field):
    value = np.tanh(field)
    slope = np.square(value)
    return value, np.subtract(1, slope, out=slope)


# Each gives the values of units in a field, and their derivatives. All are smooth, so
# that the slope of the energy leads chains; and none grows faster than its field, so
# that it never outgrows the squares of the normal distribution.
ACTIVATIONS = {"swish": _swish, "softplus": _softplus, "tanh": _tanh}


class Network(NamedTuple):
    """Layers of units between rows and a number for each.

    Parameters
    ----------
    weights : list of ndarray
        Of shape (n_inputs, n_outputs), one for each layer and one of shape (n_inputs,)
        for the number.
    biases : list of ndarray
        Of each layer.
    activation : str
        Of `ACTIVATIONS`.
    """

    weights: list
    biases: list
    activation: str

    @classmethod
    def of(cls, vector, sizes, activation):
        """View a vector as the parameters of a network: all weights, then all biases.

        Parameters
        ----------
        vector : ndarray of shape (n_parameters,)
            Which arrays of the network are views of.
        sizes : tuple of int
            Of the rows and of each layer.
        activation : str
            Of `ACTIVATIONS`.
        """
        shapes = [*pairwise(sizes), (sizes[-1],)]
        shapes += [(size,) for size in sizes[1:]]
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        parts = np.split(vector, ends[:-1])
        arrays = [part.reshape(own) for part, own in zip(parts, shapes, strict=True)]
        return cls(arrays[: len(sizes)], arrays[len(sizes) :], activation)

    @staticmethod
    def n_parameters(sizes):
        """Count weights, and all parameters."""
        sizes = np.array(sizes)
        n_weights = int(sizes[:-1] @ sizes[1:] + sizes[-1])
        return n_weights, n_weights + int(sizes[1:].sum())

    def layers(self, rows):
        """Compute what enters each layer and the number, and the slopes of units."""
        activate = ACTIVATIONS[self.activation]
        inputs, slopes = [rows], []
        for weights, bias in zip(self.weights, self.biases, strict=False):
            field = np.dot(inputs[-1], weights)
            field += bias
            values, slope = activate(field)
            inputs.append(values)
            slopes.append(slope)
        return inputs, slopes

    def output(self, layers):
        """Give the number of each row, of its `layers`."""
        return np.dot(layers[0][-1], self.weights[-1])

    def row_gradient(self, layers):
        """Give the derivatives of the number of each row by the row."""
        *_, (weights, delta) = self._backwards(layers)
        return np.dot(delta, weights.T)

    def parameter_gradient(self, layers, row_weights):
        """Sum the derivatives of numbers of weighted rows, as the vector of `of`."""
        inputs, _ = layers
        weights = [np.dot(row_weights, inputs[-1])]
        biases = []
        pairs = zip(self._backwards(layers), inputs[-2::-1], strict=True)
        for (_, delta), values in pairs:
            weighted = delta * row_weights[:, np.newaxis]
            weights.append(np.dot(values.T, weighted))
            biases.append(weighted.sum(axis=0))
        return np.concatenate([a.ravel() for a in (*weights[::-1], *biases[::-1])])

    def gradient_products(self, layers):
        """Compute the products of the gradients of each two rows by the parameters."""
        inputs, _ = layers
        products = np.dot(inputs[-1], inputs[-1].T)
        pairs = zip(self._backwards(layers), inputs[-2::-1], strict=True)
        for (_, delta), values in pairs:
            own = np.dot(values, values.T)
            own += 1
            own *= np.dot(delta, delta.T)
            products += own
        return products

    def change(self, layers, direction):
        """Compute the derivative of the number of each row along a direction.

        Parameters
        ----------
        layers : tuple
            Of `layers`.
        direction : Network
            What parameters move by.
        """
        inputs, slopes = layers
        moved = np.zeros_like(inputs[0])
        for own, change, bias, values, slope in zip(
            self.weights[:-1],
            direction.weights,
            direction.biases,
            inputs,
            slopes,
            strict=False,
        ):
            moved = np.dot(moved, own)
            moved += np.dot(values, change)
            moved += bias
            moved *= slope
        return np.dot(moved, self.weights[-1]) + np.dot(
            inputs[-1], direction.weights[-1]
        )

    def _backwards(self, layers):
        """Yield weights of layers, last first, and derivatives by the fields there."""
        _, slopes = layers
        delta = slopes[-1] * self.weights[-1]
        yield self.weights[-2], delta
        for weights, below, slope in zip(
            self.weights[-2:0:-1], self.weights[-3::-1], slopes[-2::-1], strict=True
        ):
            delta = np.dot(delta, weights.T)
            delta *= slope
            yield below, delta
