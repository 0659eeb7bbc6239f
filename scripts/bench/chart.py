"""Figures as an SVG chart: groups of horizontal bars, readable on light and on dark pages, with no dependency."""

import itertools
from xml.sax.saxutils import escape

from bench.programs import ECR_LOGIN, FLOOR, KEYWARD, SDK

# The rows that end by themselves within milliseconds: of the others, the time is spent on waiting.
ROWS = ["no registry", "hit", "miss", "denied", "expired token", "answer is not JSON"]
NAMES = {
    KEYWARD: "Keyward",
    ECR_LOGIN: "amazon-ecr-credential-helper",
    SDK: "AWS SDK for Rust",
    FLOOR: "hyper + rustls alone",
}

WIDTH = 760
LEFT, RIGHT, TOP = 150, 60, 92
BAR, GAP = 13, 14
BELOW = 46

STYLE = """
    .page { fill: #ffffff; stroke: #d0d7de }
    text { font: 12px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .small { fill: #59636e; font-size: 11px }
    .axis { stroke: #d0d7de }
    .keyward { fill: #0969da } .ecr-login { fill: #8c959f } .sdk { fill: #bf8700 } .floor { fill: #c8ced5 }
    @media (prefers-color-scheme: dark) {
        .page { fill: #0d1117; stroke: #3d444d }
        text { fill: #f0f6fc }
        .small { fill: #9198a1 }
        .axis { stroke: #3d444d }
        .keyward { fill: #4493f8 } .ecr-login { fill: #7d8590 } .sdk { fill: #d29922 } .floor { fill: #4b535d }
    }"""


def of_cpu(figures, settings):
    """The processor's time of each program in those rows that there are."""
    groups = []
    for name in ROWS:
        if figure := figures.get(f"{name}: CPU"):
            groups.append((name, {KEYWARD: figure["value"], **figure.get("peers", {})}))
    title = "docker credential helper: processor's time of one get, in milliseconds"
    return draw(title, [settings["machine"], f"trust: {settings['trust']}"], groups)


def draw(title, notes, groups):
    """A chart of groups, each a name and the values of programs by their names."""
    top = max(value for _, values in groups for value in values.values())
    step = tick_step(top)
    scale = (WIDTH - LEFT - RIGHT) / top
    height = TOP + sum(len(values) * BAR + GAP for _, values in groups) + BELOW + 15 * (len(notes) - 1)
    bottom = height - BELOW - 15 * (len(notes) - 1)

    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>\n<style>{STYLE}\n</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        text(20, 28, title, kind="title"),
        *legend({program for _, values in groups for program in values}),
    ]
    tick = 0
    while tick * step <= top:
        x = LEFT + tick * step * scale
        parts.append(f'<path class="axis" d="M{x:.1f} {TOP - 8}V{bottom}"/>')
        parts.append(text(x, TOP - 13, f"{tick * step:g}", kind="small", anchor="middle"))
        tick += 1
    y = TOP
    for name, values in groups:
        parts.append(text(LEFT - 10, y + len(values) * BAR / 2 + 4, name, anchor="end"))
        for program, value in values.items():
            width = value * scale
            parts.append(f'<rect class="{program}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}"/>')
            parts.append(text(LEFT + width + 5, y + BAR - 3.5, f"{value:.1f}", kind="small"))
            y += BAR
        y += GAP
    for number, note in enumerate(notes):
        parts.append(text(20, bottom + 22 + 15 * number, note, kind="small"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def legend(programs):
    x = 20
    for program, name in NAMES.items():
        if program in programs:
            yield f'<rect class="{program}" x="{x}" y="42" width="11" height="11"/>'
            yield text(x + 16, 52, name)
            x += 16 + 7 * len(name) + 18


def text(x, y, content, kind="", anchor="start"):
    attributes = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(content)}</text>'


def tick_step(top):
    """A round number of which at most ten fit."""
    steps = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    return next(step for step in steps if top / step <= 10)
