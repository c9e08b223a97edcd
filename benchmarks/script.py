"""A script of the suite run by itself.

Apart from timing.py, which interpreters import that have little else installed.
"""

__all__ = ["run_script"]

import argparse

from threadpoolctl import threadpool_limits
from timing import print_timings


def run_script(description, measure, repeats):
    """Print what a script of the suite measures, with options of the command line.

    Parameters
    ----------
    description : str
        Of the script, whose first line is shown as help.
    measure : callable
        Of the number of repeats; gives a list of `Timing`.
    repeats : int
        Their number by default.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--threads", type=int, default=1, help="of matrix products")
    arguments = parser.parse_args()
    with threadpool_limits(arguments.threads):
        print_timings(measure(arguments.repeats))
