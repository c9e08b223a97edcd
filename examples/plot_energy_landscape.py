"""
An energy landscape while it learns
===================================

Learning pulls the energy down where there are data and pushes it up where the model
draws, until the two are in the same places. With two features the whole landscape can
be seen: here that of a :class:`~skebm.GaussianRBM` that learns a ring.
"""

# %%
# The ring
# --------
# 2000 points, and the landscape of the model after a few updates of its parameters
# and after more. :meth:`~skebm.GaussianRBM.partial_fit` takes ten updates of 200 rows
# at each call.

import matplotlib.pyplot as plt
import numpy as np

from skebm import GaussianRBM

rng = np.random.default_rng(0)
angle = rng.uniform(0, 2 * np.pi, 2000)
radius = rng.normal(2, 0.15, 2000)
X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])

side = np.linspace(-3.2, 3.2, 101)
points = np.column_stack([part.ravel() for part in np.meshgrid(side, side)])

rbm = GaussianRBM(16, algorithm="pcd", covariance_type="spherical", random_state=0)
frames = []
for n_passes in range(1, 61):
    rbm.partial_fit(X)
    if n_passes in (1, 5, 10, 20, 60):
        landscape = -rbm.score_samples(points).reshape(len(side), -1)
        drawn = rbm.sample(400, n_steps=300, random_state=0)
        frames.append((rbm.n_iter_, landscape, drawn, rbm.score(X)))

# %%
# Above, the landscape: minus the log-density, bright where it is low, with draws from
# the model. Below, what the updates up to the next frame do to it: blue where the
# landscape sinks, red where it rises. They sink it under the data, which are black, and
# raise it under the draws that are not among data, in the middle at first. When the
# draws have come to the data the two pull against each other, and little changes.

low, change = np.linspace(0, 12, 25), np.linspace(-2, 2, 17)
figure, axes = plt.subplots(
    2, len(frames), figsize=(12.5, 5.4), layout="constrained", sharex=True, sharey=True
)
for number, (n_updates, landscape, drawn, score) in enumerate(frames):
    above, below = axes[:, number]
    heights = above.contourf(
        side, side, landscape, levels=low, cmap="viridis_r", extend="max"
    )
    above.scatter(*drawn.T, s=2, color="darkorange")
    above.set_title(f"{n_updates} updates\n{score:.2f} nats a point")
    if number < len(frames) - 1:
        rise = frames[number + 1][1] - landscape
        rises = below.contourf(
            side, side, rise, levels=change, cmap="RdBu_r", extend="both"
        )
        below.scatter(*X[:400].T, s=2, color="black")
        below.scatter(*drawn.T, s=2, color="darkorange")
    else:
        below.scatter(*X[:400].T, s=2, color="black", label="data")
        below.scatter(*drawn.T, s=2, color="darkorange", label="draws")
        below.legend(loc="center", frameon=False, markerscale=4)
for panel in axes.flat:
    panel.set(aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[])
axes[0, 0].set_ylabel("landscape")
axes[1, 0].set_ylabel("until the next frame")
figure.colorbar(heights, ax=axes[0], label="-log p, nats", ticks=[0, 4, 8, 12])
figure.colorbar(rises, ax=axes[1], label="rise, nats", ticks=[-2, -1, 0, 1, 2])
figure.savefig("energy_landscape.png", dpi=120)

# %%
# A ring has no best number of hidden units: each of them bends the landscape along
# one direction, and more of them make it rounder. The density of these points by the
# formula that drew them is what no model can beat on average:

log_density = -np.log(2 * np.pi * radius) - (radius - 2) ** 2 / (2 * 0.15**2)
log_density -= 0.5 * np.log(2 * np.pi * 0.15**2)
print(f"the law itself      {log_density.mean():.2f} nats a point")
print(f"after {rbm.n_iter_:4} updates  {rbm.score(X):.2f}")
fitted = GaussianRBM(16, covariance_type="spherical", random_state=0).fit(X)
print(f"fitted to the end   {fitted.score(X):.2f}")
