"""Products with triangular matrices in blocks, against those of whole ones."""

import numpy as np
import pytest

from skebm.units import triangular
from skebm.units.triangular import lower_product


@pytest.fixture(autouse=True)
def narrow_blocks(monkeypatch):
    monkeypatch.setattr(triangular, "_BLOCK", 4)


@pytest.fixture(params=[1, 4, 5, 8, 11])
def lower(request):
    rng = np.random.default_rng(0)
    return np.tril(rng.standard_normal((request.param, request.param)))


def test_lower_product(lower):
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal((2, 3, len(lower)))
    whole = np.tril(left.T @ right, -1)
    product, squared_norm = lower_product(left, right, lower)
    np.testing.assert_allclose(product, whole @ lower, rtol=1e-12, atol=1e-12)
    assert not np.triu(product).any()
    assert squared_norm == pytest.approx((whole**2).sum(), rel=1e-12)
