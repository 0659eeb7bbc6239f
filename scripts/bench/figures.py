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
    ratios = {other: ratio for other, ratio in (ratios or {}).items() if ratio is not None}
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

    def made(value, unit, rounds=None, compared=others):
        ratios = {other: ratio(rounds(ours), rounds(of_other)) for other, of_other in compared.items() if rounds}
        of_peers = {peer: value(of_peer) for peer, of_peer in peers.items()}
        return figure(value(ours), unit, first_peer=ECR_LOGIN, ratios=ratios, peers=of_peers)

    return {
        f"{name}: wall": made(lambda one: one.wall_ms, "ms", lambda one: one.rounds_wall_ms),
        f"{name}: CPU": made(lambda one: one.cpu_ms, "ms", lambda one: one.rounds_cpu_ms),
        f"{name}: memory": made(lambda one: one.memory_kib, "KiB", lambda one: [one.memory_kib], peers),
        f"{name}: connections": made(lambda one: one.connections, "connections"),
        f"{name}: requests": made(lambda one: one.requests, "requests"),
    }


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
    round; otherwise the ratio of medians.

    A round is left out in which one has taken no time: hyperfine has subtracted a shell's time that was larger.
    """
    if len(ours) == len(others):
        in_turn = [one / other for one, other in zip(ours, others) if one > 0 and other > 0]
        return statistics.median(in_turn) if in_turn else None
    return statistics.median(ours) / statistics.median(others)
