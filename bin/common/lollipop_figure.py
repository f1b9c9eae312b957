"""Draw proteins with their domains and the variants in them: it shows tables as given and computes nothing.

A figure has one protein and tracks: cell lines below each other, or one cohort above the protein and one
below (`mirrored`). A position that has variants has one stem, which leads from its residue to a place of its
own, over an elbow where there is no room; its heads are stacked, their labels above the topmost, as those of
trackViewer (Ou and Zhu 2019, doi:10.1038/s41592-019-0430-y). All is in mm, from the upper left corner.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from common.figures import PALE, QUIET, ROLES, shortened, styled
from common.labels import spread, text_width

WIDTH, RIGHT, TOP = 180.0, 11.0, 8.0
NAMES = (13.0, 32.0)  # least and greatest width of the names of tracks
POINT = 25.4 / 72  # mm
HEAD = 2.2  # diameter
GAP = 0.7  # between what stands side by side
BAR, STRIP = 5.6, 3.3  # heights of domains, and of repeats and motifs
ZONE = 32.0  # height of the greatest count
FURTHEST = 30.0  # that a label which reads from left to right may stand from its residue
LINE = 1.22  # height of a line of text, in its size
DARK = "#333333"
# How a class is drawn: in colours of Okabe and Ito, and in shapes where colour tells the condition.
CLASSES = {
    "missense": ("o", "#009E73"),
    "truncating": ("s", "#000000"),
    "in frame": ("D", "#CC79A7"),
    "splice site": ("^", "#E69F00"),
    "other": ("v", "#6B6B6B"),
}
SHARE_OF_HEAD = {"s": 0.88, "D": 0.82, "^": 1.05, "v": 1.05}  # so that shapes look alike in size
# Pale, for text to be read on them (P. Tol, Colour schemes, SRON/EPS/TN/09-002); told apart by their names.
DOMAINS = ("#BBCCEE", "#CCDDAA", "#EEEEBB", "#CCEEFF", "#FFCCCC", "#DDDDDD")
READ = {  # how residues that were read are drawn: in paler colours of the conditions
    role: {"lw": 0.9, "solid_capstyle": "butt", "color": tuple(0.6 * level + 0.4 for level in to_rgb(colour))}
    for role, colour in ROLES.items()
}
SHADES = {"present": "", "absent": "white", "unknown": "#C8C8C8"}


class Protein(NamedTuple):
    """A protein; its features have kind, name, start and end, in residues from 1, ends included."""

    gene: str
    transcript: str
    length: int
    features: pd.DataFrame


class Track(NamedTuple):
    """A cell line or a cohort."""

    name: str
    detail: str = ""  # beside the name
    says: str = ""  # in the track
    role: str = "target"  # of the condition that the right halves of heads stand for
    read: Mapping[str, Sequence[tuple[int, int]]] = {}  # stretches of residues, by role of a condition


class Column(NamedTuple):
    """A position with variants in a track: where its stem starts and where its heads are, and its marks."""

    root: float
    x: float
    marks: pd.DataFrame  # from the lowest head to the topmost
    label: str  # empty if there is no room for it


class Lane(NamedTuple):
    """A track as it is laid out; heights count from the line that its stems start at."""

    columns: list[Column]
    way: "Writing"
    elbow: float  # height at which stems are in their places
    height: float


class Writing(NamedTuple):
    """How labels are written: from left to right or upwards, in points, with the notes or without."""

    upright: bool
    size: float
    notes: bool


WRITINGS = (
    Writing(False, 7.0, True),
    Writing(False, 7.0, False),
    *(Writing(True, size, False) for size in (6.5, 6.0, 5.5, 5.0)),
)


class Scale(NamedTuple):
    """What a count is in mm, and the numbers of the axis; none where each variant has one head."""

    unit: float
    ticks: tuple[int, ...]

    def height(self, elbow: float, count: float) -> float:
        """Return how high the centre of a head is."""
        return elbow + count * self.unit + (0 if self.ticks else 0.4)


class Box(NamedTuple):
    """A feature as it is drawn; y counts from the top of the protein."""

    kind: str
    left: float
    right: float
    y: float
    height: float
    colour: str
    name: str
    size: float


class Name(NamedTuple):
    """The name of a feature that is too narrow for it: where it is wanted, and where its line starts."""

    wanted: float
    text: str
    start: float


class Features(NamedTuple):
    """A protein as it is laid out."""

    boxes: list[Box]
    outside: list[Name]
    centres: list[float]  # of these names
    strips: float  # where boxes end
    height: float


class Place(NamedTuple):
    """Where residues are."""

    left: float
    length: int

    def at(self, residue: float) -> float:
        """Return the mm of the middle of a residue."""
        return self.left + (residue - 0.5) / self.length * (WIDTH - RIGHT - self.left)


# ---- places


def scale_of(marks: pd.DataFrame) -> Scale:
    """Find the scale of all tracks: the sum of the counts of a position is the height of its topmost head."""
    if "target" in marks:
        return Scale(HEAD + 0.4, ())
    most = max(marks.groupby(["track", "position"])["count"].sum().max() if len(marks) else 1, 1)
    ticks = MaxNLocator(4, integer=True, steps=[1, 2, 5, 10], min_n_ticks=2).tick_values(0, most)
    ticks = tuple(int(tick) for tick in ticks if tick == int(tick))
    return Scale(min(ZONE, 6.0 * ticks[-1]) / ticks[-1], ticks)


def joined(labels: Sequence[str]) -> str:
    """Write the labels of a position in one: R470C and R470H are R470C/H."""
    residue = re.match(r"[A-Z]\d+", labels[0])
    if residue and all(label.startswith(residue[0]) for label in labels):
        return shortened("/".join([labels[0], *(label[residue.end() :] for label in labels[1:])]), 26)
    return "\n".join(labels)


def label_of(marks: pd.DataFrame, way: Writing) -> str:
    """Write the label of a position, the topmost head's first."""
    rows = marks.iloc[::-1]
    names = [shortened(label, 22) for label in rows.label]
    if "target" not in marks:
        return joined(names)
    lines = []
    for name, row in zip(names, rows.itertuples(), strict=True):
        shares = " \u2192 ".join(filter(None, [row.reference_text, row.target_text]))
        lines.append("  ".join(filter(None, [name, row.note * way.notes, shares * way.upright])))
    return "\n".join(lines)


def width_of(marks: pd.DataFrame, label: str, way: Writing) -> float:
    """Return the width of a position's heads, their numbers and its label."""
    if way.upright:
        return max(HEAD, LINE * way.size * POINT * (1 + label.count("\n"))) + 0.25
    beside = [0.0]
    if "target" in marks:
        texts = [*marks.reference_text, *marks.target_text]
        beside = [2 * (text_width(text, 6.0) + 0.5) for text in texts if text]
    return max(text_width(label, way.size), HEAD + max(beside, default=0.0)) + 2 * GAP


def lay_out(marks: pd.DataFrame, place: Place, scale: Scale, upright: bool = False) -> Lane:
    """Give each position of a track its place: with labels from left to right, or `upright` if need be.

    If there is no room even so, positions with the lowest counts stay where they are, without a label.
    """
    found = [
        group.sort_values("count", ascending=False, kind="stable") for _, group in marks.groupby("position")
    ]
    roots = np.array([place.at(min(group.position.iloc[0], place.length + 1)) for group in found])
    low, high = place.left - 3, WIDTH - 1
    for way in WRITINGS[2 * upright :]:
        labels = [label_of(group, way) for group in found]
        widths = np.array([width_of(*pair, way) for pair in zip(found, labels, strict=True)])
        if widths.sum() <= high - low:
            moves = spread(roots, widths, low, high) - roots
            if way.upright or np.abs(moves).max(initial=0) <= FURTHEST:
                break
    order = np.argsort([-group["count"].sum() for group in found], kind="stable")
    fitting = np.sort(order[np.cumsum(widths[order]) <= high - low])
    places, labelled = roots.copy(), np.isin(np.arange(len(found)), fitting)
    places[labelled] = spread(roots[labelled], widths[labelled], low, high)
    columns = [
        Column(float(root), float(x), group, label if named else "")
        for root, x, group, label, named in zip(roots, places, found, labels, labelled, strict=True)
    ]
    moved = np.abs(places - roots).max(initial=0) > 0.05
    elbow = (6.0 if scale.ticks else 2.2) if moved else 1.2
    least = scale.height(elbow, scale.ticks[-1]) if scale.ticks else 3.0
    tops = [
        scale.height(elbow, column.marks["count"].sum()) + label_height(column, way) for column in columns
    ]
    return Lane(columns, way, elbow, max([least, *(top + HEAD / 2 + 0.6 for top in tops)]) + 0.8)


def label_height(column: Column, way: Writing) -> float:
    """Return how high a label is."""
    if way.upright:
        return text_width(column.label, way.size)
    return LINE * way.size * POINT * (1 + column.label.count("\n"))


def levels_of(features: pd.DataFrame) -> list[int]:
    """Put features that overlap by more than 3 residues onto levels."""
    ends: list[int] = []
    levels = []
    for row in features.itertuples():
        level = next((number for number, end in enumerate(ends) if row.start > end - 3), len(ends))
        ends[level:] = [row.end, *ends[level + 1 :]]
        levels.append(level)
    return levels


def lay_out_features(protein: Protein, place: Place) -> Features:
    """Give domains, and below them repeats and motifs, their places, and names too wide for them others."""
    rows = protein.features.rename(columns={"name": "called"}).sort_values(["start", "end"], kind="stable")
    domains, others = rows[rows.kind == "domain"], rows[rows.kind != "domain"]
    boxes, outside = [], []
    levels = levels_of(domains)
    bottom = BAR * (max(levels, default=0) + 1)
    for number, (row, level) in enumerate(zip(domains.itertuples(), levels, strict=True)):
        ends = place.at(row.start - 0.5), place.at(row.end + 0.5)
        room = ends[1] - ends[0] - 0.3
        size = next((size for size in (7.5, 7.0, 6.5, 6.0, 5.5) if text_width(row.called, size) < room), 0.0)
        colour = DOMAINS[number % len(DOMAINS)]
        boxes.append(Box("domain", *ends, level * BAR, BAR, colour, row.called if size else "", size))
        if not size:
            outside.append(Name(sum(ends) / 2, row.called, (level + 1) * BAR))
    levels = levels_of(others)
    for row, level in zip(others.itertuples(), levels, strict=True):
        ends, top = (place.at(row.start - 0.5), place.at(row.end + 0.5)), bottom + 0.5 + level * STRIP
        motif = row.kind == "motif"
        # Of numbered repeats the number will do.
        names = [] if motif else [row.called, *(word for word in row.called.split()[-1:] if word.isdigit())]
        name = next((name for name in names if text_width(name, 6.0) < ends[1] - ends[0] - 0.3), "")
        boxes.append(Box(row.kind, *ends, top, STRIP - 0.5, DARK if motif else "#F4F4F4", name, 6.0))
        if not name:
            name = f"{row.called} {row.start}\u2013{row.end}" if motif else row.called
            outside.append(Name(sum(ends) / 2, name, top + STRIP - 0.5))
    bottom += 0.5 + STRIP * (max(levels) + 1) if levels else 0.0
    outside.sort()
    widths = [text_width(name.text, 6.0) + 1.6 for name in outside]
    while sum(widths) > WIDTH - place.left:
        outside, widths = outside[:-1], widths[:-1]
    centres = spread([name.wanted for name in outside], widths, place.left - 3, WIDTH - 1)
    return Features(boxes, outside, [float(x) for x in centres], bottom, bottom + (3.3 if outside else 0.0))


# ---- drawing


def write(
    axes: Axes, x: float, y: float, text: str, size: float = 7.0, colour: str = DARK, **options: object
) -> None:
    """Write a text; it is centred and in the middle, unless told otherwise."""
    look = {"ha": "center", "va": "center"} | options
    axes.text(x, y, text, fontsize=size, color=colour, **look)


def draw_features(
    axes: Axes, features: Features, place: Place, top: float, bands: tuple[float, float]
) -> None:
    """Draw the protein from `top` on, and pale bands of its domains through the tracks."""
    left, right = place.at(0.5), place.at(place.length + 0.5)
    axes.add_patch(Rectangle((left, top + 1.4), right - left, BAR - 2.8, facecolor="#C4C4C4", linewidth=0))
    for kind, start, end, y, height, colour, name, size in features.boxes:
        if kind == "domain":
            for low, high in (bands[0], top), (top + y + height, bands[1]):
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


def draw_lane(axes: Axes, lane: Lane, scale: Scale, track: Track, base: float, way: int) -> None:
    """Draw the stems, heads and labels of a track; way is -1 upwards, 1 downwards."""
    for column in sorted(lane.columns, key=lambda column: bool(column.label)):
        free = bool(column.label)
        marks = column.marks
        heights = [scale.height(lane.elbow, count) for count in marks["count"].cumsum()]
        x = [column.root, column.root, column.x, column.x]
        y = [0, 0.3 if lane.elbow < 2 else 0.7, lane.elbow - 0.2, heights[-1]]
        axes.plot(x, [base + way * each for each in y], color="#8C8C8C", lw=0.7 if free else 0.4, zorder=2)
        names = ["class", "reference", "target"] if "target" in marks else ["class"]
        for mark, height in zip(marks[names].itertuples(index=False, name=None), heights, strict=True):
            look = look_of(mark, track.role, HEAD if free else 0.6 * HEAD)
            axes.plot([column.x], [base + way * height], zorder=3 if free else 2.5, **look)
        if not free:
            continue
        end = base + way * (heights[-1] + HEAD / 2 + 0.6)
        look = {"va": "bottom" if way < 0 else "top", "linespacing": 1.0, "rotation": 90 * lane.way.upright}
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


def draw_counts(axes: Axes, scale: Scale, lane: Lane, place: Place, base: float, way: int) -> None:
    """Draw the axis of counts, with pale lines."""
    x = place.left - 2.2
    ends = [base + way * scale.height(lane.elbow, tick) for tick in (0, scale.ticks[-1])]
    axes.plot([x, x], ends, color=QUIET, lw=0.6)
    for tick in scale.ticks:
        y = base + way * scale.height(lane.elbow, tick)
        axes.plot([x - 0.9, x], [y, y], color=QUIET, lw=0.6)
        axes.plot([x, WIDTH - RIGHT], [y, y], color="#E0E0E0", lw=0.5, zorder=0.5)
        write(axes, x - 1.4, y, f"{tick:,}", 7.0, QUIET, ha="right", va="center_baseline")
    write(axes, x - 7.6, sum(ends) / 2, "samples", 8.0, rotation=90)


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
    count (samples). Where it has reference and target (present, absent or unknown), reference_text,
    target_text and note too, heads have a half for each condition; else they are as high as the count.
    Tracks are below each other, below the protein; if `mirrored`, the first of two is above it. `conditions`
    are the conditions' names by their role, `notes` are written below the figure.
    """
    scale = scale_of(marks)
    titles = [text_width(shortened(track.name, 18), 8.0, "bold") for track in tracks]
    titles += [text_width(shortened(track.detail, 24), 6.5) for track in tracks]
    names = min(max([NAMES[0], *titles]), NAMES[1]) + 3
    place = Place(names + (13.0 if scale.ticks else 3.0), protein.length)
    features = lay_out_features(protein, place)
    own = [marks[marks.track == number] for number in range(len(tracks))]
    lanes = [lay_out(each, place, scale) for each in own]
    lanes = [
        lane._replace(height=max(lane.height, 4.2 if track.detail else 0.0))
        for lane, track in zip(lanes, tracks, strict=True)
    ]
    if scale.ticks and any(lane.way.upright for lane in lanes):
        lanes = [lay_out(each, place, scale, upright=True) for each in own]

    # The first of counted tracks stands on the protein.
    standing = bool(scale.ticks)
    top = TOP + (lanes[0].height if standing else 0.0)
    y = top + features.height + (0.0 if mirrored else 1.5)
    starts = [(top, -1)] if standing else []
    for lane in lanes[standing:]:
        y += lane.height + (0.0 if mirrored else 2.6)
        starts.append((top + features.height, 1) if mirrored else (y - 2.0, -1))

    figure = Figure()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    look = {"ha": "left", "va": "center_baseline"}
    write(axes, 2, 3.8, protein.gene, 10.0, weight="bold", **look)
    beside = 4 + text_width(protein.gene, 10.0, "bold")
    write(axes, beside, 3.8, f"{protein.transcript}, {protein.length:,} aa", 8.0, QUIET, **look)
    draw_features(axes, features, place, top, (TOP if standing else top, y + 0.5))
    for lane, track, (base, way) in zip(lanes, tracks, starts, strict=True):
        draw_track(axes, lane, scale, track, place, base, way)
    for base, _ in starts[:-1] if not standing else []:
        axes.plot([2, WIDTH - RIGHT], [base + 2.0] * 2, color="#E0E0E0", lw=0.5, zorder=0.5)
    draw_residues(axes, protein, place, y + 1.0)
    keys = keys_of(marks, tracks, conditions or {})
    end = draw_keys(axes, keys, place.left, y + 12.0) if keys else y + 10.5
    for note in notes:
        for line in wrapped(note, 6.0, WIDTH - place.left - 3):
            write(axes, place.left, end, line, 6.0, QUIET, **look)
            end += 2.6
        end += 0.3
    figure.set_size_inches(WIDTH / 25.4, (end + 0.5) / 25.4)
    axes.set(xlim=(0, WIDTH), ylim=(end + 0.5, 0))
    labelled = pd.Series(False, index=marks.index)
    for column in (column for lane in lanes for column in lane.columns):
        labelled[column.marks.index] = bool(column.label)
    return figure, labelled


def draw_track(
    axes: Axes, lane: Lane, scale: Scale, track: Track, place: Place, base: float, way: int
) -> None:
    """Draw a track: its name, what was read, its variants."""
    middle = base + way * (lane.elbow + lane.height) / 2 if scale.ticks else base - 0.4
    look = {"ha": "left", "va": "center_baseline"}
    above = 2.6 if track.detail else 0.0
    write(axes, 2, middle - above, shortened(track.name, 18), 8.0, weight="bold", **look)
    write(axes, 2, middle + 0.4, shortened(track.detail, 24), 6.5, QUIET, **look)
    if scale.ticks:
        draw_counts(axes, scale, lane, place, base, way)
    draw_read(axes, track, place, base)
    draw_lane(axes, lane, scale, track, base, way)
    if track.says:
        free = max([place.left, *(column.x + 12 for column in lane.columns)])
        write(axes, free, base + way * 1.6, track.says, 7.0, QUIET, style="italic", **look)
