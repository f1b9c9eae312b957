"""Find places for labels: beside points, on nothing that is drawn, or in a row, on no other label."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

RADII = (5, 9, 15, 23, 33, 45)  # points between a label and what it names
ANGLES = np.arange(16) * np.pi / 8
LEADER = 12  # from this distance on, a line leads from the label to what it names


def place_labels(
    panel: Axes,
    labels: Sequence[tuple[float, float, str, str]],
    points: np.ndarray,
    segments: np.ndarray,
    size: float = 7,
) -> None:
    """Write each (x, y, text, colour) near its (x, y), clear of points, segments and other labels.

    `points` (n x 2) and `segments` (n x 2 ends x 2) are what labels should not cover, in the panel's units.
    Each label takes the free place that is nearest, or else the least covered one. Call it last: it needs the
    panel's final limits, and fixes the figure's layout.
    """
    figure = panel.figure
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    scale = figure.dpi / 72
    steps = np.linspace(0, 1, 40)[:, None]
    drawn = [np.reshape(points, (-1, 2))] + [start + steps * (end - start) for start, end in segments]
    taken = panel.transData.transform(np.concatenate(drawn))
    inside = panel.get_window_extent()

    look = {"textcoords": "offset points", "ha": "center", "va": "center", "size": size}
    places, boxes = [], []
    for x, y, text, _ in labels:
        trial = panel.annotate(text, (x, y), (0, 0), **look)
        extent = trial.get_window_extent()
        trial.remove()
        half = np.array([extent.width, extent.height]) / 2 + 2 * scale
        ring = np.array([(np.cos(angle), np.sin(angle)) for angle in ANGLES])
        # On a ray, the nearest centre at which the label's box stays clear of its point by the radius.
        reach = np.min(half / np.maximum(np.abs(ring), 1e-9), axis=1)
        offsets = np.concatenate([ring * (reach + radius * scale)[:, None] for radius in RADII])
        centres = panel.transData.transform((x, y)) + offsets
        low, high = centres - half, centres + half
        covered = ((taken > low[:, None]) & (taken < high[:, None])).all(axis=2).sum(axis=1)
        outside = (low < inside.min).any(axis=1) | (high > inside.max).any(axis=1)
        places.append((offsets, np.repeat(RADII, len(ANGLES)) + 30 * covered + 1e4 * outside))
        boxes.append((low, high))

    chosen = [int(np.argmin(cost)) for _, cost in places]
    for _ in range(4):
        for label, (_, cost) in enumerate(places):
            low, high = boxes[label]
            crossed = np.zeros(len(cost))
            for other in range(len(places)):
                if other != label:
                    other_low, other_high = (edge[chosen[other]] for edge in boxes[other])
                    crossed += ((low < other_high) & (high > other_low)).all(axis=1)
            chosen[label] = int(np.argmin(cost + 1e3 * crossed))

    for (offsets, _), choice, (x, y, text, colour) in zip(places, chosen, labels, strict=True):
        far = RADII[choice // len(ANGLES)] >= LEADER
        leader = {"arrowstyle": "-", "lw": 0.4, "color": colour, "shrinkA": 0, "shrinkB": 2} if far else None
        place = tuple(offsets[choice] / scale)
        frame = {"pad": 0.5, "fill": False, "lw": 0}  # where the line ends
        panel.annotate(text, (x, y), place, color=colour, arrowprops=leader, bbox=frame, **look)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return the width in mm of the longest line of a text, of this size in points."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    widths = [
        text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in text.split("\n")
    ]
    return float(max(widths)) * 25.4 / 72


def spread(wanted: Sequence[float], widths: Sequence[float], low: float, high: float) -> np.ndarray:
    """Place things of these widths side by side, as near as can be to where they are wanted.

    `wanted` are centres, in rising order; the order is kept, nothing overlaps or leaves low to high, and the
    sum of the squared moves is the least (isotonic regression: neighbours that meet are pooled). Together the
    widths must fit. Returns the centres.
    """
    places, sizes = np.asarray(wanted, dtype=float), np.asarray(widths, dtype=float)
    if not len(places):
        return places
    apart = np.concatenate([[0], np.cumsum((sizes[1:] + sizes[:-1]) / 2)])
    pools: list[tuple[float, int]] = []  # mean, members
    for place in places - apart:
        mean, members = float(place), 1
        while pools and pools[-1][0] > mean:
            other, more = pools.pop()
            mean, members = (mean * members + other * more) / (members + more), members + more
        pools.append((mean, members))
    free = np.repeat([mean for mean, _ in pools], [members for _, members in pools])
    return np.clip(free, low + sizes[0] / 2, high - sizes[-1] / 2 - apart[-1]) + apart
