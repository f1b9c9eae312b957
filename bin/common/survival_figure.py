"""Figures of survival: they show tables as given and compute nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.figures import COLOURS, QUIET, ROLES, new_figure, shortened, styled
from common.labels import spread, text_width
from common.patient_groups import SCORE_GROUP

TITLES = {"os": "Overall survival", "dfs": "Disease-free survival"}
STEPS = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 36, 60, 120)  # months between ticks
MOST_TICKS = 7
WIDTHS = {1: 110, 2: 180}  # mm, by panels
PANEL_MM, ROW_MM, LINE_MM, TITLE_MM, NOTE_MM = 58, 4.2, 3.2, 8, 6
GAP_MM = 15  # the axis of months, and the heading of the numbers at risk
NAME = 18  # characters of a group's name
MOST_BANDS = 4
INK = "#333333"
SIZE = 7
DRAWN = [
    *("element", "endpoint", "group", "time_months", "survival", "survival_low", "survival_high"),
    *("count", "text"),
]


def colours_of(grouping: str, groups: Sequence[str]) -> dict[str, str]:
    """Give each group its colour: high is red and low is blue, others have the palette's."""
    if grouping == SCORE_GROUP:
        return {"low": ROLES["reference"], "high": ROLES["target"]}
    return {group: COLOURS[at % len(COLOURS)] for at, group in enumerate(groups)}


def p_text(p: float) -> str:
    """Write a p value: `p = 0.23`, `p = 0.050`, `p = 0.0023`, `p < 0.0001`."""
    if p < 1e-4:
        return "p < 0.0001"
    return f"p = {p:.2f}" if p >= 0.1 else f"p = {p:.3f}" if p >= 0.01 else f"p = {p:.2g}"


def ratio_text(row: tuple) -> str:
    """Write a hazard ratio with its interval: `HR 3.2 (1.1-9.4)`."""
    return f"HR {row.hazard_ratio:.2f} ({row.hazard_ratio_low:.2f}\u2013{row.hazard_ratio_high:.2f})"


def bound_text(row: tuple) -> str:
    """Write what is known of a hazard ratio without finite estimate: `not finite, above 2.31`."""
    sides = (("above", row.hazard_ratio_low), ("below", row.hazard_ratio_high))
    return ", ".join(["not finite", *(f"{side} {limit:.2f}" for side, limit in sides if pd.notna(limit))])


def written(tests: pd.DataFrame) -> list[str]:
    """Write the tests of an endpoint as lines of its panel."""
    lines = []
    for row in tests.itertuples():
        if row.test == "log_rank":
            lines.append(f"log-rank {p_text(row.p_value)}" if pd.notna(row.p_value) else "log-rank: no test")
            if pd.isna(row.p_value):
                lines[-1] += f" ({row.status.replace('_', ' ')})"
            if pd.notna(row.p_corrected):
                lines.append(f"corrected for the choice of cutoff {p_text(row.p_corrected)}")
            if row.circular == "yes":
                lines.append("circular: cutoff chosen by recurrence")
        elif row.test == "cox" and pd.notna(row.group) and (tests.test == "cox").sum() <= 3:
            of = f"{shortened(row.group, NAME)} / {shortened(row.reference, NAME)}: "
            if row.status == "not_finite":
                lines.append(f"{of}HR {bound_text(row)}")
            elif pd.notna(row.hazard_ratio):
                lines.append(of + ratio_text(row))
    return lines


def ticks_of(last: float) -> np.ndarray:
    """Choose the months that an axis names and at which who is at risk is counted."""
    step = next((step for step in STEPS if last / step <= MOST_TICKS), STEPS[-1])
    return np.arange(0, last + 1e-9, step)


def drawn_of(km: pd.DataFrame, tests: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """List what a grouping's figure draws: curves, censor ticks, numbers at risk, and texts."""
    rows = []
    for endpoint in TITLES:
        curves = km[km.endpoint == endpoint]
        if curves.empty:
            continue
        ticks = ticks_of(curves.time_months.max())
        for group in [group for group in order if (curves.group == group).any()]:
            own = curves[curves.group == group]
            place = {"endpoint": endpoint, "group": group}
            columns = ["time_months", "survival", "survival_low", "survival_high"]
            rows += [{"element": "curve", **place, **row} for row in own[columns].to_dict("records")]
            rows += [
                {"element": "censored", **place, "time_months": row.time_months, "survival": row.survival}
                | {"count": row.censored}
                for row in own[own.censored > 0].itertuples()
            ]
            for tick in ticks:
                later = own.at_risk[own.time_months >= tick]
                count = int(later.iloc[0]) if len(later) else 0
                rows.append({"element": "at_risk", **place, "time_months": tick, "count": count})
        for line in written(tests[tests.endpoint == endpoint]):
            rows.append({"element": "text", "endpoint": endpoint, "text": line})
    table = pd.DataFrame(rows).reindex(columns=DRAWN)
    return table.astype({"count": "Int64"})


def banded_too(curves: pd.DataFrame) -> bool:
    """Whether bands are drawn: those of many groups would hide each other."""
    return curves.group.nunique() <= MOST_BANDS


def draw_curves(panel: Axes, table: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Draw the curves of an endpoint with bands and censor ticks."""
    curves = table[table.element == "curve"]
    alpha = 0.14 if curves.group.nunique() < 3 else 0.08
    ends = []
    for group, own in curves.groupby("group", sort=False):
        time, survival = own.time_months.to_numpy(), own.survival.to_numpy()
        panel.step(
            time, survival, where="post", color=colours[group], lw=1.3, solid_capstyle="butt", zorder=3
        )
        banded = own[own.survival_low.notna()]
        if len(banded) and banded_too(curves):
            # A band holds until the next step, also where that has none itself.
            until = time[time > banded.time_months.iloc[-1]][:1]
            edges = [*banded.time_months, *until]
            low, high = (
                [*banded[name], *banded[name].iloc[-1:][: len(until)]]
                for name in ("survival_low", "survival_high")
            )
            panel.fill_between(
                edges, low, high, step="post", color=colours[group], alpha=alpha, lw=0, zorder=1
            )
        ticks = table[(table.element == "censored") & (table.group == group)]
        panel.plot(
            ticks.time_months, ticks.survival, "|", color=colours[group], ms=5.5, mew=0.9, zorder=4,
            clip_on=False,
        )  # fmt: skip
        ends.append((float(survival[-1]), float(time[-1]), group))
    ends.sort()
    height = 0.055
    places = spread([end for end, _, _ in ends], [height] * len(ends), -0.03, max(1.03, height * len(ends)))
    for place, (_, _, group) in zip(places, ends, strict=True):
        panel.annotate(
            shortened(group, NAME), (1, place), (3, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", color=colours[group], size=SIZE, fontweight="bold",
            annotation_clip=False,
        )  # fmt: skip


def draw_at_risk(panel: Axes, table: pd.DataFrame, colours: Mapping[str, str], groups: Sequence[str]) -> None:
    """Write the numbers at risk below the curves, a row a group."""
    counts = table[table.element == "at_risk"]
    for row in counts.itertuples():
        y = groups.index(row.group)
        panel.text(
            row.time_months, y, f"{row.count}", ha="center", va="center_baseline", size=SIZE, color=INK
        )
    panel.set_ylim(len(groups) - 0.5, -0.5)
    panel.set_yticks(range(len(groups)), [shortened(group, NAME) for group in groups])
    for label, group in zip(panel.get_yticklabels(), groups, strict=True):
        label.set(color=colours[group], va="center_baseline")
    panel.tick_params(length=0, pad=7, labelbottom=False)
    panel.spines[:].set_visible(False)
    panel.set_title("Number at risk", size=SIZE, fontweight="normal", color=QUIET, pad=2)


def arrange(axes: np.ndarray, groups: Sequence[str]) -> None:
    """Give panels and rows their places, by the widths of the groups' names."""
    figure = axes[0, 0].figure
    width, height = (float(size) * 25.4 for size in figure.get_size_inches())
    widest = max(text_width(shortened(group, NAME), SIZE, "bold") for group in groups)
    left, right, between = max(widest + 5, 13), widest + 3, widest + 11
    panels = axes.shape[1]
    across = (width - left - right - between * (panels - 1)) / panels
    rows = ROW_MM * len(groups)
    for at in range(panels):
        x = left + at * (across + between)
        for panel, low, size in (
            (axes[0, at], NOTE_MM + rows + GAP_MM, PANEL_MM),
            (axes[1, at], NOTE_MM, rows),
        ):
            panel.set_position([x / width, low / height, across / width, size / height])


@styled
def draw(table: pd.DataFrame, grouping: str, order: Sequence[str], confidence: float) -> Figure:
    """Draw the survival of a grouping's groups: both endpoints side by side, who is at risk below."""
    endpoints = [endpoint for endpoint in TITLES if (table.endpoint == endpoint).any()]
    groups = [group for group in order if (table.group == group).any()]
    colours = colours_of(grouping, order)
    texts = table[table.element == "text"]
    lines = max((texts.endpoint == endpoint).sum() for endpoint in endpoints)
    height = NOTE_MM + ROW_MM * len(groups) + GAP_MM + PANEL_MM + TITLE_MM + LINE_MM * lines
    figure, axes = new_figure(WIDTHS[len(endpoints)], height, 2, len(endpoints), sharex="col")
    figure.set_layout_engine("none")
    arrange(axes, groups)
    for at, endpoint in enumerate(endpoints):
        own = table[table.endpoint == endpoint]
        last = float(own.time_months[own.element == "curve"].max()) or 1.0
        panel, under = axes[0, at], axes[1, at]
        panel.set_title(TITLES[endpoint], y=1, pad=(LINE_MM * lines + 2) * 72 / 25.4)
        panel.annotate(
            "\n".join(texts.text[texts.endpoint == endpoint]), (0, 1), (0, LINE_MM * lines * 72 / 25.4),
            xycoords="axes fraction", textcoords="offset points", va="top", size=SIZE, color=INK,
            linespacing=1.25,
        )  # fmt: skip
        panel.set_xlim(-0.02 * last, last * 1.02)
        panel.set_ylim(0, 1.04)
        panel.set_xticks(ticks_of(last))
        panel.set_xlabel("time (months)")
        panel.tick_params(labelbottom=True)
        panel.grid(axis="y")
        draw_curves(panel, own, colours)
        draw_at_risk(under, own, colours, groups)
        if at:
            under.set_yticklabels([])
        else:
            panel.set_ylabel("probability of survival")
    bands = f"bands: {confidence * 100:g} % intervals (log-log); " if banded_too(table) else ""
    note = f"{bands}ticks: censored patients"
    figure.text(0.995, 0.01, note, size=6.5, color=QUIET, ha="right", va="bottom")
    return figure
