"""
Rings, spirals and squares: densities of any shape
==================================================

Five sets of rows in the plane, each of a shape that no normal distribution has.
:class:`~skebm.NeuralEnergyModel` learns their densities: its energy is a small neural
network, and its chains follow the slope of that. In two columns one can see all of a
density, and hold log Z to a sum over a grid.
"""

# %%
# The data
# --------
# Rings, moons, a pinwheel, two spirals and a checkerboard, with little noise. Two
# thousand rows are learned from, and as many held out.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.mixture import GaussianMixture

from skebm import NeuralEnergyModel

rng = np.random.default_rng(0)
N_ROWS = 4000


def circles(radius, angle, noise):
    """Rows around the origin, at these radii and angles."""
    rows = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return rows + rng.normal(0, noise, rows.shape)


def rings():
    radius = rng.integers(1, 4, N_ROWS)
    return circles(radius, rng.uniform(0, 2 * np.pi, N_ROWS), 0.12)


def moons():
    rows = circles(1.0, rng.uniform(0, np.pi, N_ROWS), 0.1)
    return np.where(rng.random((N_ROWS, 1)) < 0.5, rows, [1, 0.5] - rows)


def pinwheel():
    along, across = rng.normal(1, 0.3, N_ROWS), rng.normal(0, 0.1, N_ROWS)
    arm = 2 * np.pi * rng.integers(5, size=N_ROWS) / 5
    angle = arm + np.exp(along) / 4 + np.arctan2(across, along)
    return circles(2 * np.hypot(along, across), angle, 0.0)


def spirals():
    angle = 3 * np.pi * np.sqrt(rng.random(N_ROWS))
    return circles(angle / 3 * rng.choice([-1, 1], N_ROWS), angle, 0.1)


def checkerboard():
    x, y = rng.uniform(-2, 2, N_ROWS), rng.random(N_ROWS)
    y += 2 * rng.integers(2, size=N_ROWS) - 2 + np.floor(x) % 2
    return np.column_stack([x, y])


sets = {
    make.__name__: make() for make in (rings, moons, pinwheel, spirals, checkerboard)
}

# %%
# Scores
# ------
# Beside the network stands a mixture of normal distributions, of as many components as
# score best on a fifth of the rows. The sum over the grid says by how much log Z is off.


def grid_around(X, n_points=200):
    """Give a square grid beyond the rows, and the logarithm of its cells' area."""
    centre, reach = X.mean(axis=0), np.ptp(X, axis=0).max()
    axis = np.linspace(-reach, reach, n_points)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return centre + grid, 2 * np.log(axis[1] - axis[0])


def best_mixture(X):
    """Choose the number of components by rows held out, and learn from all."""
    candidates = [GaussianMixture(n, random_state=0) for n in (4, 8, 16, 24, 32)]
    n_learned = 4 * len(X) // 5
    scores = [one.fit(X[:n_learned]).score(X[n_learned:]) for one in candidates]
    return candidates[np.argmax(scores)].fit(X)


densities, drawn = {}, {}
print(f"{'held-out nats a row':20} network  mixture   log Z off by (error)")
for name, X in sets.items():
    train, test = X[::2], X[1::2]
    model = NeuralEnergyModel(random_state=0).fit(train)
    mixture = best_mixture(train)
    grid, log_cell = grid_around(X)
    densities[name] = np.exp(model.score_samples(grid))
    drawn[name] = model.sample(1000, n_steps=200, random_state=0)
    off = np.log(densities[name].sum()) + log_cell
    print(
        f"{name:20} {model.score(test):7.2f}  {mixture.score(test):7.2f}"
        f"   {-off:6.3f} ({model.log_partition_std_:.3f})"
    )

# %%
# Picture
# -------
# Above the rows, then the densities, then rows drawn from the model.

figure, axes = plt.subplots(3, 5, figsize=(10, 6.2), layout="constrained")
for column, (name, X) in zip(axes.T, sets.items(), strict=True):
    grid, _ = grid_around(X)
    low, high = grid.min(axis=0), grid.max(axis=0)
    side = int(np.sqrt(len(grid)))
    column[0].set_title(name)
    column[0].scatter(*X[:1000].T, s=1, color="black")
    column[1].imshow(
        densities[name].reshape(side, side),
        origin="lower",
        extent=(low[0], high[0], low[1], high[1]),
        cmap="magma_r",
    )
    column[2].scatter(*drawn[name].T, s=1, color="C0")
    middle, reach = (low + high) / 2, 0.6 * np.ptp(X, axis=0).max()
    for ax in column:
        ax.set(
            xlim=(middle[0] - reach, middle[0] + reach),
            ylim=(middle[1] - reach, middle[1] + reach),
            xticks=[],
            yticks=[],
            aspect="equal",
        )
for ax, label in zip(axes[:, 0], ("rows", "density", "draws"), strict=True):
    ax.set_ylabel(label)
plt.show()
