"""Fit, score and draw with the package as it is installed, away from a checkout.

Run with ``python -I``, which leaves the working directory out of the path.
"""

from pathlib import Path

from sklearn.datasets import load_digits

import skebm
import skebm.datasets
import skebm.displays


def main():
    """Say which package this is, and that it learns."""
    installed = Path(skebm.__file__).resolve()
    if Path(__file__).resolve().parent.parent in installed.parents:
        raise SystemExit(f"{installed} is the checkout, not what was installed")
    X = load_digits().data[:200] > 7
    rbm = skebm.BinaryRBM(8, max_iter=100, random_state=0).fit(X)
    rows = rbm.sample(10, random_state=0)
    print(f"skebm {skebm.__version__}: {rbm.score(X):.1f} nats, {len(rows)} rows drawn")


if __name__ == "__main__":
    main()
