"""Draw proteins with their domains and the variants in them: it shows tables as given and computes nothing.

A figure has one protein and tracks: cell lines below each other, or cohorts, one above the protein and one
below.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from common.figures import PALE, QUIET, ROLES, shortened, styled
from common.labels import text_width
from common.lollipop_layout import (
    BACKBONE,
    BAR,
    DARK,
    HEAD,
    POINT,
    RIGHT,
    SPACING,
    TOP,
    WIDTH,
    Lane,
    Page,
    Place,
    Protein,
    Scale,
    Track,
    lay_out_page,
)

# How a class is drawn: in colours of Okabe and Ito, and in shapes where colour tells the condition.
CLASSES = {
    "missense": ("o", "#009E73"),
    "truncating": ("s", "#000000"),
    "in frame": ("D", "#CC79A7"),
    "splice site": ("^", "#E69F00"),
    "other": ("v", "#6B6B6B"),
}
SHARE_OF_HEAD = {"s": 0.88, "D": 0.82, "^": 1.05, "v": 1.05}  # so that shapes look alike in size
READ = {  # how residues that were read are drawn: in paler colours of the conditions
    role: {"lw": 0.9, "solid_capstyle": "butt", "color": tuple(0.6 * level + 0.4 for level in to_rgb(colour))}
    for role, colour in ROLES.items()
}
SHADES = {"present": "", "absent": "white", "unknown": "#C8C8C8"}


def write(
    axes: Axes, x: float, y: float, text: str, size: float = 7.0, colour: str = DARK, **options: object
) -> None:
    """Write a text; it is centred and in the middle, unless told otherwise."""
    look = {"ha": "center", "va": "center"} | options
    axes.text(x, y, text, fontsize=size, color=colour, **look)


def draw_features(axes: Axes, page: Page) -> None:
    """Draw the protein, and pale bands of its domains through the tracks."""
    features, place, top = page.features, page.place, page.top
    ends = TOP if page.scale.ticks else top, page.bottom + 0.5
    left, right = place.at(0.5), place.at(place.length + 0.5)
    bar = Rectangle(
        (left, top + BACKBONE), right - left, BAR - 2 * BACKBONE, facecolor="#C4C4C4", linewidth=0
    )
    axes.add_patch(bar)
    for kind, start, end, y, height, colour, name, size in features.boxes:
        if kind == "domain":
            for low, high in (ends[0], top), (top + y + height, ends[1]):
                band = Rectangle((start, low), end - start, high - low, facecolor=colour, lw=0, alpha=0.2)
                axes.add_patch(band).set_zorder(0)
        edge = {"edgecolor": colour if kind == "motif" else QUIET, "linewidth": 0.5}
        axes.add_patch(Rectangle((start, top + y), end - start, height, facecolor=colour, **edge))
        write(axes, (start + end) / 2, top + y + height / 2, name, size, va="center_baseline")
    for name, x in zip(features.outside, features.centres, strict=True):
        y = top + features.strips
        axes.plot([name.wanted, name.wanted, x], [top + name.start, y + 0.1, y + 0.8], color=QUIET, lw=0.5)
        write(axes, x, y + 2.0, name.text, 6.0, va="center_baseline")


def look_of(mark: tuple, role: str = "target", size: float = HEAD) -> dict[str, object]:
    """Return how a head is drawn: two halves for two conditions, else the colour of its class."""
    marker, colour = CLASSES[mark[0]]
    look = {"marker": marker, "ls": "none", "ms": size * SHARE_OF_HEAD.get(marker, 1) / POINT}
    if len(mark) == 1:
        return look | {"mfc": colour, "mec": "white", "mew": 0.4}
    halves = [SHADES[state] or ROLES[of] for state, of in zip(mark[1:], ("reference", role), strict=True)]
    return look | {"fillstyle": "left", "mfc": halves[0], "mfcalt": halves[1], "mec": DARK, "mew": 0.6}


def draw_lane(
    axes: Axes, lane: Lane, scale: Scale, track: Track, base: float, way: int, starts: Sequence[float]
) -> None:
    """Draw the stems, heads and labels of a track; way is -1 upwards, 1 downwards.

    `starts` has where the stem of each column starts; `base` is where they may leave their residue.
    """
    pairs = zip(lane.columns, starts, strict=True)
    for column, start in sorted(pairs, key=lambda pair: bool(pair[0].label)):
        free = bool(column.label)
        marks = column.marks
        heights = [scale.height(lane.elbow, count) for count in marks["count"].cumsum()]
        x = [column.root, column.root, column.x, column.x]
        bends = (0.3 if lane.elbow < 2 else 0.7, lane.elbow - 0.2, heights[-1])
        axes.plot(
            x,
            [start, *(base + way * bend for bend in bends)],
            color="#8C8C8C",
            lw=0.7 if free else 0.4,
            zorder=2,
        )
        names = ["class", "reference", "target"] if "target" in marks else ["class"]
        for mark, height in zip(marks[names].itertuples(index=False, name=None), heights, strict=True):
            look = look_of(mark, track.role, HEAD if free else 0.6 * HEAD)
            axes.plot([column.x], [base + way * height], zorder=3 if free else 2.5, **look)
        if not free:
            continue
        end = base + way * (heights[-1] + HEAD / 2 + 0.6)
        look = {"va": "bottom" if way < 0 else "top", "rotation": 90 * lane.way.upright}
        look["linespacing"] = 1.0 if lane.way.upright else SPACING
        write(axes, column.x, end, column.label, lane.way.size, **look)
        if "target" in marks and not lane.way.upright:
            for row, height in zip(marks.itertuples(), heights, strict=True):
                y = base + way * height
                for text, state, side, role in (
                    (row.reference_text, row.reference, -1, "reference"),
                    (row.target_text, row.target, 1, track.role),
                ):
                    colour = ROLES[role] if state == "present" else QUIET
                    align = {"ha": "right" if side < 0 else "left", "va": "center_baseline"}
                    write(axes, column.x + side * (HEAD / 2 + 0.5), y, text, 6.0, colour, **align)


def draw_counts(
    axes: Axes, scale: Scale, lane: Lane, place: Place, base: float, way: int, profiled: int
) -> None:
    """Draw the axis of counts, with pale lines, and on the right what they are in percent of `profiled`."""
    x, right = place.left - 2.5, WIDTH - RIGHT
    ends = [base + way * scale.height(lane.elbow, tick) for tick in (0, lane.ticks[-1])]
    axes.plot([x, x], ends, color=QUIET, lw=0.6)
    for tick in lane.ticks:
        y = base + way * scale.height(lane.elbow, tick)
        axes.plot([x - 0.9, x], [y, y], color=QUIET, lw=0.6)
        axes.plot([x, right], [y, y], color="#E0E0E0", lw=0.5, zorder=0.5)
        write(axes, x - 1.4, y, f"{tick:,}", 7.0, QUIET, ha="right", va="center_baseline")
        if profiled:
            share = f"{100 * tick / profiled:.2g} %" if tick else "0 %"
            write(axes, right + 1.5, y, share, 6.5, QUIET, ha="left", va="center_baseline")
    write(axes, x - 7.6, sum(ends) / 2, "patients", 8.0, rotation=90)


def draw_read(axes: Axes, track: Track, place: Place, base: float) -> None:
    """Draw which residues were read, a line a condition."""
    for number, (role, stretches) in enumerate(track.read.items()):
        y = base + 0.5 + 0.7 * number
        axes.plot([place.at(0.5), place.at(place.length + 0.5)], [y, y], color=PALE, lw=0.5, ls=":")
        for start, end in stretches:
            ends = [place.at(start - 0.5), place.at(end + 0.5)]
            axes.plot(ends, [y, y], **READ[role])


def draw_residues(axes: Axes, protein: Protein, place: Place, y: float) -> None:
    """Draw the axis of residues."""
    step = next(step for step in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if protein.length / step <= 9)
    ticks = [1, *range(step, protein.length, step), protein.length]
    ticks = [tick for tick in ticks[:-1] if protein.length - tick > 0.35 * step or tick == 1] + ticks[-1:]
    axes.plot([place.at(1), place.at(protein.length)], [y, y], color=QUIET, lw=0.6)
    for tick in dict.fromkeys(ticks):
        axes.plot([place.at(tick)] * 2, [y, y + 0.9], color=QUIET, lw=0.6)
        write(axes, place.at(tick), y + 2.4, str(tick), 7.0, QUIET, va="center_baseline")
    label = f"residue of {protein.gene}, {protein.transcript} (1 is the start methionine)"
    write(axes, (place.left + WIDTH - RIGHT) / 2, y + 5.6, label, 8.0, va="center_baseline")


def keys_of(marks: pd.DataFrame, tracks: Sequence[Track], conditions: Mapping[str, str]) -> list[tuple]:
    """List what the legend explains: only what is drawn. A text, and how its sign is drawn."""
    keys = [(name, look_of((name,))) for name in CLASSES if (marks["class"] == name).any()]
    if "target" not in marks:
        return keys
    keys = [(name, look | {"mfc": "white", "mec": DARK, "mew": 0.6}) for name, look in keys]
    seen = {(tracks[row.track].role, row.reference, row.target) for row in marks.itertuples()}
    for role, *states in sorted(seen, key=lambda each: (each[0] != "target", *each)):
        names = [conditions.get(name, name) for name in ("reference", role)]
        has = [name for name, state in zip(names, states, strict=True) if state == "present"]
        unknown = [name for name, state in zip(names, states, strict=True) if state == "unknown"]
        text = f"in {' and '.join(has)}" if has else ""
        text += "" if unknown or len(has) == 2 else " only"
        text += f"{', ' if has else ''}not assessable in {' and '.join(unknown)}" if unknown else ""
        keys.append((text, look_of(("missense", *states), role)))
    for role in ROLES:
        if any(role in track.read for track in tracks):
            keys.append((f"read in {conditions.get(role, role)}", READ[role]))
    return keys


def draw_keys(axes: Axes, keys: Iterable[tuple], left: float, top: float) -> float:
    """Draw the legend, in as many rows as it needs; return where it ends."""
    x, y = left, top
    for text, look in keys:
        line = "marker" not in look
        wide = (5.0 if line else 3.2) + text_width(text, 7.0) + 4.0
        if x > left and x + wide > WIDTH:
            x, y = left, y + 3.7
        axes.plot([x, x + 3.6] if line else [x + 1.1], [y, y] if line else [y], **look)
        write(axes, x + (5.0 if line else 3.2), y, text, 7.0, ha="left", va="center_baseline")
        x += wide
    return y + 3.2


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Break a text into lines of this width in mm."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if text_width(longer, size) <= width else [*lines, word]
    return lines


def draw_track(axes: Axes, page: Page, number: int, track: Track) -> None:
    """Draw a track: its name, what was read, its variants."""
    lane, (base, way), left = page.lanes[number], page.bases[number], page.place.left
    counted = bool(page.scale.ticks)
    middle = base + way * (lane.elbow + lane.height) / 2 if counted else base - 0.4
    look = {"ha": "left", "va": "center_baseline"}
    above = 2.6 if track.detail else 0.0
    write(axes, 2, middle - above, shortened(track.name, 18), 8.0, weight="bold", **look)
    write(axes, 2, middle + 0.4, shortened(track.detail, 24), 6.5, QUIET, **look)
    if number and not counted:
        before = page.bases[number - 1][0] + 2.0
        axes.plot([2, WIDTH - RIGHT], [before, before], color="#E0E0E0", lw=0.5, zorder=0.5)
    if counted:
        draw_counts(axes, page.scale, lane, page.place, base, way, track.profiled)
    draw_read(axes, track, page.place, base)
    # Stems of tracks that touch the protein start at it.
    touches = base in (page.top, page.top + page.features.height)
    starts = [page.top + page.features.edge(column.root, way) if touches else base for column in lane.columns]
    draw_lane(axes, lane, page.scale, track, base, way, starts)
    if track.says and not lane.columns:
        y = middle if counted else base - 1.6
        write(axes, left + 0.3, y, track.says, 7.0, QUIET, style="italic", **look)


@styled
def draw(
    protein: Protein,
    marks: pd.DataFrame,
    tracks: Sequence[Track],
    mirrored: bool = False,
    conditions: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> tuple[Figure, pd.Series]:
    """Draw a protein and the variants in it; return the figure, and whether each mark has a label.

    `marks` is a row a variant and track: track (number of it), position (residue), label, class (of CLASSES),
    count (patients). Where it has reference and target (present, absent or unknown), reference_text,
    target_text and note too, heads have a half for each condition; else they are as high as the count.
    Tracks are below each other, below the protein; where heads count patients the first stands on it, and if
    `mirrored`, the second hangs below. `conditions` are the conditions' names by their role, `notes` are
    written below the figure.
    """
    page = lay_out_page(protein, marks, tracks, mirrored)
    figure = Figure()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    look = {"ha": "left", "va": "center_baseline"}
    write(axes, 2, 3.8, protein.gene, 10.0, weight="bold", **look)
    beside = 4 + text_width(protein.gene, 10.0, "bold")
    write(axes, beside, 3.8, f"{protein.transcript}, {protein.length:,} aa", 8.0, QUIET, **look)
    draw_features(axes, page)
    for number, track in enumerate(tracks):
        draw_track(axes, page, number, track)
    draw_residues(axes, protein, page.place, page.bottom + 1.0)
    keys = keys_of(marks, tracks, conditions or {})
    end = draw_keys(axes, keys, page.place.left, page.bottom + 12.0) if keys else page.bottom + 10.5
    for note in notes:
        for line in wrapped(note, 6.0, WIDTH - page.place.left - 3):
            write(axes, page.place.left, end, line, 6.0, QUIET, **look)
            end += 2.6
        end += 0.3
    figure.set_size_inches(WIDTH / 25.4, (end + 0.5) / 25.4)
    axes.set(xlim=(0, WIDTH), ylim=(end + 0.5, 0))
    labelled = pd.Series(False, index=marks.index)
    for column in (column for lane in page.lanes for column in lane.columns):
        labelled[column.marks.index] = bool(column.label)
    return figure, labelled
