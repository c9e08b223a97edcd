"""Digits drawn by a deep belief network beside those of its first machine alone.

    python benchmarks/deep_mnist.py FOLDER --save STACK
    python benchmarks/deep_pictures.py FOLDER STACK --figure digits.png

The folder holds mnist.npz with images and labels. Draws of both, and test digits, are
judged by a classifier of real digits and by the nearest digit that was learned from.
A classifier sure of noise is a poor judge, and draws nearer than test digits would be
copies: so each line of the table has to be read as a whole, beside that of test
digits. The figure has rows of draws in black, and below each row the nearest digits.
"""

import argparse
import warnings
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import entropy
from sklearn.neural_network import MLPClassifier
from tables import read_images

N_JUDGED_BY, N_CLASSES = 20_000, 10
N_COLUMNS, N_SHOWN = 10, 100


def learn_judge(train, labels):
    """Learn to tell digits, which has nothing to do with the models."""
    judge = MLPClassifier((200,), max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so many passes are meant
        return judge.fit(train[:N_JUDGED_BY], labels[:N_JUDGED_BY])


def find_nearest(images, train):
    """Give the index of the nearest training row of each image, and its distance."""
    index, distance = [], []
    columns = train.T.astype(np.float32)
    n_on = columns.sum(axis=0)
    for part in np.array_split(images.astype(np.float32), max(1, len(images) // 100)):
        differing = part.sum(axis=1)[:, None] + n_on - 2 * part @ columns
        index.append(differing.argmin(axis=1))
        distance.append(differing.min(axis=1))
    return np.concatenate(index), np.concatenate(distance)


def describe(name, images, judge, distance):
    """Print a line of the table."""
    proba = judge.predict_proba(images)
    certainty, root = proba.max(axis=1), np.sqrt(len(images))
    shares = np.bincount(proba.argmax(axis=1), minlength=N_CLASSES) / len(images)
    low, high = np.quantile(distance, (0.05, 0.95))
    print(
        f"{name:15}{certainty.mean():6.3f} ({certainty.std() / root:.3f})"
        f"{(certainty < 0.9).mean():9.3f}{entropy(shares):9.2f}{shares.min():9.3f}"
        f"{distance.mean():8.1f} ({distance.std() / root:.1f}){low:6.0f}{high:6.0f}",
        flush=True,
    )


def tile(images, neighbours):
    """Lay out images in rows, and below each row its neighbours in gray."""
    both = np.stack(
        [part.reshape(-1, N_COLUMNS, 28, 28) for part in (images, neighbours / 2)],
        axis=1,
    )
    return both.transpose(0, 1, 3, 2, 4).reshape(-1, N_COLUMNS * 28)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("stack", type=Path, help="saved by deep_mnist.py")
    parser.add_argument("--n-samples", type=int, default=500)
    parser.add_argument("--n-steps", type=int, default=1000)
    parser.add_argument(
        "--tempering", action="store_true", help="slow, finds all modes"
    )
    parser.add_argument("--figure", type=Path, default="deep_pictures.png")
    arguments = parser.parse_args()
    file = arguments.folder / "mnist.npz"
    if not file.exists():
        parser.exit(1, f"{file} is absent: this benchmark needs MNIST.\n")
    train, test = read_images(file)
    labels = np.load(file)
    judge = learn_judge(train, labels["y_train"])
    print(f"the classifier names {judge.score(test, labels['y_test']):.3f} right")
    stack = joblib.load(arguments.stack)
    settings = {"n_steps": arguments.n_steps, "tempering": arguments.tempering}
    draws = {
        name: model.sample(arguments.n_samples, **settings, random_state=0)
        for name, model in (("first machine", stack.estimators_[0]), ("stack", stack))
    }
    draws["test digits"] = test[:: len(test) // arguments.n_samples]
    print(f"{'':15}certainty of    below   entropy  rarest  pixels from the")
    print(f"{'':15}a classifier    0.9     of named  digit  nearest, 5 %, 95 %")
    figure, panels = plt.subplots(1, 3, figsize=(12, 8.2), layout="constrained")
    for panel, (name, images) in zip(panels, draws.items(), strict=True):
        index, distance = find_nearest(images, train)
        describe(name, images, judge, distance)
        shown = tile(images[:N_SHOWN], train[index[:N_SHOWN]])
        panel.imshow(shown, cmap="gray_r", vmin=0, vmax=1)
        panel.set_axis_off()
        panel.set_title(name)
    figure.savefig(arguments.figure, dpi=130)


if __name__ == "__main__":
    main()
