"""Figures that no screen shows, and that no test leaves behind."""

import pytest


@pytest.fixture(autouse=True)
def plt():
    """Give matplotlib's pyplot; nothing is open before, and nothing after."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    plt.close("all")
    yield plt
    plt.close("all")
