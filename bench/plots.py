"""Bars as SVG, by hand: one file per group of metrics, one panel per stack and metric, one bar per implementation."""
from xml.sax.saxutils import escape

from figures import number
from metrics import METRICS
from report import GROUP_TITLES, headline, peers_in

WIDTH, COLUMNS, GAP = 1080, 3, 24
BAR, BAR_STEP, LABEL, VALUE, TITLE = 14, 20, 62, 70, 34
COLOURS = {"starling": "#0b6e4f", "go": "#6baed6", "rust": "#d98f4e", "js": "#d9c04e"}
OTHER_COLOUR = "#999999"
STYLE = ("text{font-family:system-ui,sans-serif;font-size:11px;fill:#222}.title{font-size:12px;font-weight:600}"
         ".head{font-size:15px;font-weight:700}")


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def bar(x, y, room, figure, most, colour):
    """A bar as long as the median, with a line from the lowest to the highest."""
    at = lambda value: x + room * value / most
    parts = [f'<rect x="{x:.1f}" y="{y:.1f}" width="{at(figure.median) - x:.1f}" height="{BAR}" fill="{colour}"/>']
    if figure.count > 1:
        middle = y + BAR / 2
        parts.append(f'<line x1="{at(figure.low):.1f}" y1="{middle:.1f}" x2="{at(figure.high):.1f}" y2="{middle:.1f}" stroke="#222"/>')
    parts.append(text(at(max(figure.high, figure.median)) + 4, y + BAR - 3, number(figure.median)))
    return parts


def panel(x, y, width, stack, metric, found, peers):
    parts = [text(x, y + 12, headline(stack), "title"), text(x, y + 26, metric.heading + ("" if metric.more_is_better else " (less is better)"))]
    most, room = max(figure.high for figure in found.values()) or 1, width - LABEL - VALUE
    for row, peer in enumerate(peers):
        top = y + TITLE + row * BAR_STEP
        parts.append(text(x + LABEL - 6, top + BAR - 3, peer, anchor="end"))
        if peer in found:
            parts += bar(x + LABEL, top, room, found[peer], most, COLOURS.get(peer, OTHER_COLOUR))
        else:
            parts.append(text(x + LABEL, top + BAR - 3, "-"))
    return parts


def plot(figures, group):
    """The SVG of one group, or None if nothing of it was measured."""
    peers = [peer for peer in peers_in(figures) if ">" not in peer]
    panels = [(stack, metric, {p: f for p, f in figures[stack, metric.key].items() if p in peers})
              for metric in METRICS.values() if metric.group == group
              for stack in dict.fromkeys(s for s, _ in figures) if (stack, metric.key) in figures]
    panels = [each for each in panels if each[2]]
    if not panels:
        return None
    width, height = (WIDTH - GAP) / COLUMNS, TITLE + len(peers) * BAR_STEP + GAP
    rows = -(-len(panels) // COLUMNS)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{rows * height + 50:.0f}">', f"<style>{STYLE}</style>",
             '<rect width="100%" height="100%" fill="white"/>', text(GAP, 26, GROUP_TITLES[group], "head")]
    for index, (stack, metric, found) in enumerate(panels):
        row, column = divmod(index, COLUMNS)
        parts += panel(GAP + column * width, 44 + row * height, width - GAP, stack, metric, found, peers)
    return "\n".join([*parts, "</svg>\n"])
