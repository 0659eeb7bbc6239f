"""Two files of figures, compared by what does not depend on the machine and its load: ratios, and counts."""

import dataclasses

from bench.figures import COUNTS


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One figure of both files."""

    name: str
    old: float
    new: float
    # By how much it is worse, as a part of the old one; below zero if it is better.
    worse_by: float

    def is_worse(self, tolerance):
        return self.worse_by > tolerance


def compare(old, new):
    """All that both files have, in the order of the old one."""
    old, new = comparable(old), comparable(new)
    return [comparison(name, *old[name], new[name][0]) for name in old if name in new]


def missing(old, new):
    """The names that only one of them has."""
    return sorted(comparable(old).keys() ^ comparable(new).keys())


def comparable(document):
    """The values that can be compared, and whether more of each is better."""
    found = {}
    for name, figure in document["figures"].items():
        higher = figure.get("better") == "higher"
        if "ratio" in figure:
            found[f"{name}, ratio"] = (figure["ratio"], higher)
        for other, ratio in figure.get("ratios", {}).items():
            found[f"{name}, ratio to {other}"] = (ratio, higher)
        if figure["unit"] in COUNTS:
            found[name] = (figure["value"], higher)
    return found


def comparison(name, old, higher_is_better, new):
    return Comparison(name, old, new, worse_by(new, old) if higher_is_better else worse_by(old, new))


def worse_by(small, large):
    """By how much the second is more than the first, as a part of the first."""
    if small == large:
        return 0.0
    return large / small - 1 if small > 0 else float("inf")


def table(comparisons, tolerance):
    width = max((len(one.name) for one in comparisons), default=0)
    lines = [f"{'':{width}}{'old':>12}{'new':>12}{'worse by':>12}"]
    for one in comparisons:
        mark = "  worse" if one.is_worse(tolerance) else ""
        lines.append(f"{one.name:{width}}{one.old:12.3g}{one.new:12.3g}{100 * one.worse_by:10.0f} %{mark}")
    return "\n".join(lines)
