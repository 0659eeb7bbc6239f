"""Figures as they are written to files: a name, a value, a unit, and ratios to what ran in turn with it.

    {"figures": {"hit: CPU": {"value": 1.9, "unit": "ms", "ratio": 0.4, "ratios": {...}, "peers": {...}}}}

`ratio` is the one to the first peer, `ratios` are those to others. Where more is better, `better` is `higher`. Times of two
files cannot be compared, since machines and their load differ; ratios can, and so can counts.
"""

import statistics

from bench.programs import ECR_LOGIN, KEYWARD

# What is the same on every machine.
COUNTS = {"requests", "connections", "fuel", "instructions"}


def figure(value, unit, *, first_peer=None, ratios=None, peers=None, better="lower"):
    made = {"value": value, "unit": unit}
    ratios = dict(ratios or {})
    if first_peer in ratios:
        made["ratio"] = ratios.pop(first_peer)
    if ratios:
        made["ratios"] = ratios
    if peers:
        made["peers"] = peers
    if better != "lower":
        made["better"] = better
    return made


def of_row(name, measured):
    """The figures of a row of bench.suite."""
    programs = measured.programs
    ours, peers = programs[KEYWARD], {peer: of_peer for peer, of_peer in programs.items() if peer != KEYWARD}
    others = peers | ({"miss": measured.miss} if measured.miss else {})

    def made(unit, value, ratio):
        return figure(
            value(ours), unit, first_peer=ECR_LOGIN,
            ratios={other: ratio(ours, figures) for other, figures in others.items() if ratio is not None and has(figures)},
            peers={peer: value(of_peer) for peer, of_peer in peers.items()},
        )

    def has(figures):
        return bool(figures.walls_ms)

    figures = {
        f"{name}: wall": made("ms", lambda one: one.wall_ms, lambda one, other: ratio(one.rounds_wall_ms, other.rounds_wall_ms)),
        f"{name}: CPU": made("ms", lambda one: one.cpu_ms, lambda one, other: ratio(one.rounds_cpu_ms, other.rounds_cpu_ms)),
        f"{name}: connections": made("connections", lambda one: one.connections, None),
        f"{name}: requests": made("requests", lambda one: one.requests, None),
    }
    memory = {peer: of_peer.memory_kib for peer, of_peer in peers.items()}
    figures[f"{name}: memory"] = figure(
        ours.memory_kib, "KiB", first_peer=ECR_LOGIN, peers=memory,
        ratios={peer: ours.memory_kib / of_peer for peer, of_peer in memory.items()},
    )
    return figures


def of_crowd(name, tries):
    """The figures of a crowd of processes. How many are kept is a matter of chance for a peer, hence no ratios."""
    calls = {program: [one["calls"] for one in of_program] for program, of_program in tries.items()}
    kept = {program: [one["kept"] for one in of_program] for program, of_program in tries.items()}

    def made(counts, worst, unit, better):
        peers = {peer: of_peer for peer, of_peer in counts.items() if peer != KEYWARD}
        return figure(worst(counts[KEYWARD]), unit, peers=peers, better=better)

    return {
        f"{name} at once: requests": made(calls, max, "requests", "lower"),
        f"{name} at once: kept": made(kept, min, "credentials", "higher"),
    }


def of_sizes(sizes):
    peers = {peer: size for peer, size in sizes.items() if peer != KEYWARD}
    ratios = {peer: sizes[KEYWARD] / size for peer, size in peers.items()}
    return {"stripped binary": figure(sizes[KEYWARD], "bytes", first_peer=ECR_LOGIN, ratios=ratios, peers=peers)}


def ratio(ours, others):
    """Of rounds in which both ran in turn the median of ratios, since the load of the machine is most alike within a
    round; otherwise the ratio of medians."""
    if len(ours) == len(others) and len(ours) > 0:
        return statistics.median(one / other for one, other in zip(ours, others))
    return statistics.median(ours) / statistics.median(others)
