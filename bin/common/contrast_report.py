"""Figures and report sections of differential expression: they show tables as given and test nothing."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import special

from common.figures import PALE, QUIET, ROLES, label_points, new_figure, shortened, styled
from common.multiqc import rows_of, write_section

REPORTED = 2400  # genes in the report's scatter plots
MOST_VECTORS = 2000  # points of a figure that are drawn one by one in its SVG
NAMED = 6  # genes up, and as many down, that a figure names
SHOWN = ["design", "samples_reference", "samples_target", "tested", "up", "down", "status", "reason"]
DOIS = ["10.1186/s13059-014-0550-8", "10.1093/bioinformatics/bty895", "10.1093/bioinformatics/btad547"]
LN2 = np.log(2)
COLOURS = {"none": PALE, "down": ROLES["reference"], "up": ROLES["target"]}
PANELS = {  # what each has on its axes
    "volcano": ("log2_fold_change_shrunk", "minus_log10_p"),
    "ma": ("base_mean", "log2_fold_change_shrunk"),
}
DRAWN = [
    *("gene_id", "gene_name", "base_mean", "log2_fold_change_shrunk", "minus_log10_p", "beyond", "direction"),
    *("volcano_label", "ma_label"),
]


def drawn(table: pd.DataFrame, calls: bool, q_value_max: float) -> pd.DataFrame:
    """List the points of a figure: genes with a fold change, and which are called or named.

    `minus_log10_p` comes from the statistic, so that no p is 0; it is cut at twice what all but a thousandth
    of the genes stay below. Named are the strongest genes by statistic, or by shrunken fold change without.
    """
    points = table[table.log2_fold_change_shrunk.notna()].copy()
    minus_log10_p = -(special.log_ndtr(-points.stat.abs()) + LN2) / np.log(10)
    minus_log10_p = minus_log10_p.where(points.p_value.notna())
    most = max(2 * minus_log10_p.quantile(0.999), 10) if minus_log10_p.notna().any() else np.nan
    points["minus_log10_p"] = minus_log10_p.clip(upper=most)
    points["beyond"] = np.where(minus_log10_p > most, "yes", "no")
    significant = points.q_value < q_value_max
    up = np.where(points.log2_fold_change > 0, "up", "down")
    points["direction"] = np.where(calls & significant, up, "none")
    rank = points.stat[significant] if points.stat.notna().any() else points.log2_fold_change_shrunk
    named = [*rank[rank > 0].nlargest(NAMED).index, *rank[rank < 0].nsmallest(NAMED).index]
    points["label"] = points.gene_name.where(points.index.isin(named), "")
    return points


def draw_panel(panel: Axes, points: pd.DataFrame, x: str, y: str, row: NamedTuple) -> pd.Series:
    """Draw a volcano or an MA plot into a panel; return the names that it has beside points."""
    points = points[points[y].notna()]
    volcano = y == "minus_log10_p"
    for direction, colour in COLOURS.items():
        for beyond, marker, area in (("no", "o", 3), ("yes", "^", 6)):
            some = points[(points.direction == direction) & ((points.beyond == beyond) | (not volcano))]
            if volcano or beyond == "no":
                raster = len(points) > MOST_VECTORS
                panel.scatter(some[x], some[y], area, colour, marker=marker, lw=0, rasterized=raster)
    fold_change = f"log2 fold change, {row.target} / {row.reference} (shrunken)"
    called = points[points.direction != "none"]
    if volcano:
        beyond = " (\u25b2 beyond)" if (points.beyond == "yes").any() else ""
        panel.set(xlabel=fold_change, ylabel=f"\u2212log10 p{beyond}")
        panel.set_ylim(0, 1.15 * max(1.0, points[y].max()))
        reach = 1.15 * max(1, points[x].abs().max())
        panel.set_xlim(-reach, reach)
        if len(called):
            panel.axhline(called[y].min(), color=QUIET, lw=0.6, ls=(0, (4, 3)))
    else:
        panel.set(xlabel="mean of normalised counts", ylabel=fold_change.replace(", ", "\n"), xscale="log")
        panel.axhline(0, color=QUIET, lw=0.6)
        panel.margins(0.05, 0.1)
    named = points[points.label != ""]
    around = (called if len(called) else points)[[x, y]].to_numpy()
    written = label_points(panel, list(zip(named[x], named[y], named.label, strict=True)), around)
    return points.label.where(points.label.isin(written), "")


@styled
def draw(points: pd.DataFrame, row: NamedTuple) -> tuple[Figure, pd.DataFrame]:
    """Draw what `drawn` lists, a volcano (where genes were tested) beside an MA plot.

    Returns the figure and exactly what it draws.
    """
    names = list(PANELS) if points.minus_log10_p.notna().any() else ["ma"]
    figure, axes = new_figure(85 * len(names), 80, 1, len(names))
    says = [(0, QUIET, row.status.replace("_", " "))]
    if not pd.isna(row.up):
        says = [(0, COLOURS["down"], f"{row.down:,} down"), (1, COLOURS["up"], f"{row.up:,} up")]
    figure.suptitle(shortened(row.contrast, 46 * len(names)), fontsize=8, fontweight="bold")
    for place, colour, text in says:
        side = {"ha": "right" if place else "left", "va": "bottom", "transform": axes[0, 0].transAxes}
        axes[0, 0].text(place, 1.01, text, color=colour, fontsize=7, **side)
    table = points.assign(volcano_label="")
    for name, panel in zip(names, axes[0], strict=True):
        table[f"{name}_label"] = draw_panel(panel, points, *PANELS[name], row).reindex(table.index)
    return figure, table[DRAWN]


def says(row: NamedTuple, q_value_max: float) -> str:
    """Say in a few words what was found in a contrast."""
    if row.status == "no_samples":
        return row.reason
    if row.status == "no_replicates":
        return "no replicates: fold changes without a test"
    if pd.isna(row.up):
        return f"no replicates: {row.tested:,} genes ranked, none called (exploratory)"
    return f"{row.up:,} genes up, {row.down:,} down at q < {q_value_max:g} of {row.tested:,} tested"


def write_sections(
    results: Path, summary: pd.DataFrame, points: dict[str, pd.DataFrame], q_value_max: float
) -> None:
    """Write the sections of the report: the summary, and a volcano plot of each contrast."""
    found = {row.contrast: says(row, q_value_max) for row in summary.itertuples()}
    write_section(
        results / "differential_expression_mqc.json",
        "Genes up and down",
        f"Genes whose expression differs between conditions, by DESeq2's model ({len(summary)} contrasts, "
        f"false discovery rate {q_value_max:g}). Lines without replicates are ranked and not called, unless "
        "--accept_additive_dispersion is given.",
        "table",
        rows_of(summary.set_index("contrast")[SHOWN]),
        settings={"col1_header": "contrast"},
        table="summary.tsv",
        statuses=summary.status,
        links=["summary.tsv", *(f"{contrast}.genes.tsv" for contrast in summary.contrast)],
        dois=DOIS,
        findings=found,
    )
    reach = max(1, REPORTED // (2 * len(points)))
    datasets = []
    for table in points.values():
        significant = table[table.direction != "none"].nlargest(reach, "minus_log10_p")
        rest = table[table.minus_log10_p.notna()].drop(significant.index)
        rest = rest.sort_values("minus_log10_p", kind="stable")
        # Denser towards the most significant, so that no gap opens below those that are all shown.
        even = np.linspace(1, 0, min(reach, len(rest)))
        rest = rest.iloc[np.unique(((1 - even**3) * (len(rest) - 1)).astype(int))]
        shown = pd.concat([rest, significant])
        datasets.append(
            {
                name: [
                    {
                        "x": float(f"{gene.log2_fold_change_shrunk:.4g}"),
                        "y": float(f"{gene.minus_log10_p:.4g}"),
                        "color": colour,
                        "name": gene.gene_name,
                    }
                    for gene in some.itertuples()
                ]
                for name, colour, some in (
                    ("none", PALE, shown[shown.direction == "none"]),
                    ("down", ROLES["reference"], shown[shown.direction == "down"]),
                    ("up", ROLES["target"], shown[shown.direction == "up"]),
                )
                if len(some)
            }
        )
    tested = [data for data in datasets if data]
    if not tested:
        return
    write_section(
        results / "differential_expression_volcano_mqc.json",
        "Volcano plots",
        f"Shrunken fold changes and p-values: the {reach} most significant genes of each contrast, and "
        "up to as many of the rest, denser towards the significant; the figures have all genes.",
        "scatter",
        tested,
        settings={
            "xlab": "log2 fold change (shrunken)",
            "ylab": "-log10 p",
            "marker_size": 5,
            "data_labels": [
                {"name": contrast} for contrast, data in zip(points, datasets, strict=True) if data
            ],
        },
        statuses=summary.status,
        links=[f"{contrast}.volcano_ma.{suffix}" for contrast in points for suffix in ("svg", "png", "tsv")],
        dois=DOIS,
    )
