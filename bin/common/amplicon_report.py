"""Figure and report sections of align_amplicons: they show tables as given and compute nothing."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize, to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from common.figures import COLOURS, PALE, ROLES, files_of, new_figure, save_figure, shortened, styled
from common.multiqc import rows_of, write_section

MM = 1 / 25.4
PAGE = 180  # mm
BLOCK = 56  # amplicons beside each other; more go below
INTERACTIVE_CELLS = 8_000
LISTED = 6  # dropouts in a sentence
SAMPLE_CHARACTERS, AMPLICON_CHARACTERS = 24, 18
DEPTH_COLOURS = "viridis"
POOLS = (COLOURS[2], COLOURS[3], COLOURS[1], COLOURS[0], COLOURS[6], COLOURS[4], COLOURS[5])
LINKS = ["coverage.tsv", "alignment.tsv", *files_of("coverage_heatmap")]
DOIS = ["10.48550/arXiv.1303.3997", "10.1093/gigascience/giab008"]
PAIRS = {
    "on_target_pairs": ("on target", "#56B4E9"),
    "chimeric_pairs": ("primers of two amplicons", "#E69F00"),
    "off_target_pairs": ("off target", "#D55E00"),
    "unmapped_pairs": ("unmapped", PALE),
}


def natural(name: str) -> list[tuple[int, int | str]]:
    """Return what sorts names with numbers by these: chr2 before chr19."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def by_genome(coverage: pd.DataFrame) -> pd.DataFrame:
    """List the amplicons in the order of the genome: amplicon, pool, chrom, insert_start."""
    amplicons = coverage[["amplicon", "pool", "chrom", "insert_start"]].drop_duplicates("amplicon")
    keys = [(natural(row.chrom), row.insert_start, at) for at, row in enumerate(amplicons.itertuples())]
    return amplicons.iloc[[at for _, _, at in sorted(keys)]].reset_index(drop=True)


def cells_of(coverage: pd.DataFrame, sheet: pd.DataFrame) -> pd.DataFrame:
    """List what the heatmap draws, by sample, in the order of the genome; a depth below 1 is drawn as 1."""
    order = {name: place for place, name in enumerate(by_genome(coverage).amplicon)}
    rows = {name: place for place, name in enumerate(sheet["sample"])}
    cells = coverage.merge(sheet[["sample", "role"]], on="sample")
    keys = pd.DataFrame({"row": cells["sample"].map(rows), "column": cells.amplicon.map(order)})
    cells = cells.loc[keys.sort_values(["row", "column"]).index].reset_index(drop=True)
    measured = cells.median_depth.where(cells.status != "no_reads")
    cells["log10_median_depth"] = np.log10(measured.clip(lower=1))
    columns = ["sample", "line", "condition", "role", "amplicon", "pool", "chrom", "insert_start"]
    return cells[[*columns, "median_depth", "log10_median_depth", "status"]]


def text_mm(text: str, points: float) -> float:
    """Estimate how wide a text is, in mm."""
    return len(text) * points * 0.6 / 72 / MM


def highest(cells: pd.DataFrame) -> float:
    """Return where the scale of logarithms ends."""
    return float(max(1, np.ceil(np.nan_to_num(cells.log10_median_depth.max(), nan=1))))


def places(groups: Sequence[object], size: float, gap: float) -> np.ndarray:
    """Place cells of this size beside each other, with a gap where the group changes; mm."""
    changes = np.cumsum([0, *(before != behind for before, behind in pairwise(groups))])
    return np.arange(len(groups)) * size + changes * gap


@styled
def draw_heatmap(cells: pd.DataFrame, min_depth: int) -> Figure:
    """Draw samples x amplicons; `cells` is what `cells_of` lists."""
    samples = cells.drop_duplicates("sample")
    amplicons = cells.drop_duplicates("amplicon")
    blocks = np.array_split(np.arange(len(amplicons)), -(-len(amplicons) // BLOCK))
    tall = 4.2 if len(samples) <= 30 else 2.8
    names = [shortened(name, SAMPLE_CHARACTERS) for name in samples["sample"]]
    sample_points = 6.5 if tall > 3 else 5.5
    left = 4 + max(text_mm(name, sample_points) for name in names)
    gaps = max(amplicons.chrom.iloc[block].nunique() for block in blocks) - 1
    wide = min(6.0, (PAGE - left - 6 - 1.5 * gaps) / max(map(len, blocks)))
    x = [places(list(amplicons.chrom.iloc[block]), wide, 1.5) for block in blocks]
    y = places(list(samples.line), tall, 0.8)

    keys = legend(cells, min_depth)
    width = max(100.0, left + max(each[-1] for each in x) + wide + 6)
    beside = width > 140  # the keys lie beside the scale
    columns = columns_of([key.get_label() for key in keys], width - (50 if beside else 6))
    keys_top = 7.5 if beside else 12
    top = max(13, keys_top + 2.5 + 3.6 * -(-len(keys) // columns))
    pools = amplicons.pool.notna().any()
    above = 5.0 + 1.6 * pools
    points = min(6.5, 0.85 * wide * 72 * MM)
    labels = [shortened(name, AMPLICON_CHARACTERS) for name in amplicons.amplicon]
    below = 2 + max(text_mm(label, points) for label in labels)
    body = y[-1] + tall
    height = top + len(blocks) * (above + body + below) + 1

    figure, axes = new_figure(width, height, len(blocks))
    figure.set_layout_engine("none")
    colours = ScalarMappable(Normalize(0, highest(cells)), colormaps[DEPTH_COLOURS])
    shape = len(samples), len(amplicons)
    values = cells.log10_median_depth.to_numpy().reshape(shape)
    statuses = cells.status.to_numpy().reshape(shape)
    for number, (panel, block) in enumerate(zip(axes[:, 0], blocks, strict=True)):
        end, first = x[number][-1] + wide, top + number * (above + body + below) + above
        panel.set_position([left / width, 1 - (first + body) / height, end / width, body / height])
        panel.set(xlim=(0, end), ylim=(body, 0))  # mm
        panel.set_axis_off()
        draw_cells(panel, values[:, block], statuses[:, block], x[number], y, (wide, tall), colours)
        for place, name, role in zip(y, names, samples.role, strict=True):
            look = {"color": ROLES[role], "fontsize": sample_points}
            panel.text(-1, place + tall / 2, name, ha="right", va="center_baseline", **look)
        for place, at in zip(x[number], block, strict=True):
            look = {"rotation": 90, "ha": "center", "va": "top", "fontsize": points}
            panel.text(place + wide / 2, body + 0.8, labels[at], **look)
        draw_bars(panel, amplicons.iloc[block], x[number], wide, pools)
    draw_key(figure, keys, columns, keys_top, colours)
    return figure


def draw_cells(
    panel: Axes,
    values: np.ndarray,
    statuses: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    size: tuple[float, float],
    colours: ScalarMappable,
) -> None:
    """Draw the cells of a block, and mark what dropped out or is low."""
    wide, tall = size
    left, above = np.meshgrid(x, y)
    corners = [(left, above), (left + wide, above), (left + wide, above + tall), (left, above + tall)]
    squares = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=-2).reshape(-1, 4, 2)
    faces = np.where(np.isnan(values)[..., None], to_rgba(PALE), colours.to_rgba(np.nan_to_num(values)))
    look = {"facecolors": faces.reshape(-1, 4), "edgecolors": "white", "linewidths": 0.4}
    panel.add_collection(PolyCollection(squares, **look))
    marks = {
        status: (left[statuses == status] + wide / 2, above[statuses == status] + tall / 2)
        for status in ("dropout", "low")
    }
    for status, look in looks(min(size) * 72 * MM).items():
        panel.plot(*marks[status], ls="none", **look)


def looks(span: float) -> dict[str, dict[str, object]]:
    """Return how cells of this size (points) are marked."""
    size = float(np.clip(0.42 * span, 1.8, 4.5))
    return {
        "dropout": {"marker": "x", "ms": size, "mew": 1.0, "color": "white"},
        "low": {"marker": "o", "ms": 0.62 * size, "mew": 0.5, "mfc": "white", "color": "#333333"},
    }


def draw_bars(panel: Axes, amplicons: pd.DataFrame, x: np.ndarray, wide: float, pools: bool) -> None:
    """Draw, above the cells, the pool of each amplicon and the name of each contig."""
    colours = pool_colours(amplicons.pool)
    lift = -2.2 if pools else -0.8
    for place, pool in zip(x, amplicons.pool, strict=True):
        if pools and pd.notna(pool):
            face = {"facecolor": colours[pool], "linewidth": 0, "clip_on": False}
            panel.add_patch(Rectangle((place, -1.7), wide * 0.94, 1.1, **face))
    for chrom, own in pd.Series(x).groupby(amplicons.chrom.to_numpy(), sort=False):
        ends = own.min(), own.max() + wide
        panel.plot(ends, [lift, lift], color="black", linewidth=0.8, clip_on=False)
        room = max(3, int((ends[1] - ends[0]) / text_mm("m", 7)))
        panel.text(np.mean(ends), lift - 0.5, shortened(chrom, room), fontsize=7, ha="center", va="bottom")


def columns_of(labels: Sequence[str], room: float) -> int:
    """Say how many columns of keys fit into so many mm, filled from above, if rows are to be few, but two."""
    for rows in range(2, len(labels)):
        columns = [labels[at : at + rows] for at in range(0, len(labels), rows)]
        if sum(8 + max(text_mm(label, 7) for label in column) for column in columns) <= room:
            return len(columns)
    return 1


def pool_colours(pools: pd.Series) -> dict[str, str]:
    """Give each pool a colour, by the order of their names."""
    known = sorted(pools.dropna().unique(), key=natural)
    return {pool: POOLS[place % len(POOLS)] for place, pool in enumerate(known)}


def legend(cells: pd.DataFrame, min_depth: int) -> list[Line2D | Patch]:
    """List what the colours of names and pools and the marks mean, as far as they are drawn."""
    conditions = cells.drop_duplicates("condition")
    keys: list[Line2D | Patch] = [
        Line2D([], [], ls="none", marker="$A$", ms=4.5, mew=0.3, color=ROLES[row.role],
               label=shortened(row.condition, 24))
        for row in conditions.itertuples()
    ]  # fmt: skip
    keys += [
        Patch(color=colour, label=f"pool {shortened(pool, 16)}")
        for pool, colour in pool_colours(cells.pool).items()
    ]
    words = {"dropout": "dropout", "low": f"low: a base below {min_depth:,} fragments"}
    for status, look in looks(10).items():
        if (cells.status == status).any():
            shown = look | ({"color": "#333333"} if status == "dropout" else {})
            keys.append(Line2D([], [], ls="none", label=words[status], **shown))
    if (cells.status == "no_reads").any():
        keys.append(Patch(color=PALE, label="no reads"))
    return keys


def draw_key(figure: Figure, keys: list, columns: int, keys_top: float, colours: ScalarMappable) -> None:
    """Draw the title, the scale of depths and the legend."""
    width, height = figure.get_size_inches() / MM
    figure.text(2 / width, 1 - 2 / height, "Amplicon depth", va="top", fontsize=9, weight="bold")
    bar = figure.add_axes([(width - 42) / width, 1 - 7.5 / height, 36 / width, 2 / height])
    ticks = np.arange(0, colours.norm.vmax + 0.5)
    scale = figure.colorbar(colours, cax=bar, orientation="horizontal", ticks=ticks)
    scale.ax.set_xticklabels([f"{10**tick:,.0f}" for tick in ticks])
    bar.tick_params(labelsize=6, length=1.5, pad=1)
    bar.set_title("median depth (fragments)", fontsize=6.5, weight="normal", pad=2, loc="center")
    layout = {"ncols": columns, "handlelength": 1, "columnspacing": 1.2, "borderaxespad": 0}
    figure.legend(handles=keys, loc="upper left", bbox_to_anchor=(2 / width, 1 - keys_top / height), **layout)


# ---- sections


def spread(shares: pd.Series) -> str:
    """Write a range of shares in percent: `95.1 to 97.3 %`."""
    low, high = (f"{100 * value:.1f}" for value in (shares.min(), shares.max()))
    return f"{low} %" if low == high else f"{low} to {high} %"


def where(dropouts: pd.DataFrame, amplicons: int) -> list[str]:
    """Say which amplicons dropped out in which samples."""
    said = []
    for sample, rows in dropouts.groupby("sample", sort=False):
        every = len(rows) == amplicons and amplicons > 1
        said += [f"all in {sample}"] if every else [f"{name} in {sample}" for name in rows.amplicon]
    return said


def listed(words: Sequence[str]) -> str:
    """List the first few, and how many there are beyond."""
    more = f" and {len(words) - LISTED} more" if len(words) > LISTED else ""
    return ", ".join(words[:LISTED]) + more


def describe(coverage: pd.DataFrame, alignment: pd.DataFrame, min_depth: int) -> str:
    """Say how many amplicons are covered, which are not, and how evenly."""
    counts = coverage.status.value_counts()
    amplicons = coverage.amplicon.nunique()
    covered, lost, low = (counts.get(status, 0) for status in ("ok", "dropout", "low"))
    sentences = [
        f"{covered + low:,} of {len(coverage):,} pairs of a sample and an amplicon have depth "
        f"({len(alignment)} samples, {amplicons} amplicons), {low:,} of them fewer than {min_depth:,} "
        "fragments somewhere in the insert."
    ]
    dropouts = coverage[coverage.status == "dropout"]
    if lost:
        sentences.append(f"Dropouts: {listed(where(dropouts, amplicons))}.")
    read = alignment[alignment.read_pairs > 0]
    if lacking := len(alignment) - len(read):
        few = f"{lacking} of {len(alignment)} samples {'has' if lacking == 1 else 'have'}"
        sentences.append(f"{few if len(read) else f'All {lacking} samples have'} no reads.")
    if len(read):
        sentences.append(f"{spread(read.on_target_rate)} of a sample's read pairs are on target.")
    even = alignment.uniformity.dropna()
    if len(even):
        sentences.append(
            f"{spread(even)} of a sample's amplicons have a median depth within 0.2 to 5 times the "
            "sample's median."
        )
    return " ".join(sentences)


def findings_of(coverage: pd.DataFrame, alignment: pd.DataFrame, sheet: pd.DataFrame) -> dict[str, str]:
    """Say, of each line, which amplicons dropped out, and which samples cannot be trusted."""
    found: dict[str, list[str]] = {}
    lines = dict(zip(sheet["sample"], sheet.line, strict=True))
    for row in alignment[alignment.status != "ok"].itertuples():
        found.setdefault(lines[row.sample], []).append(f"{row.sample} {row.status} ({row.reason})")
    known = alignment["sample"][~alignment.status.isin(["no_reads", "nothing_on_target"])]
    dropouts = coverage[(coverage.status == "dropout") & coverage["sample"].isin(known)]
    for line, rows in dropouts.groupby("line", sort=False):
        found.setdefault(line, []).append(f"dropout: {listed(where(rows, coverage.amplicon.nunique()))}")
    return {line: "; ".join(found[line]) for line in dict.fromkeys(sheet.line) if line in found}


def write_coverage(
    coverage: pd.DataFrame, alignment: pd.DataFrame, sheet: pd.DataFrame, min_depth: int, results: Path
) -> None:
    """Write the heatmap, and the section of the depths."""
    cells = cells_of(coverage, sheet)
    save_figure(draw_heatmap(cells, min_depth), cells, results / "coverage_heatmap")
    names = list(cells.amplicon.unique())
    shown = names[: max(1, INTERACTIVE_CELLS // len(sheet))]
    sentence = describe(coverage, alignment, min_depth)
    if len(shown) < len(names):
        sentence += f" The first {len(shown)} amplicons are drawn here, all in the figure."
    values = cells.log10_median_depth.to_numpy().reshape(len(sheet), len(names))[:, : len(shown)]
    write_section(
        results / "align_amplicons_mqc.json",
        "Depth of the amplicons",
        sentence,
        "heatmap",
        [[None if np.isnan(value) else round(value, 3) for value in row] for row in values.tolist()],
        settings={
            "xcats": shown,
            "ycats": list(sheet["sample"]),
            "xcats_samples": False,
            "xlab": "amplicon",
            "ylab": "sample",
            "zlab": "log10 of the median depth (fragments)",
            "min": 0,
            "max": highest(cells),
            "cluster_rows": False,
            "cluster_cols": False,
            "display_values": False,
            "colstops": [
                [round(stop, 2), to_hex(colormaps[DEPTH_COLOURS](stop))] for stop in np.linspace(0, 1, 9)
            ],
        },
        statuses=coverage.status,
        links=LINKS,
        dois=DOIS,
        findings=findings_of(coverage, alignment, sheet),
    )


def write_pairs(alignment: pd.DataFrame, results: Path) -> None:
    """Write the section of what the read pairs are."""
    read = alignment[alignment.read_pairs > 0]
    if len(read):
        sentence = (
            f"Of {read.read_pairs.sum():,} read pairs of {len(read)} samples, "
            f"{spread(read.on_target_rate)} of a sample's begin with the two primers of an amplicon, "
            f"{spread(read.chimeric_rate)} with primers that are no pair, and {spread(read.unmapped_rate)} "
            "do not map to the windows around the amplicons."
        )
    else:
        sentence = "No sample has reads."
    write_section(
        results / "align_amplicons_pairs_mqc.json",
        "Read pairs of the amplicons",
        sentence,
        "bargraph",
        {
            row["sample"]: {name: int(row[column]) for column, (name, _) in PAIRS.items()}
            for row in read.to_dict("records")
        },
        settings={
            "ylab": "read pairs",
            "categories": {name: {"name": name, "color": colour} for name, colour in PAIRS.values()},
        },
        statuses=alignment.status,
        links=["alignment.tsv"],
        dois=DOIS,
        samples={"alignment.tsv": rows_of(alignment.set_index("sample")[["on_target_rate", "median_depth"]])},
    )
