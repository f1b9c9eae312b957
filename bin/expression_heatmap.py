#!/usr/bin/env python3
"""Draw a heatmap for each panel of genes: how high each gene is in each sample, among all samples.

Shown      z-scores of log2 counts per million: (value - mean) / standard deviation (n - 1) of the gene over
           all samples of the study, whatever their line and condition. They compare samples within a gene,
           not genes with each other: the gene's mean log2 counts per million stands beside its row.
Order      Genes as the panel lists them, so that figures of several studies can be compared and genes of
           one role stay together; nothing is clustered. Samples line by line, and in each line the
           reference condition, the target condition, then others, each in the order of the sheet.
Assumes    Values that are comparable between samples (TMM-normalised). A gene is found by its name, or else
           by its identifier without version; of several with one name, the one with the highest mean is
           shown. `not_measured` (absent from the counts) and `not_expressed` (too few reads for a value)
           differ: the first says nothing about the gene.
Reference  Robinson and Oshlack 2010, Genome Biol 11:R25, doi:10.1186/gb-2010-11-3-r25 (log-CPM, TMM)
"""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd
from common.cli import INPUT, RESULTS, Script
from common.figures import DIVERGING, PALE, QUIET, ROLES, new_figure, save_figure, shortened, styled
from common.multiqc import write_section, write_versions
from common.tables import GENES, SAMPLES, read_matrix, read_table, write_table
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

PANELS = {"panel": "str", "gene_name": "str"}
CONSTANT = 1e-6  # log2 units: a smaller range over the samples is rounding
WIDEST_Z = 2.5  # colours end here
INTERACTIVE_CELLS = 15_000  # of a section's heatmap
MM = 1 / 25.4
# The figure's parts, in mm; the gap is between lines, the cell's width the largest.
WIDTH, LEFT, RIGHT, TOP, GAP = 180, 24, 26, 19, 1.2
CELL_WIDTH, CELL_HEIGHT = 7.0, 3.6
SAMPLE_CHARACTERS, LINE_CHARACTERS = 22, 14
LINE_HEIGHT = 2.6  # mm, of a line's name
TOLD = 8  # lines that the sentence names
LISTED = {
    "constant": "Grey, without z-score",
    "not_expressed": "Not expressed",
    "not_measured": "Not measured",
}
DOIS = ["10.1186/gb-2010-11-3-r25"]


class Columns(NamedTuple):
    """Where samples are drawn: left edges and width in mm, and each line's samples by position."""

    left: np.ndarray
    width: float
    lines: dict[str, np.ndarray]

    @property
    def end(self) -> float:
        """The right edge of the last column, in mm."""
        return self.left[-1] + self.width


def in_order(samples: pd.DataFrame) -> pd.DataFrame:
    """Order samples line by line, reference condition first; else as in the sheet."""
    line = samples.line.map({name: rank for rank, name in enumerate(samples.line.unique())})
    role = samples.role.map({name: rank for rank, name in enumerate(ROLES)})
    condition = samples.condition.map({name: rank for rank, name in enumerate(samples.condition.unique())})
    return samples.iloc[np.lexsort((condition, role, line))].reset_index(drop=True)


def rows_by_name(genes: pd.DataFrame) -> dict[str, list[str]]:
    """Find what a panel may call each gene (gene_id, gene_name): {name: gene_ids}; a name wins over an id."""
    found: dict[str, list[str]] = {}
    for gene_id in genes.gene_id:
        found.setdefault(gene_id.split(".")[0], []).append(gene_id)
    named: dict[str, list[str]] = {}
    for gene_id, name in zip(genes.gene_id, genes.gene_name, strict=True):
        named.setdefault(name, []).append(gene_id)
    return found | named


def find_genes(panels: pd.DataFrame, genes: pd.DataFrame, log_cpm: pd.DataFrame) -> pd.DataFrame:
    """Find each gene of each panel: panels.tsv, a row a row of `panels`.

    `genes` (gene_id, gene_name) are all that were counted, `log_cpm` (by gene_id) those with values.
    """
    known = rows_by_name(genes)
    means, ranges = log_cpm.mean(axis=1), log_cpm.max(axis=1) - log_cpm.min(axis=1)
    rows = []
    for panel, name in panels[list(PANELS)].itertuples(index=False):
        gene_ids = known.get(name, [])
        expressed = [gene_id for gene_id in gene_ids if gene_id in log_cpm.index]
        row = {"panel": panel, "gene_name": name, "gene_id": gene_ids[0] if gene_ids else None}
        if not gene_ids:
            status, reason = "not_measured", f"none of {len(genes):,} genes has this name"
        elif not expressed:
            status, reason = "not_expressed", "fewer reads than an expressed gene needs"
        else:
            best = max(expressed, key=lambda gene_id: means[gene_id])
            row |= {"gene_id": best, "mean_log_cpm": means[best]}
            status, reason = "ok", ""
            if not ranges[best] > CONSTANT:
                status, reason = "constant", f"one value in {log_cpm.shape[1]} samples: no z-score"
        rows.append(row | {"status": status, "reason": reason})
    return pd.DataFrame(rows, columns=["panel", "gene_name", "gene_id", "mean_log_cpm", "status", "reason"])


def z_scores(log_cpm: pd.DataFrame) -> pd.DataFrame:
    """Scale each gene (row) to mean 0 and standard deviation 1 over samples; missing if it is constant."""
    centred = log_cpm.sub(log_cpm.mean(axis=1), axis=0)
    varies = log_cpm.max(axis=1) - log_cpm.min(axis=1) > CONSTANT
    return centred.div(log_cpm.std(axis=1, ddof=1).where(varies), axis=0)


def drawn(genes: pd.DataFrame, samples: pd.DataFrame, log_cpm: pd.DataFrame) -> pd.DataFrame:
    """List the cells of a panel's heatmap, gene by gene: log_cpm and z_score in each sample.

    `genes` are the panel's rows of panels.tsv that have values, `samples` in the order drawn.
    """
    values = log_cpm.loc[genes.gene_id, samples["sample"]]
    cells = genes[["gene_name", "gene_id"]].merge(samples[["sample", "line", "condition", "role"]], "cross")
    return cells.assign(log_cpm=values.to_numpy().ravel(), z_score=z_scores(values).to_numpy().ravel())


def differences(cells: pd.DataFrame) -> dict[str, float]:
    """Take, in each line with both conditions, the mean over genes of target minus reference log-CPM."""
    means = cells.groupby(["line", "role"], sort=False).log_cpm.mean().unstack("role")  # noqa: PD010
    if not {"reference", "target"} <= set(means):
        return {}
    return (means["target"] - means["reference"]).dropna().to_dict()


def places(samples: pd.DataFrame) -> Columns:
    """Divide the width between the margins among the samples, with gaps between lines."""
    lines = {line: np.flatnonzero(samples.line == line) for line in samples.line.unique()}
    room = WIDTH - LEFT - RIGHT
    gap = min(GAP, 0.3 * room / len(samples))
    width = min(CELL_WIDTH, (room - gap * (len(lines) - 1)) / len(samples))
    gaps = gap * ((samples.line != samples.line.shift()).cumsum().to_numpy() - 1)
    return Columns(width * np.arange(len(samples)) + gaps, width, lines)


def signed(number: float, form: str) -> str:
    """Write a number with a minus sign, not a hyphen."""
    return format(number, form).replace("-", "\u2212")


def text_mm(text: str, points: float) -> float:
    """Estimate how wide a text is, in mm."""
    return len(text) * points * 0.6 / 72 / MM


def title_of(panel: str) -> str:
    """Turn a panel's name into a title: `nrf2_targets` is "NRF2 targets".

    A word with a digit or without a vowel is an abbreviation.
    """
    words = [
        word.upper() if re.search(r"\d", word) or not re.search(r"[aeiouy]", word, re.IGNORECASE) else word
        for word in panel.split("_")
    ]
    title = " ".join(words)
    return title[:1].upper() + title[1:]


@styled
def draw(title: str, genes: pd.DataFrame, samples: pd.DataFrame, cells: pd.DataFrame) -> Figure:
    """Draw one panel. `genes` are all its rows of panels.tsv, `cells` what `drawn` lists."""
    shown = genes[genes.mean_log_cpm.notna()]
    rows, columns = max(len(shown), 1), places(samples)
    points = min(6.5, 0.85 * columns.width * 72 * MM)
    names = [shortened(name, SAMPLE_CHARACTERS) for name in samples["sample"]] if points > 3 else []
    names_above = [shortened(line, LINE_CHARACTERS) for line in columns.lines]
    blocks = zip(names_above, columns.lines.values(), strict=True)
    turned = any(text_mm(name, 7) > columns.width * len(block) for name, block in blocks)
    every = int(np.ceil(LINE_HEIGHT * len(columns.lines) / columns.end)) if turned else 1

    width = max(85.0, LEFT + columns.end + RIGHT)
    beneath = absent(genes)
    if every > 1:
        beneath += f"{'. ' * bool(beneath)}Named is one line in {every}, in the order of the sheet"
    left_out = textwrap.wrap(beneath, int((width - 6) / text_mm("m", 6.5)), break_long_words=False)
    above = TOP + turned * max(text_mm(name, 7) for name in names_above)
    below = 4 + max([text_mm(name, points) for name in names], default=0) + 3.2 * len(left_out)
    height = above + max(rows, 6) * CELL_HEIGHT + below
    figure, axes = new_figure(width, height)
    figure.set_layout_engine("none")
    panel = axes[0, 0]
    bottom = height - above - rows * CELL_HEIGHT
    panel.set_position([LEFT / width, bottom / height, columns.end / width, rows * CELL_HEIGHT / height])
    panel.set(xlim=(0, columns.end), ylim=(rows, 0))  # x in mm, y in rows
    panel.set_axis_off()

    colours = draw_cells(panel, shown, cells, columns)
    for left, name in zip(columns.left, names, strict=False):
        centre = left + columns.width / 2
        panel.text(centre, rows + 0.3, name, rotation=90, ha="center", va="top", fontsize=points)
    draw_bars(panel, samples, columns, turned, every)

    place = [LEFT + columns.end + 11, height - above - 16, 2.5, 16]
    bar = figure.add_axes([place[0] / width, place[1] / height, place[2] / width, place[3] / height])
    limit = colours.norm.vmax
    figure.colorbar(colours, cax=bar, ticks=[-limit, 0, limit], format="{x:.2g}")
    bar.tick_params(labelsize=6.5, length=2)
    mm = {"transform": figure.dpi_scale_trans}
    figure.text(2 * MM, (height - 2) * MM, shortened(title, 40), va="top", fontsize=9, weight="bold", **mm)
    for row, text in enumerate(left_out):
        y = (2 + 3.2 * (len(left_out) - 1 - row)) * MM
        figure.text(3 * MM, y, text, va="bottom", fontsize=6.5, color=QUIET, **mm)
    return figure


def draw_cells(panel: Axes, shown: pd.DataFrame, cells: pd.DataFrame, columns: Columns) -> ScalarMappable:
    """Draw the cells with the name of each gene before and its mean behind its row; return the colours."""
    samples = len(columns.left)
    limit = widest(samples)
    colours = ScalarMappable(Normalize(-limit, limit), colormaps[DIVERGING].with_extremes(bad=PALE))
    values = cells.z_score.to_numpy().reshape(len(shown), samples)
    for block in columns.lines.values() if len(shown) else ():
        edges = columns.left[block[0]] + columns.width * np.arange(len(block) + 1)
        rows = np.arange(len(shown) + 1)
        panel.pcolormesh(edges, rows, values[:, block], cmap=colours.cmap, norm=colours.norm)
    beside = columns.end + 7
    for row, gene in enumerate(shown.itertuples()):
        name, mean = shortened(gene.gene_name, 16), signed(gene.mean_log_cpm, ".1f")
        label = {"ha": "right", "va": "center_baseline", "fontsize": 6.5}
        panel.text(-0.8, row + 0.5, name, style="italic", **label)
        panel.text(beside, row + 0.5, mean, color=QUIET, **label)
    panel.text(beside, -0.35, "mean\nlog2\nCPM", color=QUIET, fontsize=5.5, ha="right", va="bottom")
    panel.text(beside + 4, -0.35, f"z-score of\n{samples} samples", fontsize=5.5, va="bottom")
    return colours


def draw_bars(panel: Axes, samples: pd.DataFrame, columns: Columns, turned: bool, every: int) -> None:
    """Draw, above the cells, the condition of each sample and the name of every n-th line; and the legend."""
    for left, role in zip(columns.left, samples.role, strict=True):
        bar = Rectangle((left, -0.85), columns.width, 0.65, color=ROLES[role], linewidth=0, clip_on=False)
        panel.add_patch(bar)
    for number, (line, block) in enumerate(columns.lines.items()):
        ends = np.array([columns.left[block[0]], columns.left[block[-1]] + columns.width])
        panel.plot(ends, [-1.15, -1.15], color="black", linewidth=0.8, clip_on=False)
        place = {"ha": "center", "va": "bottom", "rotation": 90 if turned else 0}
        if number % every == 0:
            panel.text(ends.mean(), -1.4, shortened(line, LINE_CHARACTERS), fontsize=7, **place)
    conditions = samples.groupby("role").condition.unique()
    marks = [
        Patch(color=colour, label=shortened(", ".join(conditions[role]), 24))
        for role, colour in ROLES.items()
        if role in conditions
    ]
    figure = panel.figure
    below_title = (0, 1 - 5 * MM / figure.get_figheight())
    layout = {"ncols": len(marks), "handlelength": 1, "columnspacing": 1, "borderaxespad": 0.3}
    figure.legend(handles=marks, loc="upper left", bbox_to_anchor=below_title, **layout)


def widest(samples: int) -> float:
    """Give the z-score where colours end: the largest that so many samples allow, at most WIDEST_Z."""
    return min(WIDEST_Z, (samples - 1) / samples**0.5) if samples > 1 else WIDEST_Z


def absent(genes: pd.DataFrame) -> str:
    """List the genes of a panel that its figure cannot show, by status."""
    return ". ".join(
        f"{words}: {', '.join(genes.gene_name[genes.status == status])}"
        for status, words in LISTED.items()
        if (genes.status == status).any()
    )


def describe(genes: pd.DataFrame, samples: pd.DataFrame, cells: pd.DataFrame) -> str:
    """Say what a panel's heatmap shows, and by how much its genes differ between the conditions."""
    sentence = (
        f"{genes.mean_log_cpm.notna().sum()} of {len(genes)} genes of the panel, in its order; colours are "
        f"z-scores of log2 counts per million within each gene over all {len(samples)} samples."
    )
    if changes := differences(cells):
        named = {role: samples.condition[samples.role == role].iloc[0] for role in ("reference", "target")}
        most = sorted(changes, key=lambda line: -abs(changes[line]))[:TOLD]
        listed = ", ".join(f"{line} {signed(changes[line], '+.2f')}" for line in changes if line in most)
        listed += f"; less in {len(changes) - TOLD} more" if len(changes) > TOLD else ""
        sentence += (
            f" Mean log2 difference over these genes, {named['target']} minus {named['reference']}: {listed}."
        )
    return f"{sentence} {without_dot}." if (without_dot := absent(genes)) else sentence


def write_panel(
    results: Path,
    panel: str,
    section: Path,
    table: pd.DataFrame,
    samples: pd.DataFrame,
    log_cpm: pd.DataFrame,
) -> None:
    """Write a panel's figure and section. `table` is panels.tsv: the statuses of all panels are counted."""
    genes = table[table.panel == panel]
    shown = genes[genes.mean_log_cpm.notna()]
    cells = drawn(shown, samples, log_cpm)
    title = title_of(panel)
    save_figure(draw(title, genes, samples, cells), cells, results / f"{panel}.heatmap")

    rows = max(1, INTERACTIVE_CELLS // len(samples))
    sentence = describe(genes, samples, cells)
    if len(shown) > rows:
        sentence += f" The first {rows} genes are drawn here, all in the figure."
    values = cells.z_score.to_numpy().reshape(len(shown), len(samples))[:rows]
    limit = widest(len(samples))
    write_section(
        section,
        title,
        sentence,
        "heatmap",
        [[None if np.isnan(value) else round(value, 3) for value in row] for row in values.tolist()],
        settings={
            "xcats": list(samples["sample"]),
            "ycats": list(shown.gene_name[:rows]),
            "xlab": "sample",
            "ylab": "gene",
            "zlab": "z-score",
            "min": -limit,
            "max": limit,
            "colstops": colour_stops(),
            "cluster_rows": False,
            "cluster_cols": False,
            "display_values": False,
        },
        statuses=table.status,
        links=["panels.tsv", *(f"{panel}.heatmap.{suffix}" for suffix in ("svg", "png", "tsv"))],
        dois=DOIS,
    )


def colour_stops(stops: int = 9) -> Sequence[Sequence[object]]:
    """Give the figure's colours to MultiQC."""
    colours = colormaps[DIVERGING](np.linspace(0, 1, stops))[:, :3] * 255
    hexes = ["#{:02x}{:02x}{:02x}".format(*colour.round().astype(int)) for colour in colours]
    return [[step / (stops - 1), colour] for step, colour in enumerate(hexes)]


@click.command(cls=Script)
@click.option(
    "--samples", "sheet", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate."
)
@click.option("--counts", type=INPUT, required=True, help="TSV: gene_id, gene_name of all genes measured.")
@click.option(
    "--log-cpm", type=INPUT, required=True, help="TSV: gene_id, gene_name, log2 CPM in a column a sample."
)
@click.option("--gene-panels", type=INPUT, required=True, help="TSV: panel, gene_name.")
@RESULTS
def main(sheet: Path, counts: Path, log_cpm: Path, gene_panels: Path, results: Path) -> None:
    """Draw a heatmap for each panel of genes."""
    samples = in_order(read_table(sheet, SAMPLES))
    measured = read_table(counts, dict.fromkeys(GENES, "str"))
    measured.gene_name = measured.gene_name.fillna(measured.gene_id)
    _, values = read_matrix(log_cpm, samples["sample"])

    table = find_genes(read_table(gene_panels, PANELS), measured, values)
    write_table(table, results / "panels.tsv")
    panels = list(table.panel.unique())
    for number, panel in enumerate(panels, 1):
        # The report has the sections of an analysis in the order of their names.
        section = results / f"expression_heatmap_{number:0{len(str(len(panels)))}}_{panel}_mqc.json"
        write_panel(results, panel, section, table, samples, values)
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas")


if __name__ == "__main__":
    main()
