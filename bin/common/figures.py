"""One look for every figure, and one way to save it: with the data that it draws."""

import base64
from collections.abc import Callable, Sequence
from functools import wraps
from html import escape
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.tables import write_table

# Parental blue and resistant red in every figure; all from Okabe and Ito: told apart with any colour vision.
ROLES = {"reference": "#0072B2", "target": "#D55E00", "other": "#6B6B6B"}
COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#0072B2", "#D55E00", "#000000")
DIVERGING = "RdBu_r"
QUIET = "#6B6B6B"
PALE = "#D9D9D9"
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": "#333333",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "savefig.dpi": 300,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "nrf2flow",  # the same data gives the same file
    "xtick.color": QUIET,
    "xtick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.color": QUIET,
    "ytick.labelsize": 7,
    "ytick.major.width": 0.6,
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the one style: a decorator for functions that return a figure."""

    @wraps(draw)
    def drawing(*args: object, **options: object) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*args, **options)

    return drawing


@styled
def new_figure(
    width_mm: float, height_mm: float, rows: int = 1, columns: int = 1, **options: object
) -> tuple[Figure, np.ndarray]:
    """Make a figure of this size with rows x columns of axes; `options` go to Figure.subplots.

    A journal's column is 85 mm wide, its page 180 mm.
    """
    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def label_points(
    panel: Axes,
    points: Sequence[tuple[float, float, str]],
    around: np.ndarray | None = None,
    size: float = 6.5,
) -> list[str]:
    """Write a text beside each (x, y, text), on no other text and on none of these points.

    Places that cover none of the points `around` (n x 2) are preferred. Earlier texts choose first; one that
    finds no place near its point is left out. Returns the texts that were written. Call it last: it needs
    the panel's final limits.
    """
    panel.figure.draw_without_rendering()
    unit = 72 / panel.figure.dpi
    left, bottom, right, top = panel.get_window_extent().extents * unit
    centres = panel.transData.transform([point[:2] for point in points]) * unit if points else []
    others = np.empty((0, 2)) if around is None else panel.transData.transform(around) * unit
    taken = np.array([(x - 1.5, y - 1.5, x + 1.5, y + 1.5) for x, y in centres]).reshape(-1, 4)
    angles = np.radians([0, 180, 35, 145, -35, -145, 90, -90, 15, 165, -15, -165, 60, 120, -60, -120])
    distance, angle = (each.ravel() for each in np.meshgrid(np.arange(3, 60, 4), angles, indexing="ij"))
    across, up = np.round(np.cos(angle), 6), np.sin(angle)
    written = []
    for (x, y, text), (px, py) in zip(points, centres, strict=True):
        width, height = 0.62 * size * len(text), 1.15 * size
        x0 = px + distance * across - np.where(across < 0, width, np.where(across > 0, 0, width / 2))
        y0 = py + distance * up - height / 2
        x1, y1 = x0 + width + 2, y0 + height
        meets = (x0[:, None] < taken[:, 2]) & (taken[:, 0] < x1[:, None])
        meets &= (y0[:, None] < taken[:, 3]) & (taken[:, 1] < y1[:, None])
        covers = (x0[:, None] < others[:, 0]) & (others[:, 0] < x1[:, None])
        covers &= (y0[:, None] < others[:, 1]) & (others[:, 1] < y1[:, None])
        free = (x0 >= left) & (y0 >= bottom) & (x1 <= right) & (y1 <= top) & ~meets.any(axis=1)
        if not free.any():
            continue
        # A covered point weighs as much as being three points further away.
        best = np.where(free, distance + 3 * np.minimum(covers.sum(axis=1), 4), np.inf).argmin()
        taken = np.vstack([taken, (x0[best], y0[best], x1[best], y1[best])])
        written.append(text)
        line = {"arrowstyle": "-", "lw": 0.4, "color": QUIET, "shrinkA": 0, "shrinkB": 1}
        side = (np.clip((px - x0[best]) / width, 0, 1), np.clip((py - y0[best]) / height, 0, 1))
        panel.annotate(
            text,
            (x, y),
            (x0[best] - px, y0[best] - py),
            textcoords="offset points",
            fontsize=size,
            va="bottom",
            arrowprops=line | {"relpos": side} if distance[best] > 7 else None,
        )
    return written


def shortened(text: str, length: int) -> str:
    """Cut the middle out of a name that is longer than `length`: its ends tell names apart."""
    tail = (length - 1) // 2
    return text if len(text) <= length else f"{text[: length - 1 - tail]}\u2026{text[-tail:]}"


def embedded(figure: Figure, says: str, dpi: int = 110) -> str:
    """Return a figure as HTML that holds the picture itself; `says` is what it shows."""
    buffer = BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    picture = base64.b64encode(buffer.getvalue()).decode()
    says = escape(says, quote=True)
    return f"<p><img style='max-width:100%' alt='{says}' src='data:image/png;base64,{picture}'></p>"


def shown_together(pictures: Sequence[str], most: int = 280_000) -> tuple[str, str]:
    """Join pictures that are HTML: the first, and as many as `most` characters of the report have room for.

    Returns them, and what there is to say of the others.
    """
    kept = list(pictures[:1])
    for picture in pictures[1:]:
        if sum(map(len, kept)) + len(picture) <= most:
            kept.append(picture)
    left = f" {len(kept)} of {len(pictures)} figures are shown here, all are linked."
    return "".join(kept) or "<p>There is nothing to draw.</p>", left if len(kept) < len(pictures) else ""


def files_of(stem: str) -> list[str]:
    """Name the files that `save_figure` writes."""
    return [f"{stem}.{suffix}" for suffix in ("svg", "png", "tsv")]


def save_figure(figure: Figure, drawn: pd.DataFrame, stem: Path) -> None:
    """Write <stem>.svg, <stem>.png (300 dpi) and, in <stem>.tsv, exactly what they draw."""
    with mpl.rc_context(STYLE):
        if layout := figure.get_layout_engine():
            # Once, so that both have the same places; rounded, for the solver's last digits vary.
            layout.execute(figure)
            figure.set_layout_engine("none")
            for axes in figure.axes:
                axes.set_position(np.round(axes.get_position(original=True).bounds, 6))
        for suffix, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
            buffer = BytesIO()
            figure.savefig(buffer, format=suffix, metadata=metadata)
            Path(f"{stem}.{suffix}").write_bytes(buffer.getvalue())
    write_table(drawn, Path(f"{stem}.tsv"))
