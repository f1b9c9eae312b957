"""What a figure of lollipops shows: its texts with their extents, its heads, and what lies on what."""

import numpy as np
from common import lollipop_layout as layout
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def texts_of(figure: Figure) -> list[tuple[str, np.ndarray]]:
    """Every text that a figure shows, with the extents that it is drawn with, in mm."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    shown = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    unit = 25.4 / figure.dpi
    return [(each.get_text(), each.get_window_extent(renderer).extents * unit) for each in shown]


def collisions(figure: Figure) -> list[tuple[str, str]]:
    """Texts that overlap by more than 0.1 mm each way, or leave the page."""
    names, extents = zip(*texts_of(figure), strict=True)
    boxes = np.array(extents)
    low, high = boxes[:, :2], boxes[:, 2:]
    over = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    pairs = np.argwhere(np.triu((over > 0.1).all(axis=2), k=1))
    beyond = (low < 0).any(axis=1) | (high > figure.get_size_inches() * 25.4).any(axis=1)
    return [(names[one], names[other]) for one, other in pairs] + [
        (names[number], "the page") for number in np.flatnonzero(beyond)
    ]


def heads_of(figure: Figure) -> list:
    """The heads of a figure: single points above the legend, from left to right."""
    axes = figure.axes[0]
    lines = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    legend = max(text.get_position()[1] for text in axes.texts if text.get_text().startswith("residue of"))
    return [line for line in lines if line.get_ydata()[0] < legend]


def covered_heads(figure: Figure) -> list[tuple[str, float]]:
    """Texts that lie on a head."""
    texts = texts_of(figure)
    height = figure.get_size_inches()[1] * 25.4
    half = 0.4 * layout.HEAD
    found = []
    for head in heads_of(figure):
        x, y = head.get_xdata()[0], height - head.get_ydata()[0]
        size = half * head.get_markersize() * layout.POINT / layout.HEAD
        found += [
            (text, x)
            for text, (left, low, right, high) in texts
            if left < x + size and right > x - size and low < y + size and high > y - size
        ]
    return found
