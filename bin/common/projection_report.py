"""Figures and report sections of sample_projection: they show tables as given and compute nothing."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from common.figures import QUIET, ROLES, new_figure, shortened, styled
from common.gene_sets import readable
from common.labels import place_labels
from common.multiqc import write_section

DOI = "10.1098/rsta.2015.0202"
ALIKE = 0.5  # cosine, 60 degrees: from here on it is said that two lines move the same way
FAINT = "#E6E6E6"
NAME = 18  # characters of a line's name beside its arrow
NAMED = 12  # of more lines


def axis_label(place: int, variance: pd.DataFrame) -> str:
    """Name an axis of the plane: `PC1 (41.3 % of variance)`."""
    share = variance.variance_explained_ratio[place : place + 1].sum()
    return f"PC{place + 1} ({100 * share:.1f} % of variance)"


@styled
def draw(table: pd.DataFrame, variance: pd.DataFrame, summary: Mapping[str, object]) -> Figure:
    """Draw the plane of PC1 and PC2 with an arrow a line, and each component's largest loadings beside it.

    `table` has a row for each thing drawn (kind: sample, displacement, loading); without any, the
    summary's reason is written instead.
    """
    if table.empty:
        figure, axes = new_figure(85, 25)
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, summary["reason"], ha="center", va="center", color=QUIET)
        return figure

    figure, axes = new_figure(180, 100, 2, 2, width_ratios=[2.2, 1])
    for panel in axes[:, 0]:
        panel.remove()
    plane = figure.add_subplot(axes[0, 0].get_gridspec()[:, 0])
    points, arrows = table[table.kind == "sample"], table[table.kind == "displacement"]
    for role, colour in ROLES.items():
        some = points[points.role == role]
        if len(some):
            label = ", ".join(some.condition.unique())
            plane.plot(some.pc1, some.pc2, "o", ms=4, mfc=colour, mec="white", mew=0.4, label=label)
    style = {"arrowstyle": "-|>,head_width=0.15,head_length=0.3", "lw": 0.8, "color": "#333333"}
    for arrow in arrows.itertuples():
        ends = ((arrow.pc1_end, arrow.pc2_end), (arrow.pc1, arrow.pc2))
        plane.annotate("", *ends, arrowprops=style | {"shrinkA": 0, "shrinkB": 0})
    plane.set_aspect("equal", adjustable="datalim")
    plane.margins(0.12)
    plane.axhline(0, color=FAINT, lw=0.6, zorder=0)
    plane.axvline(0, color=FAINT, lw=0.6, zorder=0)
    plane.set_xlabel(axis_label(0, variance))
    plane.set_ylabel(axis_label(1, variance))
    handles, labels = plane.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3, handletextpad=0.1)

    bars = table[table.kind == "loading"].sort_values("loading", ascending=False, kind="stable")
    reach, most = 1.1 * bars.loading.abs().max(), bars.component.value_counts().max()
    for place, panel in enumerate(axes[:, 1]):
        some = bars[bars.component == f"PC{place + 1}"]
        panel.barh(range(len(some)), some.loading, color=QUIET, height=0.65)
        panel.set_ylim(most - 0.4, -0.6)
        panel.set_yticks(range(len(some)), [readable(name, 42) for name in some.variable])
        panel.tick_params(axis="y", length=0, labelsize=6, labelcolor="#333333")
        panel.axvline(0, color=QUIET, lw=0.6)
        panel.spines["left"].set_visible(False)
        panel.set_xlim(-reach, reach)
        panel.locator_params(axis="x", nbins=4)
        panel.set_title(f"PC{place + 1}: largest loadings", fontsize=7, loc="right")

    still = points[~points.line.isin(arrows.line)].groupby("line", sort=False)[["pc1", "pc2"]].mean()
    anchors = [(arrow.pc1_end, arrow.pc2_end, arrow.line) for arrow in arrows.itertuples()]
    anchors += [(line.pc1, line.pc2, line.Index) for line in still.itertuples()]
    ends = arrows[["pc1", "pc2", "pc1_end", "pc2_end"]].to_numpy(float).reshape(-1, 2, 2)
    if len(anchors) > NAMED:
        words = f"named: {NAMED} of {len(anchors)} lines, those that move farthest"
        plane.set_title(words, fontsize=6, weight="normal", loc="left", color=QUIET)
        far = dict(zip(arrows.line, np.hypot(*(ends[:, 1] - ends[:, 0]).T), strict=True))
        anchors = sorted(anchors, key=lambda anchor: -far.get(anchor[2], 0))[:NAMED]
    labels = [(x, y, shortened(line, NAME), "#333333") for x, y, line in anchors]
    place_labels(plane, labels, points[["pc1", "pc2"]].to_numpy(float), ends)
    return figure


def strongest(table: pd.DataFrame, component: str) -> str:
    """Name the variables with the largest positive and the largest negative loading of those drawn."""
    loadings = table[table.component == component].sort_values("loading")
    ends = loadings.iloc[[-1, 0] if loadings.loading.iloc[0] < 0 else [-1]]
    return " and ".join(f"{row.variable} ({row.loading:+.2f})" for row in ends.itertuples())


def write_scatter(
    folder: Path, table: pd.DataFrame, variance: pd.DataFrame, summary: Mapping[str, object]
) -> None:
    """Write a projection's section of the report, PC1 and PC2 of every sample, from what the figure draws."""
    name = summary["projection"]
    left_out = {
        "equal in all samples": summary["constant_variables"],
        "with missing values": summary["incomplete_variables"],
    }
    left_out = [f"{count:,} {words}" for words, count in left_out.items() if count]
    sentence = f"Principal components of {summary['variables']:,} {summary['variables_are']}"
    sentence += f" (left out: {', '.join(left_out)})" if left_out else ""
    sentence += f" in {summary['samples']:,} samples, centred"
    sentence += " and scaled to unit variance." if summary["scaled"] == "yes" else ", not scaled."
    if table.empty:
        sentence += f" No projection: {summary['reason']}."
    for row in variance.head(2).itertuples():
        sentence += (
            f" {row.component} holds {100 * row.variance_explained_ratio:.1f} % of the variance; its largest "
            f"loadings are {strongest(table, row.component)}."
        )
    write_section(
        folder / f"sample_projection_{re.sub(r'[^A-Za-z0-9]', '_', name)}_mqc.json",
        f"Projection of {name}",
        sentence,
        "scatter",
        {
            row.sample: {"x": row.pc1, "y": row.pc2, "color": ROLES[row.role], "group": row.condition}
            for row in table[table.kind == "sample"].itertuples()
        },
        settings={
            "xlab": axis_label(0, variance),
            "ylab": axis_label(1, variance),
            "marker_size": 8,
            "showlegend": True,
        },
        statuses=[summary["status"]],
        links=[
            f"{name}.projection.svg",
            "coordinates.tsv",
            "loadings.tsv",
            "variance.tsv",
            "projections.tsv",
        ],
        dois=[DOI],
    )


def write_directions(
    path: Path, displacement: pd.DataFrame, cosine: pd.DataFrame, conditions: Mapping[str, str]
) -> None:
    """Write the section that compares the lines' directions in one projection: a heatmap of cosines.

    `conditions` names those of the roles reference and target.
    """
    moved = displacement[displacement.status == "ok"]
    lines = list(moved.line.unique())
    table = pd.DataFrame(np.eye(len(lines)), lines, lines)
    for row in cosine.itertuples():
        table.loc[row.line_a, row.line_b] = table.loc[row.line_b, row.line_a] = row.cosine

    name = displacement.projection.iloc[0]
    findings = {}
    for line in lines:
        steps = moved[moved.line == line].head(2)
        moves = " and ".join(f"{row.displacement:+,.2f} along {row.component}" for row in steps.itertuples())
        others = table.loc[line].drop(line).dropna().sort_values(ascending=False, kind="stable")
        alike = ", ".join(f"{other} (cosine {value:.2f})" for other, value in others[others >= ALIKE].items())
        contrast = f"{line}.{conditions['target']}_vs_{conditions['reference']}"
        findings[contrast] = f"moves {moves} of {name}" + (f"; the same way as {alike}" if alike else "")

    sentence = (
        f"Do the lines move the same way? Lines with {conditions['reference']} and {conditions['target']} "
        f"samples in the projection of {name}: {len(lines)}. "
    )
    known = cosine.cosine.dropna()
    sentence += (
        f"The cosines between their displacements, over all components, are {known.min():.2f} to "
        f"{known.max():.2f} (median {known.median():.2f}): 1 is the same direction, 0 none in common, -1 the "
        "opposite."
        if len(known)
        else "There are no two displacements to compare."
    )
    cells = [[None if np.isnan(cell) else round(cell, 4) for cell in row] for row in table.to_numpy()]
    write_section(
        path,
        "Directions of the lines",
        sentence,
        "heatmap",
        cells if len(known) else [],
        settings={
            **{"xcats": lines, "ycats": lines, "xlab": "line", "ylab": "line", "zlab": "cosine"},
            **{"min": -1, "max": 1, "cluster_rows": False, "cluster_cols": False, "tt_decimals": 2},
            "colstops": [[0, "#2166AC"], [0.5, "#F7F7F7"], [1, "#B2182B"]],
        },
        statuses=displacement.drop_duplicates("line").status,
        links=["displacement.tsv", "cosine.tsv"],
        findings=findings,
    )
