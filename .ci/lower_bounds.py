"""Print the oldest version of every requirement, as constraints for pip."""

import re
import tomllib
from itertools import chain
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def main():
    """Read the bounds of pyproject.toml, those of extras included."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    extras = project["optional-dependencies"].values()
    for requirement in sorted({*project["dependencies"], *chain(*extras)}):
        if requirement.count(">=") != 1:
            raise SystemExit(f"{requirement!r} has no lower bound: write name>=version")
        # Constraints of pip have no extras.
        print(re.sub(r"\[.*\]", "", requirement).replace(">=", "=="))


if __name__ == "__main__":
    main()
