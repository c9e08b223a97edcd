from dataclasses import replace

import numpy as np
import pytest
from gaussian_machines import (
    KINDS,
    dense,
    gaussian_machine,
    mean_log_likelihood,
    oracle_of,
    rows_of,
)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=[0.0, 0.3])
def energy(kind, request):
    return gaussian_machine(kind, ridge=request.param, log_volume=0.7)


def test_value_of_rows_is_their_negative_free_energy(energy):
    rows = rows_of(energy)
    weights = np.random.default_rng(0).uniform(size=len(rows))
    value, _ = energy.row_moments(rows, weights)
    matrix = dense(energy.whitening)
    precision = matrix.T @ matrix
    cost = energy.ridge / 2 * np.trace(precision) * weights.sum()
    expected = -weights @ energy.free_energy(rows) - cost
    assert value == pytest.approx(expected, abs=1e-12)


def test_moments_of_rows(energy):
    rows = rows_of(energy)
    weights = np.random.default_rng(0).uniform(size=len(rows))
    _, moments = energy.row_moments(rows, weights)
    white = rows @ dense(energy.whitening).T
    hidden = oracle_of(energy).posterior_mean(rows)
    weighted = weights[:, np.newaxis] * white
    np.testing.assert_allclose(moments.products, hidden.T @ weighted, atol=1e-12)
    np.testing.assert_allclose(moments.visible, weighted.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(moments.hidden, weights @ hidden, atol=1e-12)


def test_moments_of_the_model(energy):
    oracle = oracle_of(energy)
    log_partition, moments = energy.model_moments()
    assert log_partition == pytest.approx(oracle.log_partition + 0.7, abs=1e-10)
    means = oracle.means @ dense(energy.whitening).T
    products = (oracle.law[:, np.newaxis] * oracle.hidden).T @ means
    np.testing.assert_allclose(moments.products, products, rtol=0, atol=1e-12)
    np.testing.assert_allclose(moments.visible, oracle.law @ means, atol=1e-12)
    np.testing.assert_allclose(moments.hidden, oracle.law @ oracle.hidden, atol=1e-12)


def test_rows_are_left_alone(energy):
    rows = rows_of(energy)
    before = rows.copy()
    energy.row_moments(rows, np.ones(len(rows)))
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("name", ["weights", "visible_bias", "hidden_bias"])
def test_differences_are_the_derivatives_of_the_likelihood(energy, name):
    rows = rows_of(energy)
    difference = dict(
        zip(
            ("weights", "visible_bias", "hidden_bias"),
            contrast(energy, rows)[:3],
            strict=True,
        )
    )[name]
    size = 1e-5
    for index in np.ndindex(difference.shape):
        shift = np.zeros_like(difference)
        shift[index] = size
        numeric = mean_log_likelihood(
            replace(energy, **{name: getattr(energy, name) + shift}), rows
        ) - mean_log_likelihood(
            replace(energy, **{name: getattr(energy, name) - shift}), rows
        )
        assert difference[index] == pytest.approx(numeric / (2 * size), abs=1e-8)


def contrast(energy, rows):
    _, of_rows = energy.row_moments(rows, np.full(len(rows), 1 / len(rows)))
    _, of_model = energy.model_moments()
    return [ours - its for ours, its in zip(of_rows, of_model, strict=True)]


def test_derivative_by_steps_of_the_noise(kind, energy):
    rows = rows_of(energy)
    derivative = contrast(energy, rows)[3]
    size = 1e-5
    if kind == "fixed":
        assert not derivative.any()
        return
    assert derivative.any()
    steps = np.eye(derivative.size).reshape(-1, *derivative.shape)
    if kind == "shared":
        steps = steps.sum(axis=0, keepdims=True)
    for step in steps:
        if np.triu(step, 1).any() and kind == "full":
            assert np.vdot(derivative, step) == 0
            continue
        ahead, behind = (
            mean_log_likelihood(
                replace(energy, whitening=energy.whitening.stepped(shift)), rows
            )
            for shift in (size * step, -size * step)
        )
        numeric = (ahead - behind) / (2 * size)
        assert np.vdot(derivative, step) == pytest.approx(numeric, abs=1e-8)
