"""Figures as text for a terminal."""

from bench.programs import KEYWARD

# Of the columns after the names of the row and of the program.
WIDTHS = (10, 9, 9, 10, 13, 8, 8, 8)
HEADINGS = ("wall ms", "CPU ms", "MiB", "requests", "connections", "wall", "CPU", "memory")


def rows_table(measured_rows, figures):
    """One line for each program in each row; what follows a peer are Keyward's ratios to it."""
    lines = [line("", "", *HEADINGS)]
    for name, measured in measured_rows.items():
        for program, one in measured.programs.items():
            cells = [program, milliseconds(one.wall_ms, one.cut), f"{one.cpu_ms:.1f}", f"{one.memory_kib / 1024:.1f}"]
            cells += [one.requests, one.connections]
            if program != KEYWARD:
                cells += [ratio_to(figures[f"{name}: {what}"], program) for what in ("wall", "CPU", "memory")]
            lines.append(line(name if program == KEYWARD else "", *cells))
        if measured.miss:
            cells = ["its miss", f"{measured.miss.wall_ms:.1f}", f"{measured.miss.cpu_ms:.1f}", "", "", ""]
            cells += [ratio_to(figures[f"{name}: {what}"], "miss") for what in ("wall", "CPU")]
            lines.append(line("", *cells))
    return "\n".join(lines)


def crowds_table(crowds, tries):
    times = "one try" if tries == 1 else f"{tries} tries"
    lines = [f"processes that ask at once: requests to AWS, and credentials that a cache has kept; {times}"]
    for name, of_crowd in crowds.items():
        for program, counts in of_crowd.items():
            calls, kept = (spread([one[what] for one in counts]) for what in ("calls", "kept"))
            lines.append(line(name if program == KEYWARD else "", program, calls, kept))
    return "\n".join(lines)


def sizes_table(sizes):
    of_programs = (f"{program} {size / 1_000_000:.1f} MB" for program, size in sizes.items())
    return f"{'stripped binary':34}{', '.join(of_programs)}"


def line(name, program="", *cells):
    aligned = [str(cell).rjust(width) for cell, width in zip(cells, WIDTHS)]
    return f"{name:34}{program:10}{''.join(aligned)}".rstrip()


def ratio_to(figure, other):
    ratios = figure.get("ratios", {})
    value = ratios.get(other, figure.get("ratio") if other != "miss" else None)
    if value is None:
        return ""
    return f"{value:.2f}" if value >= 0.005 else "< 0.01"


def milliseconds(value, cut):
    return f"> {value:.0f}" if cut else f"{value:.1f}"


def spread(values):
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
