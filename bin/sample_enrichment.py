#!/usr/bin/env python3
"""Score every gene set in every sample: single-sample gene set enrichment (ssGSEA).

Model      Within a sample the genes are ordered by expression, the highest at position 1 of N. A running sum
           grows at each of the n genes of the set by the gene's weight / all their weights, and falls at each
           other gene by 1 / (N - n). The score is the sum of all its N values.
Estimate   That sum is (mean position of the other genes) - (weighted mean position of the set's genes):
           the higher the set's genes are expressed, the higher the score. So three sums over its genes give a
           score, and no running sum is made. A set of genes drawn at random scores 0 on average with the
           weights of genepattern, and N / 18 with those of gsva and gseapy.
Dialects   differ in weight, in the order of tied genes, and in what is done to the scores at the end:
           genepattern  |z-score of the gene's rank in the sample| ** 0.75; ties in the order of rows; raw.
           gsva         (rank, ties averaged and rounded down) ** 0.25; ties in the order of rows; divided by
                        the range of all scores, as GSVA does by default.
           gseapy       (rank, ties averaged) ** 0.25; ties in the reverse order of rows; divided by the range
                        of all scores (its NES).
           A rank is 1 for the lowest gene. The range is that of one collection over all samples: scores of
           gsva and gseapy are relative to the other samples and sets of the collection, those of genepattern
           depend on one sample alone.
Assumes    That the genes given are the expressed ones: N and all positions depend on which genes they are.
           Scores compare samples within a set; they do not compare sets.
Reference  Barbie et al. 2009, Nature 462:108, doi:10.1038/nature08460 (ssGSEA)
           Haenzelmann et al. 2013, BMC Bioinformatics 14:7, doi:10.1186/1471-2105-14-7 (GSVA)
           Fang et al. 2023, Bioinformatics 39:btac757, doi:10.1093/bioinformatics/btac757 (gseapy)
           GenePattern's module ssGSEA 10, github.com/GSEA-MSigDB/ssGSEA-gpmodule, normalisation `rank`
"""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import pandas as pd
from common.cli import FOLDER, INPUT, RESULTS, Script
from common.figures import QUIET, ROLES, new_figure, save_figure, styled
from common.gene_sets import GeneSet, highlighted, members_of, read_collections, readable
from common.multiqc import write_section, write_versions
from common.tables import SAMPLES, read_matrix, read_table, write_table
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

WEIGHTS = {"genepattern": 0.75, "gsva": 0.25, "gseapy": 0.25}
BY_RANGE = {"gsva", "gseapy"}
SAYS = {
    "genepattern": "that of GenePattern, not normalised: a sample's scores depend on that sample alone",
    "gsva": "that of GSVA, divided by the range of a collection's scores: they depend on the other samples",
    "gseapy": "that of gseapy, divided by a collection's range of scores: they depend on the other samples",
}
DOIS = {
    "genepattern": ["10.1038/nature08460"],
    "gsva": ["10.1038/nature08460", "10.1186/1471-2105-14-7"],
    "gseapy": ["10.1038/nature08460", "10.1093/bioinformatics/btac757"],
}
UNITS = {"genepattern": "positions", "gsva": "share of the range", "gseapy": "share of the range"}

LEADING = ["collection", "gene_set", "identifier", "size", "status", "reason"]
DRAWN = ["collection", "gene_set", "line", "condition", "role", "sample", "replicate", "kind", "score"]
MOST_VARIABLE = 6  # panels if no highlighted set has scores
HEATMAP_SETS = 40
PAGE_MM = 240  # of height
LINE_MM = (3, 6)  # of height for each line in a panel, at least and at most
ROW_MM = 17  # of height for the title and axis of a row of panels, and 8 for the legend


def order_genes(values: np.ndarray, dialect: str, of_ranks: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return each gene's position, 1 for the highest, and its weight in a dialect.

    `values` (genes) is one sample. `of_ranks` False takes genepattern's z-scores of the values themselves
    (its sample normalisation `none`). Where no z-score exists, because all values are equal, weights are 0.
    """
    rows = np.argsort(values, kind="stable")
    ordered = values[rows]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    ranks, reverse = np.empty(len(values)), np.empty(len(values))
    ranks[rows] = np.repeat(starts + (lengths + 1) / 2, lengths)
    reverse[rows] = np.arange(len(values), 0, -1)  # tied genes in the reverse order of rows

    position = reverse if dialect == "gseapy" else 2 * (len(values) + 1 - ranks) - reverse
    if dialect == "genepattern":
        weighed = ranks if of_ranks else values
        spread = weighed.std(ddof=1) if len(starts) > 1 else np.inf
        weight = np.abs((weighed - weighed.mean()) / spread)
    else:
        weight = np.floor(ranks) if dialect == "gsva" else ranks
    return position, weight ** WEIGHTS[dialect]


def score_sets(
    values: np.ndarray, members: Sequence[np.ndarray], dialect: str, of_ranks: bool = True
) -> np.ndarray:
    """Score every set in every sample: sets x samples, before any normalisation.

    `values` is genes x samples, `members` the rows of each set's genes: at least one, and not all.
    A set whose genes all have weight 0 in a sample has no score there (NaN).
    """
    genes, samples = values.shape
    sizes = np.array([len(rows) for rows in members])
    rows = np.concatenate(members)
    starts = np.cumsum(sizes) - sizes
    scores = np.empty((samples, len(members)))
    for sample, column in enumerate(np.ascontiguousarray(values.T)):
        position, weight = order_genes(column, dialect, of_ranks)
        inside = np.add.reduceat(position[rows], starts)
        total = np.add.reduceat(weight[rows], starts)
        weighted = np.add.reduceat((weight * position)[rows], starts)
        others = (genes * (genes + 1) / 2 - inside) / (genes - sizes)
        scores[sample] = others - np.divide(weighted, total, out=np.full(len(sizes), np.nan), where=total > 0)
    return scores.T


def divide_by_range(scores: np.ndarray) -> np.ndarray:
    """Divide all scores by their range; if they are all equal, none is left (NaN)."""
    known = scores[~np.isnan(scores)]
    spread = np.ptp(known) if len(known) else 0
    return scores / spread if spread > 0 else np.full_like(scores, np.nan)


def one_row_a_name(genes: pd.DataFrame, values: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep, of several rows with one gene name, the one with the largest mean; the order of rows stays."""
    by_mean = np.argsort(-values.mean(axis=1).to_numpy(), kind="stable")
    kept = np.sort(by_mean[~genes.gene_name.iloc[by_mean].duplicated().to_numpy()])
    return genes.iloc[kept], values.iloc[kept]


def judge(each: GeneSet, size: int, genes: int, gene_set_min: int, gene_set_max: int) -> tuple[str, str]:
    """Say whether a set can be scored: status and reason, `size` of its genes being among the study's."""
    if size == 0:
        return "no_overlap", f"none of its {len(each.genes):,} genes is among the study's {genes:,}"
    if size < gene_set_min:
        return "too_small", f"{size:,} genes in the study, {gene_set_min:,} needed"
    if size > gene_set_max:
        return "too_large", f"{size:,} genes in the study, {gene_set_max:,} allowed"
    if size == genes:
        return "too_large", f"all {genes:,} genes of the study are in the set"
    return "ok", ""


def score_collection(
    sets: Sequence[GeneSet],
    genes: pd.DataFrame,
    values: pd.DataFrame,
    dialect: str,
    gene_set_min: int,
    gene_set_max: int,
) -> pd.DataFrame:
    """Score a collection: a row a set, in its order, with size, status, reason and a column a sample.

    `genes` (gene_id, gene_name) and `values` (a column a sample) have a row a gene, names being unique.
    A sample without values (an empty library) has no scores.
    """
    members = members_of(sets, genes)
    judged = [
        judge(each, len(rows), len(genes), gene_set_min, gene_set_max)
        for each, rows in zip(sets, members, strict=True)
    ]
    table = pd.DataFrame(judged, columns=["status", "reason"])
    table.insert(0, "gene_set", [each.name for each in sets])
    table.insert(1, "identifier", [each.identifier for each in sets])
    table.insert(2, "size", [len(rows) for rows in members])

    scores = pd.DataFrame(np.nan, index=table.index, columns=values.columns)
    known = values.columns[values.notna().all()]
    usable = np.flatnonzero(table.status == "ok")
    if len(usable):
        found = score_sets(values[known].to_numpy(), [members[row] for row in usable], dialect)
        without = np.isnan(found).sum(axis=1)
        for row, count in zip(usable[without > 0], without[without > 0], strict=True):
            table.loc[row, "reason"] = f"its genes all have weight 0 in {count} of {len(known)} samples"
        table.loc[usable[without == len(known)], "status"] = "no_weight"
        if dialect in BY_RANGE:
            found = divide_by_range(found)
            if np.isnan(found).all():
                table.loc[usable, "status"] = "not_normalised"
                table.loc[usable, "reason"] = "all scores of the collection are equal: they have no range"
        scores.loc[usable, known] = found
    return pd.concat([table, scores], axis=1)


def score_collections(
    collections: dict[str, list[GeneSet]], genes: pd.DataFrame, values: pd.DataFrame, *options: object
) -> pd.DataFrame:
    """Score every collection (see score_collection): one table, with the column `collection` first."""
    tables = [
        score_collection(sets, genes, values, *options).assign(collection=name)
        for name, sets in collections.items()
    ]
    return pd.concat(tables, ignore_index=True)[[*LEADING, *values.columns]]


def most_variable(scored: pd.DataFrame, samples: Sequence[str]) -> pd.DataFrame:
    """Order the sets by the standard deviation of their scores over the samples, the largest first."""
    spread = scored[samples].std(axis=1, ddof=0).fillna(0)
    return scored.assign(spread=-spread).sort_values(["spread", *LEADING[:2]]).drop(columns="spread")


def choose(
    table: pd.DataFrame, wanted: Sequence[tuple[str, str]], samples: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Choose the sets to draw: the wanted (collection, set) that have scores, and those that vary most."""
    scored = table[table.status == "ok"].drop_duplicates(["collection", "gene_set"])
    keyed = scored.set_index(["collection", "gene_set"], drop=False)
    named = keyed.loc[[key for key in dict.fromkeys(wanted) if key in keyed.index]].reset_index(drop=True)
    further = keyed.drop(index=list(zip(named.collection, named.gene_set, strict=True)))
    return named, most_variable(further.reset_index(drop=True), samples)


def by_line(samples: pd.DataFrame) -> pd.DataFrame:
    """Order samples as the figures have them: lines as they first appear, reference before target."""
    rank = {"reference": 0, "target": 1, "other": 2}
    order = pd.DataFrame(
        {
            "line": pd.factorize(samples.line)[0],
            "role": samples.role.map(rank).to_numpy(),
            "condition": pd.factorize(samples.condition)[0],
        }
    )
    return samples.iloc[order.sort_values(["line", "role", "condition"], kind="stable").index]


def drawn(sets: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """List what the figure draws: each sample's score, and the mean of each line and condition."""
    samples = by_line(samples)
    points = sets.melt(["collection", "gene_set"], list(samples["sample"]), "sample", "score")
    points = points.merge(samples, on="sample").dropna(subset="score").assign(kind="sample")
    groups = ["collection", "gene_set", "line", "condition", "role"]
    means = points.groupby(groups, sort=False).score.mean().reset_index().assign(kind="mean")
    return pd.concat([points, means], ignore_index=True).reindex(columns=DRAWN)


@styled
def draw(table: pd.DataFrame, unit: str) -> Figure:
    """Draw scores: a panel a set, a row a line, conditions one above the other; a tick is their mean.

    `table` is what `drawn` lists.
    """
    keys = list(dict.fromkeys(zip(table.collection, table.gene_set, strict=True)))
    if not keys:
        figure, axes = new_figure(85, 25)
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, "no gene set has scores", ha="center", va="center", color=QUIET)
        return figure

    lines = list(dict.fromkeys(table.line))
    conditions = table[["condition", "role"]].drop_duplicates()
    columns = 2 if len(keys) in (2, 4) else min(3, len(keys))
    rows = -(-len(keys) // columns)
    width = {1: 85, 2: 130, 3: 180}[columns]
    line_mm = np.clip(((PAGE_MM - 8) / rows - ROW_MM) / len(lines), *LINE_MM)
    figure, axes = new_figure(width, 8 + rows * (ROW_MM + line_mm * len(lines)), rows, columns, sharey=True)
    for panel in axes.flat[len(keys) :]:
        panel.set_axis_off()
    for panel, (collection, name) in zip(axes.flat, keys, strict=False):
        shown = table[(table.collection == collection) & (table.gene_set == name)]
        for place, line in enumerate(lines):
            means = shown[(shown.line == line) & (shown.kind == "mean")]
            heights = place + (np.arange(len(means)) - (len(means) - 1) / 2) * 0.7 / max(len(means), 2)
            paired = (means.role != "other").to_numpy()
            panel.plot(means.score[paired], heights[paired], color=QUIET, lw=0.6, zorder=1)
            for mean, height in zip(means.itertuples(), heights, strict=True):
                points = shown[(shown.line == line) & (shown.condition == mean.condition)]
                scores = points.score[points.kind == "sample"]
                colour = ROLES[mean.role]
                panel.plot(
                    scores, np.full(len(scores), height), "o", ms=3.5, mfc=colour, mec="white", mew=0.4
                )
                panel.plot([mean.score], [height], "|", ms=7, mec=colour, mew=1.4)
        panel.set_title(readable(name, 28, 3), fontsize=7)
        panel.set_ylim(len(lines) - 0.4, -0.6)
        panel.set_yticks(range(len(lines)), lines, color="#333333")
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="x")
        panel.locator_params(axis="x", nbins=4)
    for panel in axes.flat[max(0, len(keys) - columns) : len(keys)]:
        panel.set_xlabel(f"ssGSEA score ({unit})")
    marks = [
        Line2D([], [], marker="o", ls="", ms=3.5, color=ROLES[row.role], label=row.condition)
        for row in conditions.itertuples()
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), handletextpad=0.1)
    return figure


def panels_on_page(lines: int) -> int:
    """Tell how many panels of this many lines fit a page: at least one row of three."""
    return 3 * max(1, int((PAGE_MM - 8) // (ROW_MM + LINE_MM[0] * lines)))


def section_of(
    named: pd.DataFrame, further: pd.DataFrame, samples: pd.DataFrame, unit: str
) -> tuple[list[list[float | None]], dict[str, object]]:
    """Make the heatmap of the report: the data and settings of MultiQC."""
    order = list(by_line(samples)["sample"])
    shown = pd.concat([named, further]).head(HEATMAP_SETS).reset_index(drop=True)
    if shown.empty:
        return [], {}
    names = shown.gene_set.map(lambda name: readable(name, 48))
    names = names.where(~names.duplicated(keep=False), shown.gene_set + ", " + shown.collection)
    centred = shown[order].sub(shown[order].mean(axis=1), axis=0).to_numpy()
    extent = max(float(f"{np.nanmax(np.abs(centred)):.3g}"), 1e-9)
    data = [[None if np.isnan(cell) else float(f"{cell:.4g}") for cell in row] for row in centred]
    settings = {
        "xcats": order,
        "ycats": list(names),
        "xlab": "sample",
        "ylab": "gene set",
        "zlab": f"difference from the set's mean ({unit})",
        "min": -extent,
        "max": extent,
        "colstops": [[0, "#2166AC"], [0.5, "#F7F7F7"], [1, "#B2182B"]],
        "cluster_rows": False,
        "cluster_cols": False,
        "tt_decimals": 0 if extent >= 100 else 3,
    }
    return data, settings


def sentence_of(
    table: pd.DataFrame, dialect: str, genes: int, samples: Sequence[str], shown: tuple[int, int], wanted: str
) -> str:
    """Say what was scored, in which dialect, and what is shown: `shown` highlighted sets, and others."""
    scored = table[table.status == "ok"]
    text = (
        f"ssGSEA scores of {len(scored):,} of {len(table):,} gene sets in {len(samples):,} samples, over "
        f"{genes:,} expressed genes. The dialect is {SAYS[dialect]}."
    )
    if sum(shown):
        text += (
            f" Shown are {shown[0]} highlighted sets and the {shown[1]} others that vary most between "
            "samples, as differences from each set's mean."
        )
    names = filter(None, map(str.strip, wanted.split(",")))
    if absent := [name for name in names if name not in {*scored.gene_set, *scored.identifier}]:
        text += f" Highlighted and without scores: {', '.join(absent)}."
    if len(scored) and (empty := [name for name in samples if scored[name].isna().all()]):
        text += f" Without expression values, and so without scores: {', '.join(empty)}."
    return text


@click.command(cls=Script)
@click.option("--samples", type=INPUT, required=True, help="TSV: sample, line, condition, role, replicate.")
@click.option("--log-cpm", type=INPUT, required=True, help="TSV of log2 CPM: gene_id, gene_name, samples.")
@click.option("--gene-sets", type=FOLDER, required=True, help="Folder of GMT files, one a collection.")
@click.option(
    "--ssgsea-dialect",
    type=click.Choice(list(WEIGHTS)),
    default="genepattern",
    show_default=True,
    help="Whose ssGSEA to compute.",
)
@click.option(
    "--gene-set-min",
    type=click.IntRange(1),
    default=15,
    show_default=True,
    help="Smallest set to score, in genes of the study.",
)
@click.option(
    "--gene-set-max",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Largest set to score, in genes of the study.",
)
@click.option(
    "--highlight-sets",
    default="R-HSA-9755511,WP2884,WP4313,HALLMARK_XENOBIOTIC_METABOLISM,"
    "HALLMARK_REACTIVE_OXYGEN_SPECIES_PATHWAY",
    show_default=True,
    help="Names or identifiers of the sets to draw, between commas.",
)
@RESULTS
def main(
    samples: Path,
    log_cpm: Path,
    gene_sets: Path,
    ssgsea_dialect: str,
    gene_set_min: int,
    gene_set_max: int,
    highlight_sets: str,
    results: Path,
) -> None:
    """Score every gene set in every sample (ssGSEA)."""
    study = read_table(samples, SAMPLES)
    names = list(study["sample"])
    genes, values = one_row_a_name(*read_matrix(log_cpm, names))
    collections = read_collections(gene_sets)
    table = score_collections(collections, genes, values, ssgsea_dialect, gene_set_min, gene_set_max)
    write_table(table, results / "scores.tsv")

    named, further = choose(table, highlighted(highlight_sets, collections), names)
    page = panels_on_page(study.line.nunique())
    to_draw = named if len(named) else further.head(MOST_VARIABLE)
    shown = drawn(to_draw.head(page), study)
    save_figure(draw(shown, UNITS[ssgsea_dialect]), shown, results / "highlighted")

    data, settings = section_of(named, further, study, UNITS[ssgsea_dialect])
    counts = (min(len(named), len(data)), max(0, len(data) - len(named)))
    sentence = sentence_of(table, ssgsea_dialect, len(genes), names, counts, highlight_sets)
    if len(to_draw) > page:
        sentence += f" highlighted.svg has room for the first {page} of {len(to_draw)} sets."
    write_section(
        results / "sample_enrichment_mqc.json",
        "Scores of gene sets",
        sentence,
        "heatmap",
        data,
        settings=settings,
        statuses=table.status,
        links=["scores.tsv", "highlighted.svg", "highlighted.tsv"],
        dois=DOIS[ssgsea_dialect],
    )
    write_versions(results / "versions.tsv", "matplotlib", "numpy", "pandas")


if __name__ == "__main__":
    main()
