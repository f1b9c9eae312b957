"""Figures of group_comparison: they show tables as given and compute nothing."""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from common.figures import QUIET, ROLES, new_figure, shortened, styled
from common.group_comparison_tables import LEVEL
from common.labels import text_width

DRAWN = [
    *("element", "line", "condition", "role", *LEVEL, "replicate", "value", "sem", "n", "call"),
    *("comparison", "p_adjusted", "stars", "status", "shown_relative_to"),
]
MOST = 28  # lines that one figure has room for
UNBROKEN = "\u00a0p\u00a0<\u00a0"
IN_ROW = 8  # lines side by side
DARK = "#333333"
MARK = 6.5  # points: height of a mark above a bar
GAP = 3.5  # points between a bar and what stands above it
TITLES = {  # of assays with a meaning of their own
    **{"are_reporter": "ARE reporter", "cellrox": "CellROX fluorescence", "nqo1_activity": "NQO1 activity"},
    **{f"{gene}_protein": f"{gene.upper()} protein" for gene in ("nrf2", "keap1", "cul3", "nqo1")},
}
AS_MEASURED = {"nqo1_activity": "nmol/min/mg"}  # assays whose own unit says more than any ratio
TESTS = {
    **{"student": "Student's t", "welch": "Welch's t", "paired": "paired t"},
    **{"mann_whitney_exact": "Mann-Whitney, exact", "mann_whitney_approximate": "Mann-Whitney, approximate"},
    **{
        "one_sample_t_log_ratio": "one-sample t of log ratios",
        "paired_t_log_ratio": "paired t of log ratios",
    },
}


def title_of(assay: str) -> str:
    """Write an assay's name as a figure has it."""
    known = TITLES.get(assay.lower())
    return known or (f"{assay[5:]} mRNA" if assay.startswith("qpcr_") else assay.replace("_", " "))


def level_of(row: tuple) -> tuple[str, float]:
    """Return treatment and dose of a row, none as an empty text and 0."""
    treated = isinstance(row.treatment, str)
    return (
        (row.treatment, -1.0 if np.isnan(row.treatment_dose) else row.treatment_dose)
        if treated
        else ("", 0.0)
    )


def drawn_of(groups: pd.DataFrame, replicates: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """List what the figure of an assay draws: bars, points of replicates, and comparisons.

    Values are relative to the reference group; or as measured, if no group has such a value. Lines beyond
    those that there is room for are left out: those whose conditions differ least.
    """
    relative = groups.relative_mean.notna().any() and not set(groups.assay) & set(AS_MEASURED)
    bars = groups.assign(element="group", shown_relative_to=groups.reference_group if relative else None)
    bars["value"] = groups.relative_mean if relative else groups["mean"]
    bars["sem"] = groups.relative_sem if relative else groups["sem"]
    points = replicates.assign(
        element="replicate", shown_relative_to=replicates.reference_group if relative else None
    )
    points["value"] = replicates.relative_value if relative else replicates.value
    points = points[points.value.notna()]
    marks = tests[tests.status != "no_pair"].assign(element="comparison")
    marks["condition"] = np.where(marks.comparison == "conditions", None, marks.condition_2)
    table = pd.concat([part.astype(object) for part in (bars, points, marks)]).reindex(columns=DRAWN)
    table = table[(table.element != "group") | table.value.notna() | table.call.notna()]
    lines = list(dict.fromkeys(groups.line))
    if len(lines) > MOST:
        least = tests[tests.comparison == "conditions"].groupby("line").p_value.min()
        strongest = sorted(lines, key=lambda line: least.get(line, np.inf))[:MOST]
        table = table[table.line.isin(strongest)]
    return table[table.line.isin(table.line[table.element == "group"])].reset_index(drop=True)


def pale(role: str) -> tuple[float, ...]:
    """Return the colour of a role's bars: points stand out on it, and no line shines through."""
    return tuple(0.55 * np.array(to_rgb(ROLES[role])) + 0.45)


class Slots:
    """Where each bar of a panel stands: a slot a line or level, in it the conditions side by side."""

    def __init__(self, conditions: Sequence[str]) -> None:
        """Take the conditions in the order of their bars."""
        self.conditions = list(conditions)
        self.width = min(0.84 / len(self.conditions), 0.42)

    def x(self, slot: int, condition: str) -> float:
        """Return the middle of a bar."""
        return slot + self.width * (self.conditions.index(condition) - (len(self.conditions) - 1) / 2)


def draw_bar(panel: Axes, x: float, width: float, row: tuple, points: np.ndarray) -> float:
    """Draw a group: a bar with SEM and each replicate, or one replicate alone; return its highest value."""
    colour, few = ROLES[row.role], max(len(points), 2)
    if row.n == 1:
        panel.plot([x], [row.value], "D", ms=4, color=colour, mec="white", mew=0.4, zorder=4, clip_on=False)
        return float(row.value)
    if not row.n or np.isnan(row.value):
        return 0.0
    panel.bar(x, row.value, width * 0.9, color=pale(row.role), lw=0, zorder=2)
    panel.errorbar(x, row.value, row.sem, color=colour, lw=0.9, capsize=1.8, capthick=0.9, zorder=3)
    aside = width * 0.28 * (2 * np.arange(len(points)) / (few - 1) - 1)
    look = {"ms": 2.8, "mfc": "white", "mec": DARK, "mew": 0.6, "zorder": 4, "clip_on": False}
    panel.plot(x + aside, points, "o", **look)
    return float(max(row.value + row.sem, points.max(initial=row.value)))


class Panel:
    """A panel with its bars; marks above them are placed when its height is known."""

    def __init__(self, axes: Axes, slots: Slots) -> None:
        """Begin with nothing drawn."""
        self.axes, self.slots = axes, slots
        self.tops: dict[tuple[int, str], float] = {}
        self.marks: dict[tuple[int, str], list[tuple[str, str, float]]] = {}  # text, colour, height
        self.brackets: list[tuple[int, str, str, str]] = []

    def add(self, slot: int, row: tuple, points: np.ndarray) -> None:
        """Draw a group in a slot."""
        place = (slot, row.condition)
        self.tops[place] = draw_bar(self.axes, self.slots.x(*place), self.slots.width, row, points)
        if row.call in ("absent", "reduced", "discordant"):
            self.marks.setdefault(place, []).append((row.call, ROLES[row.role], 3.6 * len(row.call) + 3))

    def mark(self, slot: int, condition: str, text: str, colour: str) -> None:
        """Write a mark above a bar."""
        if (slot, condition) in self.tops:
            self.marks.setdefault((slot, condition), []).append((text, colour, MARK))

    def bracket(self, slot: int, first: str, second: str, text: str) -> None:
        """Join two bars of a slot."""
        if {(slot, first), (slot, second)} <= self.tops.keys():
            self.brackets.append((slot, first, second, text))

    def stacked(self, place: tuple[int, str]) -> float:
        """Return the height in points of the marks above a bar."""
        return GAP + sum(height for *_, height in self.marks.get(place, []))

    def needed(self) -> dict[tuple[int, str], float]:
        """Return the height in points that each bar needs above it."""
        heights = {place: self.stacked(place) for place in self.tops}
        for slot, first, second, _ in self.brackets:
            for condition in (first, second):
                heights[slot, condition] += MARK + 6
        return heights

    def finish(self, bottom: float, top: float, height: float) -> None:
        """Write marks and brackets; `height` is the panel's in points."""

        def above(place: tuple[int, str]) -> float:
            return (max(self.tops[place], 0) - bottom) / (top - bottom)

        crossed = self.axes.get_xaxis_transform()
        text = {"ha": "center", "va": "bottom", "transform": crossed, "clip_on": False}
        for place, marks in self.marks.items():
            y = above(place) + GAP / height
            for said, colour, size in marks:
                star = said.startswith("*")
                look = {"fontsize": 7 if star else 6, "rotation": 0 if size == MARK else 90}
                lower = 2.2 / height if star else 0  # a star hangs high in its line
                self.axes.text(self.slots.x(*place), y - lower, said, color=colour, **look, **text)
                y += size / height
        for slot, first, second, said in self.brackets:
            ends = [(slot, first), (slot, second)]
            y = max(above(place) + self.stacked(place) / height for place in ends)
            x = [self.slots.x(*place) for place in ends]
            y += 2.5 / height
            foot = y - 2 / height
            look = {"color": DARK if said != "ns" else QUIET, "lw": 0.6, "transform": crossed}
            self.axes.plot([x[0], x[0], x[1], x[1]], [foot, y, y, foot], clip_on=False, **look)
            lower = 2.4 if said != "ns" else 0
            size = 7.5 if said != "ns" else 6
            self.axes.text(
                np.mean(x), y + (1 - lower) / height, said, color=look["color"], fontsize=size, **text
            )


def caption_of(table: pd.DataFrame, tests: pd.DataFrame, reference_group: str) -> str:
    """Say what bars, points and stars are."""
    bars = table[table.element == "group"]
    said = []
    if (bars.n > 1).any():
        said.append("Bars: mean and SEM; circles: independent experiments.")
    if (bars.n == 1).any():
        said.append("Diamonds: one experiment, not tested.")
    made = tests[tests.p_value.notna()]
    if len(made):
        names = ", ".join(TESTS[name] for name in dict.fromkeys(made.test))
        said.append(
            f"{names[0].upper()}{names[1:]}, Holm's adjustment over {len(made)} test{'s' * (len(made) > 1)}: "
            "* p < 0.05, ** p < 0.01, *** p < 0.001; ns:\u00a0not\u00a0significant.".replace(
                " p < ", UNBROKEN
            )
        )
        if (made.comparison == "doses").any():
            said.append("Coloured stars: against the lowest dose or untreated cells of the same condition.")
        if (made.comparison == "reference_group").any():
            said.append(f"#, ##, ###: likewise, against {reference_group}.")
    hidden = set(tests.line) - set(bars.line)
    if hidden:
        said.append(f"Not drawn, but in the tables: {len(hidden)} line{'s' * (len(hidden) > 1)}.")
    return " ".join(said)


def value_label(assay: str, bars: pd.DataFrame) -> str:
    """Name the axis of values: the assay and what it is relative to."""
    relative = [each for each in dict.fromkeys(bars.shown_relative_to) if isinstance(each, str)]
    if not relative:
        return f"{title_of(assay)} ({AS_MEASURED.get(assay, 'as measured')})"
    if len(relative) == 1:
        return f"{title_of(assay)} (relative to {shortened(relative[0], 40)})"
    references = bars.condition[bars.role == "reference"]
    each = references.iloc[0] if len(references) else "reference"
    return f"{title_of(assay)} (relative to each line's {each})"


def wrapped(text: str, width_mm: float, size: float) -> str:
    """Break a text into lines of this width."""
    letters = len(text) * width_mm / max(text_width(text, size), width_mm)
    return textwrap.fill(text, max(int(letters), 1))


def fill_panel(
    panel: Panel, rows: pd.DataFrame, slots: Sequence[object], by_level: bool, reference: str, target: str
) -> None:
    """Draw the groups of a panel, and note what stands above them."""

    def slot_of(row: tuple) -> int:
        return slots.index(level_of(row) if by_level else row.line)

    points = {}
    for row in rows[rows.element == "replicate"].itertuples():
        points.setdefault((slot_of(row), row.condition), []).append(row.value)
    for row in rows[rows.element == "group"].itertuples():
        panel.add(slot_of(row), row, np.array(points.get((slot_of(row), row.condition), []), dtype=float))
    for row in rows[(rows.element == "comparison") & rows.stars.isin(["ns", "*", "**", "***"])].itertuples():
        if row.comparison == "conditions":
            panel.bracket(slot_of(row), reference, target, row.stars)
        elif row.stars != "ns":
            dark = row.comparison == "reference_group"
            stars = row.stars.replace("*", "#") if dark else row.stars
            role = rows.role[rows.condition == row.condition].iloc[0]
            panel.mark(slot_of(row), row.condition, stars, DARK if dark else ROLES[role])


class Plan(NamedTuple):
    """What stands where: a panel for each of `parts` (lines), in it a slot a line, or a slot a level."""

    parts: list[list[str]]
    levels: list[tuple[str, float]]
    by_level: bool
    order: pd.DataFrame  # the conditions with their roles
    columns: int
    width: float  # mm
    slot: float  # mm
    units: dict[str, str]  # of doses, by treatment

    @property
    def rows(self) -> int:
        """Return the number of rows of panels."""
        return -(-len(self.parts) // self.columns)

    @property
    def treatment(self) -> str:
        """Return the only treatment if it has doses, else nothing."""
        names = {name for name, _ in self.levels if name}
        return min(names) if len(names) == 1 and names == self.units.keys() else ""

    def slots(self, part: list[str]) -> list[object]:
        """Return what the slots of a panel are."""
        return self.levels if self.by_level else part


def plan_of(bars: pd.DataFrame) -> Plan:
    """Plan a figure: lines side by side; where there are treatments, a panel a line with doses along x."""
    order = bars.drop_duplicates("condition")[["condition", "role"]].sort_values(
        "role", key=lambda role: role.map(list(ROLES).index), kind="stable"
    )
    lines = list(dict.fromkeys(bars.line))
    levels = sorted({level_of(row) for row in bars.itertuples()})
    if len(levels) == 1:
        in_row = min(len(lines), IN_ROW)
        parts = [lines[start : start + in_row] for start in range(0, len(lines), in_row)]
        beside = in_row * len(order)
        width = 60 if beside <= 4 else 85 if beside <= 8 else min(20 + 10 * beside, 180)
        return Plan(parts, levels, False, order, 1, width, 0.85 * (width - 20) / in_row, {})
    columns = min(len(lines), 3 if len(levels) * len(order) <= 12 else 2)
    width = (85, 130, 180)[columns - 1] if len(levels) <= 5 else 180
    slot = 0.9 * ((width - 10) / columns - 8) / len(levels)
    doses = bars[bars.treatment_unit.notna()]
    units = dict(zip(doses.treatment, doses.treatment_unit, strict=True))
    return Plan([[line] for line in lines], levels, True, order, columns, width, slot, units)


def write_around(figure: Figure, assay: str, bars: pd.DataFrame, caption: str, plan: Plan) -> None:
    """Write what the values are, the caption, and the key of the conditions."""
    label, height = value_label(assay, bars), 50 * plan.rows
    if text_width(label, 8) > height:
        label = "\n(".join(wrapped(part, height, 8) for part in label.split(" (", 1))
    figure.supylabel(label, fontsize=8, color=DARK, multialignment="center")
    figure.supxlabel(caption, fontsize=6, color=QUIET, x=0.02, ha="left", multialignment="left")
    keys = []
    for row in plan.order.itertuples():
        look = {"label": shortened(row.condition, 24)}
        if (bars.n[bars.condition == row.condition] == 1).all():
            keys.append(Line2D([], [], marker="D", ls="none", ms=4, color=ROLES[row.role], **look))
        else:
            keys.append(Patch(color=pale(row.role), lw=0, **look))
    widest = max(text_width(key.get_label(), 7) for key in keys) + 9
    columns = max(1, min(4, int((plan.width - 4) / widest)))
    figure.legend(handles=keys, loc="outside upper left", ncols=columns, handlelength=1, handleheight=0.9)


def finish(figure: Figure, panels: Sequence[Panel], highest: float) -> None:
    """Make room above the bars of all panels for what stands there, and write it."""
    lowest = min(0.0, *(panel.axes.dataLim.y0 for panel in panels))
    highest = max([highest, *(top for each in panels for top in each.tops.values())])
    span = highest - lowest or 1.0
    if lowest < 0:
        lowest -= 0.06 * span
    for panel in panels:
        panel.axes.set_ylim(lowest, lowest + 1.3 * span)
        if lowest < 0:
            panel.axes.axhline(0, color=QUIET, lw=0.6, zorder=1)
    figure.draw_without_rendering()
    height = min(panel.axes.get_window_extent().height for panel in panels) * 72 / figure.dpi
    top = lowest + span * 1.02
    for panel in panels:
        needed = panel.needed()
        for slot, first, second, _ in panel.brackets:
            most = max(needed[slot, first], needed[slot, second])
            needed |= {(slot, first): most, (slot, second): most}
        for place, points in needed.items():
            share = max(1 - points / height, 0.2)
            top = max(top, lowest + (max(panel.tops[place], 0) - lowest) / share)
    for panel in panels:
        panel.axes.set_ylim(lowest, top)
        panel.finish(lowest, top, height)


@styled
def draw(assay: str, table: pd.DataFrame, tests: pd.DataFrame, reference_group: str) -> Figure:
    """Draw an assay as planned: bars, SEM, every replicate, and which comparisons are significant."""
    bars = table[table.element == "group"]
    plan = plan_of(bars)
    named = {role: next(iter(plan.order.condition[plan.order.role == role]), "") for role in ROLES}
    caption = wrapped(caption_of(table, tests, reference_group), plan.width - 12, 6)
    height = 16 + 44 * plan.rows + 2.6 * (caption.count("\n") + 1)
    figure, axes = new_figure(plan.width, height, plan.rows, plan.columns, sharey=True)
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.04)
    relative = bars.shown_relative_to.notna().any()
    panels = []
    for place, part in enumerate(plan.parts):
        panel, shown = Panel(axes.flat[place], Slots(list(plan.order.condition))), plan.slots(part)
        panels.append(panel)
        own = table[table.line.isin(part)]
        fill_panel(panel, own, shown, plan.by_level, named["reference"], named["target"])
        panel.axes.set_xlim(-0.6, len(plan.slots(plan.parts[0])) - 0.4)
        panel.axes.set_xticks(range(len(shown)), tick_labels(shown, plan))
        panel.axes.tick_params(axis="x", length=0, labelcolor=DARK)
        if relative:
            panel.axes.axhline(1, color=QUIET, lw=0.6, ls=(0, (3, 2)), zorder=1)
        if plan.by_level:
            panel.axes.set_title(shortened(part[0], 24), fontsize=8)
            if plan.treatment and place >= len(plan.parts) - plan.columns:
                panel.axes.set_xlabel(f"{plan.treatment} ({plan.units[plan.treatment]})")
    for spare in axes.flat[len(plan.parts) :]:
        spare.set_axis_off()
    write_around(figure, assay, bars, caption, plan)
    finish(figure, panels, 1.0 * relative)
    return figure


def fitted(text: str, width_mm: float) -> str:
    """Shorten a text to this width."""
    while len(text) > 6 and text_width(text, 7) > width_mm:
        text = shortened(text.replace("\u2026", ""), len(text) - 1)
    return text


def tick_labels(shown: Sequence[object], plan: Plan) -> list[str]:
    """Name the slots of a panel: lines, or doses (with their treatments, if there are several)."""
    if not plan.by_level:
        return [fitted(str(line), plan.slot) for line in shown]
    if plan.treatment:
        return [f"{dose:g}" for _, dose in shown]
    return [
        f"{fitted(name, plan.slot)}\n{f'{dose:g} {plan.units[name]}' if dose >= 0 else ''}"
        if name
        else "none"
        for name, dose in shown
    ]
