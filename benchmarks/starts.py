"""Three starts of the weights: correlations, principal components, noise.

    python benchmarks/starts.py FOLDER [--sets plants dna] [--max-iter 5000]

The folder holds the sets as FOLDER/NAME.npz, bits packed, with keys train, valid,
test and n_features. All else is as by default; the small set also with its penalty.
"""

from unittest import mock

import numpy as np
from tables import parse_sets, read_set

from skebm import BinaryRBM
from skebm.learning.starts.correlations import start_weights


def noise(centred_rows, n_hidden, rng):
    """Start from small noise alone."""
    return rng.normal(0, 0.01, (n_hidden, centred_rows.shape[1]))


def principal_components(centred_rows, n_hidden, rng):
    """Start the first hidden units from the leading principal components.

    Their scale is that at which the visible units couple half as strongly as would
    order them, as in the start from correlations.
    """
    weights = noise(centred_rows, n_hidden, rng)
    covariance = centred_rows.T @ centred_rows / len(centred_rows)
    values, vectors = np.linalg.eigh(covariance)
    n_kept = min(n_hidden, 10)
    leading = vectors[:, ::-1][:, :n_kept].T
    weights[:n_kept] += leading * np.sqrt(2 / values[::-1][:n_kept, np.newaxis])
    return weights


STARTS = {
    "correlations": start_weights,
    "principal components": principal_components,
    "noise": noise,
}


def main():
    parser, arguments = parse_sets(__doc__, max_iter=5000)
    print(f"test nats a row after {arguments.max_iter} updates, 128 hidden units")
    for name in arguments.sets:
        train, _, test = read_set(parser, arguments.folder, name)
        penalties = [{}, {"alpha": 0.003, "l1_ratio": 1.0}] if name == "dna" else [{}]
        for penalty in penalties:
            for label, start in STARTS.items():
                rbm = BinaryRBM(
                    128, max_iter=arguments.max_iter, random_state=0, **penalty
                )
                with mock.patch("skebm.binary_rbm.start_weights", start):
                    rbm.fit(train)
                print(
                    f"{name:>10} {label:>22} {penalty or ''!s}: "
                    f"test {rbm.score(test):9.3f} ({rbm.log_partition_std_:.3f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
