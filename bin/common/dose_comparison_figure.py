"""Figures of dose_comparison: they show tables as given and compute nothing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MultipleLocator,
    NullFormatter,
    NullLocator,
)

from common.dose_curves import GIVEN, modulated
from common.figures import PALE, QUIET, ROLES, new_figure, shortened, styled
from common.labels import text_width

COLUMNS, WIDTH_MM, PANEL_MM = 3, 180, 85
NOTE = "(F): F test of one IC50; (t): t test of experiments' IC50s; p adjusted by Holm's method"
DASHES = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v")
INK = "#333333"
TESTS = ("test", "trend")  # kinds of rows that are written, not drawn
NAME = 24  # characters of a line's name


def p_text(p: float) -> str:
    """Write a p value: `p = 0.023`, `p < 0.0001`."""
    if pd.isna(p):
        return "no p"
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"


def fold_text(fold: float) -> str:
    """Write a fold change: `0.34-fold`, `2.0-fold`, `15-fold`."""
    return f"{fold:.1f}-fold" if 0.995 <= fold < 9.95 else f"{fold:.2g}-fold"


def unit_text(unit: object) -> str:
    """Write a unit: `ug/mL` with its Greek letter."""
    return str(unit).replace("u", "\u00b5", 1) if str(unit).startswith("u") else str(unit)


def multiples(steps: Sequence[int], low: float, high: float) -> np.ndarray:
    """Return these multiples of powers of ten that lie from low to high, or just beyond."""
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = np.array([step * 10**power for power in powers for step in steps])
    return ticks[(ticks >= low * 0.95) & (ticks <= high * 1.05)]


def axis_of_doses(panel: Axes, doses: np.ndarray, zero: bool) -> float:
    """Make a log axis that names doses as they are; dose 0 lies left of a break. Returns its place."""
    low, high = doses.min(), doses.max()
    width = max(np.log10(high / low), 0.5)
    place = low * 10 ** (-0.16 * width)
    left = place * 10 ** (-0.07 * width) if zero else low * 10 ** (-0.05 * width)
    panel.set_xscale("log")
    panel.set_xlim(left, high * 10 ** (0.06 * width))
    decades = np.arange(np.ceil(np.log10(low) - 0.02), np.floor(np.log10(high) + 0.02) + 1)
    ticks = 10**decades
    if len(ticks) < 3:
        ticks = multiples((1, 3), low, high)
    if len(ticks) < 2:
        ticks = multiples((1, 2, 5), low, high)
    elif len(ticks) > 5:
        ticks = ticks[:: int(np.ceil(len(ticks) / 5))]
    if not len(ticks):
        ticks = np.unique([low, high])
    minor = [tick for tick in LogLocator(subs=range(1, 10)).tick_values(low, high) if low <= tick <= high]
    panel.xaxis.set_minor_locator(FixedLocator(minor))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.xaxis.set_major_locator(FixedLocator([*([place] if zero else []), *ticks]))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "0" if x < low * 0.94 else f"{x:g}"))
    if zero:
        gap = low * 10 ** (-0.085 * width)
        across = panel.get_xaxis_transform()
        panel.plot([gap * 10 ** (-0.02 * width), gap * 10 ** (0.02 * width)], [0, 0], color="white", lw=2,
                   transform=across, clip_on=False, zorder=5)  # fmt: skip
        for shift in (-0.02, 0.02):
            middle = np.log10(gap) + shift * width
            ends = 10 ** np.array([middle - 0.012 * width, middle + 0.012 * width])
            panel.plot(ends, [-0.025, 0.025], color=QUIET, lw=0.6, transform=across, clip_on=False, zorder=6)
    return place


def draw_panel(panel: Axes, table: pd.DataFrame, steps: Sequence[str], zero: bool, doses: np.ndarray) -> None:
    """Draw one line's curves: means with SEM, fits, IC50s as ticks with a dotted line up to the curve."""
    place = axis_of_doses(panel, doses, zero)
    keys = ["condition", "condition_role", "modulator_name"]
    shown = table[~table.kind.isin(TESTS)]
    for (_, role, name), some in shown.groupby(keys, sort=False, dropna=False):
        step = steps.index(name)
        colour = ROLES.get(role, ROLES["other"])
        dash, marker = DASHES[step % len(DASHES)], MARKERS[step % len(MARKERS)]
        means = some[some.kind.isin(["mean", "vehicle"])]
        x, error = means.dose.where(means.dose > 0, place), means["sem"].fillna(0)
        panel.errorbar(
            x, means.response, error, fmt=marker, ms=3.4, mew=0.8, color=colour, elinewidth=0.7,
            capsize=1.5, capthick=0.7, mfc=colour if step == 0 else "white", zorder=3,
        )  # fmt: skip
        curve = some[some.kind == "curve"]
        panel.plot(curve.dose, curve.response, color=colour, ls=dash, lw=1.1, zorder=2)
        for tick in some[some.kind == "ic50"].itertuples():
            panel.plot(
                [tick.dose] * 2,
                [panel.get_ylim()[0], tick.response],
                color=colour,
                lw=0.6,
                ls=(0, (1, 1.5)),
                zorder=1,
            )
            panel.plot(
                tick.dose, 0, marker="^", ms=4, mec=colour, mfc=colour if step == 0 else "white", mew=0.7,
                transform=panel.get_xaxis_transform(), clip_on=False, zorder=7,
            )  # fmt: skip
    if panel.get_ylim()[0] < 0 < panel.get_ylim()[1]:
        panel.axhline(0, color=PALE, lw=0.5, zorder=0)


def tests_of(table: pd.DataFrame, steps: Sequence[str]) -> list[tuple[str, str]]:
    """List the text, with its colour, of each comparison of a panel."""
    lines = []
    tests = table[table.kind == "test"].sort_values("condition_role", kind="stable")
    for _, group in tests.groupby("comparison", sort=False):
        first = group.iloc[0]
        places = group.set_index(["null_hypothesis", "test"])
        shared, other = places.loc[("shared_ic50", "f_test")], places.loc[("shared_ic50", "by_experiment")]
        one = places.loc[("one_curve", "f_test")]
        if pd.notna(shared.p_adjusted) or pd.notna(other.p_adjusted):
            fold = other.fold_change if pd.isna(shared.fold_change) else shared.fold_change
            text = "" if pd.isna(fold) else f"{fold_text(fold)}, "
            text += f"{p_text(shared.p_adjusted)} (F), {p_text(other.p_adjusted)} (t)"
        elif pd.notna(one.p_adjusted):
            text = f"one curve for both: {p_text(one.p_adjusted)} (F)"
        else:
            text = "not compared"
        modulator = first.modulator_name if len(steps) > 2 and first.modulator_name else ""
        colour = ROLES.get(first.condition_role, INK) if isinstance(first.condition_role, str) else INK
        lines.append((f"{modulator}: {text}" if modulator else text, colour))
    for trend in table[table.kind == "trend"].sort_values("condition_role").itertuples():
        text = f"trend: {fold_text(trend.fold_change)} from dose to dose, {p_text(trend.p_adjusted)} (t)"
        lines.append((text, ROLES.get(trend.condition_role, INK)))
    silent = table[(table.kind == "mean") & ~table.status.isin(GIVEN)]
    keys = ["condition", "condition_role", "modulator_name", "status"]
    for row in silent.drop_duplicates(keys).itertuples():
        name = f"{row.condition} + {row.modulator_name}" if row.modulator_name else row.condition
        words = row.status.replace("ic50", "IC50").replace("_", " ")
        lines.append((f"{name}: {words}", ROLES.get(row.condition_role, ROLES["other"])))
    return lines


@styled
def draw_curves(table: pd.DataFrame, compound: str, unit: str, response: str) -> Figure:
    """Draw a compound's curves, a panel a line; `table` has what is drawn, `response` names the y axis."""
    units = table.modulator_unit.map(unit_text, na_action="ignore")
    named = table.assign(modulator_unit=units).to_dict("records")
    table = table.assign(modulator_name=[modulated(row) for row in named])
    lines = list(table.line.unique())
    steps = sorted(table.modulator_name[~table.kind.isin(TESTS)].unique(), key=bool)
    columns = min(len(lines), COLUMNS)
    rows = -(-len(lines) // columns)
    tests = {line: tests_of(table[table.line == line], steps) for line in lines}
    most = max(len(each) for each in tests.values())
    under = 3.2 * most
    width = columns * min(WIDTH_MM / columns, PANEL_MM)
    handles, labels = legend_of(table, steps)
    across = max(min(int((width - 8) / (max(text_width(label, 7) for label in labels) + 13)), len(labels)), 1)
    above = 4 * -(-len(labels) // across)
    figure, axes = new_figure(width, rows * (39 + under) + 12 + above, rows, columns, sharey=True)
    points = table[table.kind.isin(["mean", "vehicle"])]
    doses = points.dose[points.dose > 0].to_numpy()
    zero = bool((points.dose == 0).any())
    high = np.nanmax(points.response + points["sem"].fillna(0)) if len(points) else 1.0
    low = np.nanmin(points.response - points["sem"].fillna(0)) if len(points) else 0.0
    low = min(low, 0.0) if high > 0 else low
    reach = max(high - low, 1e-6)
    for panel, line in zip(axes.flat, lines, strict=False):
        panel.set_ylim(low - (0.04 * reach if low else 0), high + 0.06 * reach)
        draw_panel(panel, table[table.line == line], steps, zero, doses)
        if 80 < high < 160:
            panel.yaxis.set_major_locator(MultipleLocator(25))
        panel.set_title(shortened(line, NAME), fontsize=8, pad=3 + 9.1 * most)
        for at, (text, colour) in enumerate(tests[line]):
            note = panel.annotate(
                text, (0, 1), (0, 2.5 + 9.1 * (most - 1 - at)), xycoords="axes fraction",
                textcoords="offset points", fontsize=6, color=colour, va="bottom",
            )  # fmt: skip
            note.set_in_layout(False)
        panel.tick_params(axis="x", which="minor", length=1.5, width=0.4, color=QUIET)
        panel.tick_params(axis="x", pad=4)
    for panel in axes.flat[len(lines) :]:
        panel.set_visible(False)
    words = f"{compound} ({unit_text(unit)})"
    noted = (table.kind == "test").any()
    figure.supxlabel(words + ("\n " if noted else ""), fontsize=8, color=INK)
    if noted:
        figure.text(0.995, 0.004, NOTE, fontsize=5, color=QUIET, ha="right", va="bottom").set_in_layout(False)
    figure.supylabel(response, fontsize=8, color=INK)
    figure.legend(handles, labels, loc="outside upper left", ncols=across, handlelength=2.6)
    return figure


def legend_of(table: pd.DataFrame, steps: Sequence[str]) -> tuple[list[Line2D], list[str]]:
    """Return handles and labels: conditions by colour, modulators by dash and marker, the IC50's tick."""
    handles, labels = [], []
    conditions = table[~table.kind.isin(TESTS)].drop_duplicates(["condition", "condition_role"])
    for each in conditions.itertuples():
        colour = ROLES.get(each.condition_role, ROLES["other"])
        handles.append(Line2D([], [], color=colour, lw=1.2, marker=MARKERS[0], ms=3.4))
        labels.append(each.condition)
    for step, name in enumerate(steps):
        if len(steps) > 1:
            fill = INK if step == 0 else "white"
            dash, marker = DASHES[step % len(DASHES)], MARKERS[step % len(MARKERS)]
            handles.append(
                Line2D([], [], color=INK, lw=1.1, ls=dash, marker=marker, ms=3.4, mfc=fill, mew=0.8)
            )
            labels.append(name or "no modulator")
    handles.append(Line2D([], [], color=INK, lw=0, marker="^", ms=4))
    labels.append("IC50")
    return handles, labels


def draw_estimate(panel: Axes, row: tuple, y: float, look: dict[str, object], ends: Sequence[float]) -> None:
    """Draw an estimate and its interval, an arrow at an open end; without estimate, its status in words.

    `look` has colour, marker and filling (`mfc`), `ends` the ends of the axis.
    """
    colour = look["color"]
    low, high = (end if pd.isna(own) else own for own, end in zip((row.low, row.high), ends, strict=True))
    if pd.notna([row.estimate, row.low, row.high]).any():
        panel.plot([low, high], [y, y], color=colour, lw=0.9, solid_capstyle="butt", zorder=2)
        for own, end, arrow in ((row.low, low, "<"), (row.high, high, ">")):
            if pd.isna(own):
                panel.plot(end, y, marker=arrow, ms=3.5, color=colour, clip_on=False)
    if pd.notna(row.estimate):
        panel.plot(row.estimate, y, ls="", ms=4, mec=colour, mew=0.8, zorder=3, **look)
    elif row.status not in ("ok", "disagreement"):
        words = row.status.replace("ic50_", "").replace("_", " ")
        inside = np.sqrt(ends[0] * ends[1]) if pd.isna(row.low) else low
        panel.annotate(
            words, (inside, y), (2, 1.5), textcoords="offset points", fontsize=5.5, color=colour, va="bottom"
        )


@styled
def draw_forest(table: pd.DataFrame, compound: str, unit: str, confidence: float) -> Figure:
    """Draw IC50s by line and condition, and fold changes by both methods, with their intervals."""
    lines = list(table.line.unique())
    figure, axes = new_figure(180, 26 + 8.5 * len(lines), 1, 2, sharey=True, width_ratios=[1.25, 1])
    left, right = axes[0]
    spots, folds = table[table.kind == "ic50"], table[table.kind == "fold_change"]
    conditions = list(spots.condition.unique())
    methods = {"f_test": {"marker": "o", "mfc": INK}, "by_experiment": {"marker": "s", "mfc": "white"}}
    for panel, some in ((left, spots), (right, folds)):
        groups = conditions if panel is left else list(methods)
        spread = np.linspace(-0.2, 0.2, len(groups)) if len(groups) > 1 else np.zeros(1)
        values = some[["estimate", "low", "high"]].to_numpy(float)
        known = values[np.isfinite(values) & (values > 0)]
        low, high = (known.min() / 1.4, known.max() * 1.4) if len(known) else (0.5, 2.0)
        if panel is right:
            low, high = min(low, 0.45), max(high, 2.2)
        else:
            doses = some[["lowest_dose", "highest_dose"]].to_numpy(float)
            low, high = min(low, np.nanmin(doses)), max(high, np.nanmax(doses))
        panel.set_xscale("log")
        panel.set_xlim(low, high)
        for row in some.itertuples():
            group = row.condition if panel is left else row.method
            y = lines.index(row.line) + spread[groups.index(group)]
            colour = ROLES.get(row.condition_role, ROLES["other"]) if panel is left else INK
            own = {"marker": "o", "mfc": colour} if panel is left else methods[group]
            draw_estimate(panel, row, y, {"color": colour} | own, (low, high))
            if panel is right:
                text = p_text(row.p_adjusted)
                panel.annotate(
                    text, (1, y), (3, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                    fontsize=5.5, va="center", color=INK, annotation_clip=False,
                )  # fmt: skip
        panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        ticks = [tick for tick in LogLocator(subs=(1, 2, 5)).tick_values(low, high) if low <= tick <= high]
        if len(ticks) > 6:
            ticks = [tick for tick in LogLocator().tick_values(low, high) if low <= tick <= high]
        panel.xaxis.set_major_locator(FixedLocator(ticks))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.grid(axis="x")
        for row in range(len(lines) - 1):
            panel.axhline(row + 0.5, color=PALE, lw=0.4, zorder=0)
    left.set_yticks(range(len(lines)), [shortened(line, NAME) for line in lines])
    left.set_ylim(len(lines) - 0.5, -0.5)
    for panel in (left, right):
        panel.tick_params(axis="y", length=0, labelcolor=INK)
    right.axvline(1, color=QUIET, lw=0.7, zorder=1)
    left.set_xlabel(f"IC50 of {compound} ({unit_text(unit)})")
    right.set_xlabel("fold change of IC50")
    percent = f"{100 * confidence:g} %"
    left.set_title(f"IC50, {percent} profile-likelihood interval", fontsize=7)
    right.set_title(f"Fold change, {percent} interval, Holm-adjusted p", fontsize=7)
    roles = spots.drop_duplicates("condition")
    handles = [
        Line2D([], [], color=ROLES.get(each.condition_role, ROLES["other"]), marker="o", ms=4, lw=0.9)
        for each in roles.itertuples()
    ]
    handles += [Line2D([], [], color=INK, marker="o", ms=4, lw=0.9)]
    handles += [Line2D([], [], color=INK, marker="s", ms=4, lw=0.9, mfc="white", mew=0.8)]
    labels = [*roles.condition, "F test (values)", "t test (experiments)"]
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), handlelength=2)
    return figure
