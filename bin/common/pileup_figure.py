"""Draw pileups as a genome browser does: they show what pileup has counted and chosen, and count nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from common.annotation import Transcript, translate
from common.figures import PALE, QUIET, ROLES, embedded, styled
from common.multiqc import write_section

# As genome browsers have them, in colours that can be told apart with any colour vision.
BASE_COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "T": "#D55E00", "N": QUIET}
SHOWN_SHARE = 0.05  # a smaller share of another base is drawn as the reference
WIDTH_MM, LEFT_MM, TITLE_MM, HEAD_MM, GAP_MM, AXIS_MM = 180.0, 17.0, 6.0, 5.5, 2.0, 9.5
COVERAGE_MM, ROW_MM, MODEL_MM = 9.0, 1.35, 13.0
EMBEDDED = 6  # figures that the report itself shows


class Panel(NamedTuple):
    """What is drawn of a sample."""

    sample: str
    condition: str
    role: str
    counts: pd.DataFrame  # position, reference, A, C, G, T, deletion, splice, insertion, depth
    drawn: pd.DataFrame  # row, element, start, end, base; positions from 1, ends included
    says: str
    fragments: int
    placed: int


def draw_coverage(axes: Axes, panel: Panel) -> None:
    """Draw depth as grey bars, and other bases than the reference in their colours."""
    counts = panel.counts
    edges = np.append(counts.position, counts.position.iloc[-1] + 1) - 0.5
    axes.stairs(counts.depth, edges, fill=True, color=PALE)
    least, bottom = SHOWN_SHARE * counts.depth.clip(lower=1), np.zeros(len(counts))
    for base, colour in {**BASE_COLOURS, "deletion": "white"}.items():
        if base in counts:
            seen = np.flatnonzero((counts.reference != base) & (counts[base] >= least))
            height = counts[base].to_numpy()[seen]
            edge = {"edgecolor": "black", "linewidth": 0.4} if base == "deletion" else {"linewidth": 0}
            axes.bar(counts.position.iloc[seen], height, 1.0, bottom[seen], color=colour, **edge)
            bottom[seen] += height
    most = max(int(counts.depth.max()), 1)
    axes.set(ylim=(0, most * 1.05), yticks=[0, most])
    axes.tick_params(labelbottom=False, bottom=False)
    axes.set_title(f"{panel.sample}  {panel.condition}", color=ROLES[panel.role], fontsize=7.5, pad=2)
    axes.set_title(panel.says, color=QUIET, fontsize=6.5, loc="right", fontweight="normal", pad=2)


def draw_fragments(axes: Axes, panel: Panel, rows: int) -> None:
    """Draw each fragment in its row: bases grey, mismatches coloured, gaps and splices as lines."""
    drawn = panel.drawn
    bases = drawn[drawn.element == "bases"]
    boxes = [
        Rectangle((start - 0.5, row + 0.12), end - start + 1, 0.76)
        for row, start, end in zip(bases.row, bases.start, bases.end, strict=True)
    ]
    axes.add_collection(PatchCollection(boxes, facecolor=PALE, linewidth=0))
    for element, colour, width in (("splice", "#56B4E9", 0.5), ("deletion", "black", 1.0)):
        some = drawn[drawn.element == element]
        lines = [
            [(start - 0.5, row + 0.5), (end + 0.5, row + 0.5)]
            for row, start, end in zip(some.row, some.start, some.end, strict=True)
        ]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=width))
    inserted = drawn[drawn.element == "insertion"]
    ticks = [
        [(end - 0.5, row + 0.05), (end - 0.5, row + 0.95)]
        for row, end in zip(inserted.row, inserted.end, strict=True)
    ]
    axes.add_collection(LineCollection(ticks, colors="#CC79A7", linewidths=1.4))
    for row, place, base in drawn.loc[drawn.element == "mismatch", ["row", "start", "base"]].itertuples(
        index=False
    ):
        axes.add_patch(
            Rectangle((place - 0.5, row + 0.12), 1, 0.76, facecolor=BASE_COLOURS[base], linewidth=0)
        )
        axes.text(place, row + 0.5, base, fontsize=3.2, color="white", ha="center", va="center_baseline")
    axes.set(ylim=(rows, -0.5), yticks=[])
    axes.tick_params(labelbottom=False, bottom=False)
    axes.spines[["left", "bottom"]].set_visible(False)


def draw_model(axes: Axes, codons: pd.DataFrame, bases: str, start: int, transcript: Transcript) -> None:
    """Draw the reference's bases, the amino acids, and exons as boxes on a line, with the direction."""
    for place, base in enumerate(bases, start=start + 1):
        axes.text(
            place, 0.45, base, fontsize=5, color=BASE_COLOURS.get(base, QUIET), ha="center", va="center"
        )
    end = start + len(bases)
    axes.plot([start + 0.5, end + 0.5], [2.3, 2.3], color=QUIET, linewidth=0.6, zorder=0)
    for number, exon in codons.groupby("exon"):
        low, high = exon.position.min(), exon.position.max()
        axes.add_patch(Rectangle((low - 0.5, 2.0), high - low + 1, 0.6, facecolor="#333333", linewidth=0))
        middle = (low + high) / 2
        axes.text(
            middle, 2.3, f"exon {number}", fontsize=5.5, color="white", ha="center", va="center_baseline"
        )
    coding = codons[codons.codon > 0]
    for codon, places in coding.groupby("codon"):
        low, high = places.position.min(), places.position.max()
        shade = "#EEEEEE" if codon % 2 else "#DADADA"
        axes.add_patch(Rectangle((low - 0.5, 0.95), high - low + 1, 0.85, facecolor=shade, linewidth=0))
        letter = translate(places.triplet.iloc[0])
        text = f"{letter}{codon}" if len(places) == 3 else letter
        axes.text((low + high) / 2, 1.38, text, fontsize=4.6, ha="center", va="center_baseline")
    arrow = "\u2192" if transcript.strand == "+" else "\u2190"
    axes.set(ylim=(2.75, 0), yticks=[0.45, 1.38, 2.3])
    axes.set_yticklabels(["bases", "protein", f"{transcript.gene_name} {arrow}"], fontsize=6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda place, _: f"{place:,.0f}")
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(6, integer=True))
    axes.set_xlabel(f"position on {transcript.contig}")


@styled
def draw(
    panels: Sequence[Panel],
    codons: pd.DataFrame,
    bases: str,
    window: NamedTuple,
    variant: NamedTuple,
    transcript: Transcript,
) -> Figure:
    """Draw a variant in the samples of a line: coverage and fragments of each, and the gene below."""
    rows = [max(2, int(panel.drawn.row.max()) + 1 if len(panel.drawn) else 0) for panel in panels]
    heights = [height for count in rows for height in (HEAD_MM, COVERAGE_MM, ROW_MM * count + 0.6)]
    tall = TITLE_MM + sum(heights) + GAP_MM + MODEL_MM + AXIS_MM
    figure = Figure(figsize=(WIDTH_MM / 25.4, tall / 25.4))
    # From the top: title, then head, coverage and fragments of each sample, then the gene and its axis.
    ends = TITLE_MM + np.cumsum(heights)
    spans = [*zip(ends - heights, ends, strict=True), (ends[-1] + GAP_MM, tall - AXIS_MM)]
    grid: list[Axes] = []
    for number, (top, bottom) in enumerate(spans):
        if number % 3 or number == len(spans) - 1:
            box = (LEFT_MM / WIDTH_MM, 1 - bottom / tall, 1 - (LEFT_MM + 3) / WIDTH_MM, (bottom - top) / tall)
            grid.append(figure.add_axes(box, sharex=grid[0] if grid else None))
    for number, (panel, count) in enumerate(zip(panels, rows, strict=True)):
        draw_coverage(grid[2 * number], panel)
        draw_fragments(grid[2 * number + 1], panel, count)
    draw_model(grid[-1], codons, bases, window.start, transcript)
    for axes in grid:
        axes.axvspan(
            window.first + 0.5, window.last + 0.5, color="#F0E442", alpha=0.35, linewidth=0, zorder=0
        )
    grid[0].set_xlim(window.start + 0.5, window.end + 0.5)
    protein = f" ({variant.hgvs_p})" if variant.hgvs_p else ""
    title = f"{variant.gene} {variant.hgvs_c}{protein} in {variant.line}"
    figure.text(0.01, 1 - 1.5 / tall, title, fontsize=9, fontweight="bold", va="top")
    return figure


def write_figures(path: Path, figures: pd.DataFrame, made: Mapping[str, tuple[Figure, NamedTuple]]) -> None:
    """Write the section of the report: the first figures that show a variant, and links to all."""
    seen = [(figure, variant) for figure, variant in made.values() if variant.seen]
    pictures = [
        embedded(figure, f"{variant.gene} {variant.hgvs_c} in {variant.line}")
        for figure, variant in seen[:EMBEDDED]
    ]
    shown = f"The {len(pictures)} shown here are" if len(pictures) > 1 else "The one shown here is"
    sentence = (
        f"Reads at {len(made)} combinations of variant and line, all samples of a line in one figure; none "
        "where all samples of a line are reference. "
        + (f"{shown} of {len(seen)} in which a sample of the line carries the variant. " if pictures else "")
        + "Grey: as in the reference; coloured: other bases; black lines: deletions; blue lines: splices. "
        "Fragments are a random choice, coverage is of all."
    )
    write_section(
        path,
        "Reads at the variants",
        sentence,
        "html",
        "".join(pictures) or "<p>No sample carries any of the variants.</p>",
        statuses=figures.status,
        links=["figures.tsv", *(f"{stem}.svg" for stem in made)],
        dois=["10.1038/nbt.1754"],
    )
