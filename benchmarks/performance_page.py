"""Write the tables and the figure of the page "Performance" from stored results.

    python benchmarks/performance_page.py results.json [--scaling scaling.json]
        [--clock clock.json] [--folder doc/performance]

The files are those that suite.py, scaling.py and mnist_clock.py save.
"""

import argparse
import json
from itertools import groupby
from pathlib import Path

import matplotlib.pyplot as plt
from scaling import Law
from timing import Timing, readable

UPDATE, FIT = "update, ", "update within a fit"
# Load of the machine at the start from which on times have company.
BUSY = 0.5

OURS, OTHERS = "tab:blue", "0.45"


def table(header, rows, widths=None):
    """Write a table of reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", "   :class: figures"]
    if widths is not None:
        lines.append(f"   :widths: {' '.join(map(str, widths))}")
    lines.append("")
    for row in [header, *rows]:
        marks = ["   * -", *["     -"] * (len(row) - 1)]
        lines += [
            f"{mark} {cell}".rstrip() for mark, cell in zip(marks, row, strict=True)
        ]
    return "\n".join(lines) + "\n"


def read_groups(results):
    """Give the times of each group, in the order in which they were taken."""
    timings = [Timing(*entry) for entry in results["timings"]]
    by_group = groupby(timings, key=lambda timing: timing.group)
    return {group: list(members) for group, members in by_group}


def learning_table(groups):
    """Compare the contenders of learning, by size: times the floor."""
    names = list(dict.fromkeys(t.name for members in groups.values() for t in members))
    sizes = [group.split(", ", 1)[1].replace(", batch", ",") for group in groups]
    cells = {}
    for group, members in groups.items():
        floor = members[0].median
        for _, name, *quartiles in members:
            median, low, high = (value / floor for value in quartiles)
            cells[name, group] = f"{median:.2f} ({low:.2f} to {high:.2f})"
        cells[members[0].name, group] = readable(floor)
    rows = [[name, *(cells.get((name, g), "") for g in groups)] for name in names]
    return table(["", *sizes], rows)


def other_table(members):
    """Compare the contenders of a group that is not of learning."""
    rows = []
    for _, name, *quartiles in members:
        median, low, high = map(readable, quartiles)
        ratio = quartiles[0] / members[0].median
        rows.append([name, f"{median} ({low} to {high})", f"{ratio:.2f}"])
    return table(["", "time", "times the first"], rows)


def scaling_table(laws):
    """Compare exponents with those asked for."""
    rows = []
    for law in laws:
        exponent = f"{law.exponent:.2f} ({law.low:.2f} to {law.high:.2f})"
        if law.is_worse:
            exponent = f"**{exponent}**"
        sizes = f"{law.first_size} to {16 * law.first_size}"
        times = f"{readable(law.first_time)} to {readable(law.last_time)}"
        doubled, last = f"{law.size}, {sizes}", f"{law.last:.2f}"
        rows.append([law.work, doubled, times, exponent, last, law.asked])
    header = ["work", "doubled", "time", "exponent", "last doubling", "asked for"]
    return table(header, rows)


def clock_table(entries):
    """Compare the times to a likelihood."""
    rows = []
    for entry in entries:
        settings = ", ".join(f"``{k}={v!r}``" for k, v in entry["settings"].items())
        reached = f"not in {entry['limit']:.0f} s"
        if entry["reached"]:
            reached = f"{entry['seconds']:.0f} s"
        score = f"{entry['log_likelihood']:.1f} after {entry['seconds']:.0f} s"
        rows.append([entry["learner"], settings, reached, entry["n_updates"], score])
    target = f"time to {entries[0]['target']:g} nats"
    header = ["", "settings", target, "updates", "test log-likelihood"]
    return table(header, rows, [14, 40, 14, 12, 20])


def circumstances(results):
    """Say when and on what the times were taken."""
    versions = ", ".join(f"{k} {v}" for k, v in results["versions"].items())
    text = f"Measured on {results['date']}, on {results['processor']}, with {versions}."
    if results["load"] > BUSY:
        text += f" Other work was running beside it (load {results['load']:.1f})."
    if results["clock"] == "processor":
        text += " Times are those of the processor, which other work lengthens little."
    if results["absent"]:
        names = ", ".join(sorted({line.split(":")[0] for line in results["absent"]}))
        text += f" Not found there: {names}."
    return text + "\n"


def draw(groups, file):
    """Draw the times of bare updates beside the floor, one panel a size."""
    shape = (-(-len(groups) // 2), 2)
    size = (8, 3 * shape[0])
    figure, panels = plt.subplots(*shape, figsize=size, sharey=True, squeeze=False)
    for panel in panels.flat[len(groups) :]:
        panel.set_visible(False)
    names = list(dict.fromkeys(t.name for members in groups.values() for t in members))
    names.remove("floor")
    for panel, (group, members) in zip(panels.flat, groups.items(), strict=False):
        floor = members[0].median
        for _, name, *quartiles in members[1:]:
            median, low, high = (value / floor for value in quartiles)
            colour = OURS if name.startswith("skebm") else OTHERS
            position = names.index(name)
            spread = {"linewidth": 5, "alpha": 0.3}
            panel.plot([low, high], [position] * 2, color=colour, **spread)
            panel.plot(median, position, "o", color=colour, markersize=6)
            panel.annotate(
                f"{median:.1f}",
                (high, position),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        panel.axvline(1, color="0.3", linewidth=1)
        panel.set_xscale("log")
        highest = max(timing.high for timing in members) / floor
        panel.set_xlim(0.9, 2 * highest)
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick < 2 * highest]
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.minorticks_off()
        panel.set_title(group.split(", ", 1)[1].rsplit(", ", 1)[0], fontsize=9)
        panel.tick_params(labelsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="x", alpha=0.25)
    panels[0, 0].set_yticks(range(len(names)), names)
    panels[0, 0].set_ylim(len(names) - 0.5, -0.5)
    figure.supxlabel("time of an update, times its five matrix products", fontsize=9)
    figure.tight_layout()
    figure.savefig(file, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--scaling", type=Path)
    parser.add_argument("--clock", type=Path)
    default = Path(__file__).parents[1] / "doc" / "performance"
    parser.add_argument("--folder", type=Path, default=default)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(exist_ok=True)
    results = json.loads(arguments.results.read_text())
    groups = read_groups(results)

    (folder / "circumstances.inc").write_text(circumstances(results))
    updates = {g: m for g, m in groups.items() if g.startswith(UPDATE)}
    fits = {g: m for g, m in groups.items() if g.startswith(FIT)}
    parts = []
    for label, members in (("By themselves", updates), ("Within a fit", fits)):
        by_threads = groupby(
            sorted(members, key=lambda group: group.rsplit(", ", 1)[1]),
            key=lambda group: group.rsplit(", ", 1)[1],
        )
        for threads, names in by_threads:
            threads = "1 thread" if threads == "1 threads" else threads  # noqa: PLW2901
            part = {g.rsplit(", ", 1)[0]: members[g] for g in names}
            parts.append(f"{label}, {threads}:\n\n{learning_table(part)}")
    (folder / "learning.inc").write_text("\n".join(parts))
    parts = [
        f"{group[:1].upper()}{group[1:]}:\n\n{other_table(members)}".replace(
            ", 1 threads", ", 1 thread"
        )
        for group, members in groups.items()
        if group not in updates and group not in fits
    ]
    (folder / "others.inc").write_text("\n".join(parts))
    draw({g: m for g, m in updates.items() if "1 thread" in g}, folder / "updates.png")
    if arguments.scaling:
        laws = [Law(*entry) for entry in json.loads(arguments.scaling.read_text())]
        (folder / "scaling.inc").write_text(scaling_table(laws))
    if arguments.clock:
        entries = json.loads(arguments.clock.read_text())
        (folder / "clock.inc").write_text(clock_table(entries))


if __name__ == "__main__":
    main()
