"""Time of ``import skebm`` beside that of what it builds on.

python benchmarks/import_time.py [--repeats N]
"""

import argparse
import subprocess
import sys

from timing import interleaved_medians

BASE = "import sklearn.base, scipy.special, scipy.sparse"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()

    def run(code):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603

    times = interleaved_medians(
        {"nothing": run("pass"), "base": run(BASE), "skebm": run("import skebm")},
        arguments.repeats,
    )
    nothing = times["nothing"][0]
    for name, (median, low, high) in times.items():
        print(f"{name:>8} {median:.3f} s ({low:.3f} to {high:.3f})")
    ratio = (times["skebm"][0] - nothing) / (times["base"][0] - nothing)
    print(f"skebm / base, interpreter start taken off: {ratio:.2f}")


if __name__ == "__main__":
    main()
