"""Find the places of a lollipop figure: domains, stems, heads and labels, in mm from the upper left corner.

A position that has variants has one stem, which leads from its residue to a place of its own, over an elbow
where there is no room; its heads are stacked, their labels above the topmost, as those of trackViewer (Ou and
Zhu 2019, doi:10.1038/s41592-019-0430-y).
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from common.figures import shortened
from common.labels import spread, text_width

WIDTH, RIGHT, TOP = 180.0, 11.0, 8.0
NAMES = (13.0, 32.0)  # least and greatest width of the names of tracks
POINT = 25.4 / 72  # mm
HEAD = 2.2  # diameter
GAP = 0.7  # between what stands side by side
BAR, STRIP = 5.6, 3.3  # heights of domains, and of repeats and motifs
BACKBONE = 1.4  # a protein without domains is so much narrower, on either side
ZONE = 32.0  # height of the greatest count
AXIS = 11.0  # least height of an axis of counts
FURTHEST = 30.0  # that a label which reads from left to right may stand from its residue
LINE, SPACING = 1.22, 1.12  # height of a line of text in its size; that of those that read across, over it
DARK = "#333333"
# Pale, for text to be read on them (P. Tol, Colour schemes, SRON/EPS/TN/09-002); told apart by their names.
DOMAINS = ("#BBCCEE", "#CCDDAA", "#EEEEBB", "#CCEEFF", "#FFCCCC", "#DDDDDD")


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
    profiled: int = 0  # patients of a cohort, that counts are in percent of; 0 for no such axis


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
    ticks: tuple[int, ...]
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

    def edge(self, x: float, way: int) -> float:
        """Return where a stem at x leaves the protein, upwards (-1) or downwards: as near as it can start."""
        at = [box for box in self.boxes if box.left <= x <= box.right]
        if way < 0:
            return min([BACKBONE, *(box.y for box in at)])
        named = zip(self.outside, self.centres, strict=True)
        if any(abs(x - centre) < text_width(name.text, 6.0) / 2 + 0.8 for name, centre in named):
            return self.height
        return max([BAR - BACKBONE, *(box.y + box.height for box in at)])


class Place(NamedTuple):
    """Where residues are."""

    left: float
    length: int

    def at(self, residue: float) -> float:
        """Return the mm of the middle of a residue."""
        return self.left + (residue - 0.5) / self.length * (WIDTH - RIGHT - self.left)


def scale_of(marks: pd.DataFrame) -> Scale:
    """Find the scale of all tracks: the sum of the counts of a position is the height of its topmost head."""
    if "target" in marks:
        return Scale(HEAD + 0.4, ())
    most = max(marks.groupby(["track", "position"])["count"].sum().max() if len(marks) else 1, 1)
    ticks = MaxNLocator(4, integer=True, steps=[1, 2, 5, 10], min_n_ticks=2).tick_values(0, most)
    ticks = tuple(int(tick) for tick in ticks if tick == int(tick))
    return Scale(min(ZONE, max(6.0 * ticks[-1], AXIS + 1)) / ticks[-1], ticks)


def joined(labels: Sequence[str]) -> str:
    """Write the labels of a residue in one: R470C and R470H are R470C/H."""
    residue = re.match(r"[A-Z]\d+", labels[0])
    if residue and all(label.startswith(residue[0]) and "_" not in label for label in labels):
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
    # On the right of counts stands what they are in percent.
    low, high = (place.left - 1, WIDTH - RIGHT + 1) if scale.ticks else (place.left - 3, WIDTH - 1)
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
    furthest = np.abs(places - roots).max(initial=0)
    elbow = (6.0 if scale.ticks else 2.2 + 0.08 * furthest) if furthest > 0.05 else 1.2
    counts = [column.marks["count"].sum() for column in columns]
    # Of the common scale a track has as much as its counts need, and as the axis' name does.
    below = (0, 0, *scale.ticks[1:])
    ticks = tuple(
        tick
        for tick, before in zip(scale.ticks, below, strict=False)
        if not before or before < max(counts, default=0) or before * scale.unit < AXIS
    )
    tops = [
        scale.height(elbow, count) + HEAD / 2 + 0.6 + label_height(column, way)
        for column, count in zip(columns, counts, strict=True)
    ]
    least = scale.height(elbow, ticks[-1]) if ticks else 3.0
    return Lane(columns, way, elbow, ticks, max([least, *tops]) + 0.8)


def label_height(column: Column, way: Writing) -> float:
    """Return how high a label is."""
    if way.upright:
        return text_width(column.label, way.size)
    return LINE * SPACING * way.size * POINT * (1 + column.label.count("\n"))


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
        room = ends[1] - ends[0] - 0.7
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


class Page(NamedTuple):
    """A figure as it is laid out: where the protein starts, where tracks do, and which way they go."""

    place: Place
    features: Features
    scale: Scale
    lanes: list[Lane]
    top: float
    bases: list[tuple[float, int]]  # -1 is upwards
    bottom: float


def lay_out_page(protein: Protein, marks: pd.DataFrame, tracks: Sequence[Track], mirrored: bool) -> Page:
    """Give the protein and its tracks their places, as `draw` of lollipop_figure takes them."""
    scale = scale_of(marks)
    names = [text_width(shortened(track.name, 18), 8.0, "bold") for track in tracks]
    names += [text_width(shortened(track.detail, 24), 6.5) for track in tracks]
    left = min(max([NAMES[0], *names]), NAMES[1]) + (16.0 if scale.ticks else 6.0)
    place = Place(left, protein.length)
    features = lay_out_features(protein, place)
    own = [marks[marks.track == number] for number in range(len(tracks))]
    lanes = [lay_out(each, place, scale) for each in own]
    if scale.ticks and any(lane.way.upright for lane in lanes):
        lanes = [lay_out(each, place, scale, upright=True) for each in own]
    room = [4.2 if track.detail else 0.0 for track in tracks]
    lanes = [lane._replace(height=max(lane.height, least)) for lane, least in zip(lanes, room, strict=True)]
    # The first of counted tracks stands on the protein.
    above = lanes[:1] if scale.ticks else []
    top = TOP + sum(lane.height for lane in above)
    bases, bottom = [(top, -1) for _ in above], top + features.height + (0.0 if mirrored else 1.5)
    for lane in lanes[len(above) :]:
        bases.append((bottom, 1) if mirrored else (bottom + lane.height + 0.6, -1))
        bottom += lane.height + (0.0 if mirrored else 2.6)
    return Page(place, features, scale, lanes, top, bases, bottom)
