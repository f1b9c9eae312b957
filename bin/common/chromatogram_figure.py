"""Draw chromatograms around variants as sanger_confirmation has read them, and its sections of the report."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from common.figures import QUIET, ROLES, embedded, save_figure, shortened, styled
from common.multiqc import rows_of, write_section
from common.sanger_variants import Reference, Variant, index_of
from common.trace_files import CHANNELS, COMPLEMENT, Trace

# As every sequencer's software has them.
COLOURS = {"A": "#2CA02C", "C": "#1F5FD0", "G": "#111111", "T": "#D62728"}
BAND = "#FFF2B3"
FLANK = 10  # bases on either side of a variant
LONGEST = 20  # of its bases that are drawn
ONE_MM, TWO_MM = 100.0, 180.0  # width with one and with two directions
LEFT_MM, RIGHT_MM, GAP_MM = 15.0, 3.0, 5.0
SAYS_MM = 19.0  # of a panel's title, for the call
TITLE_MM, HEAD_MM, PANEL_MM, NOTE_MM, ABOVE_MM, LETTERS_MM, AXIS_MM = 4.0, 6.5, 20.0, 5.0, 1.5, 7.0, 9.0
DIRECTIONS = ("forward", "reverse")
EMBEDDED = 290_000  # characters of figures that the report itself shows
SHOWN_ROWS = 200  # of the report's table
SHOWN = ["line", "gene", "hgvs_p", "condition", "direction", "call", "peak_ratio", "noise_ratio", "status"]
TEXTS = {
    "not_covered": "not covered",
    "too_noisy": "too noisy",
    "no_alignment": "not aligned",
    "ambiguous": "ambiguous",
}
DOIS = [
    "10.1093/bioinformatics/btp163",
    "10.1101/gr.8.3.175",
    "10.1089/crispr.2018.0014",
    "10.1093/nar/gku936",
]


class Panel(NamedTuple):
    """What is drawn of a trace; offsets count bases of the gene's strand from the variant's first."""

    trace: str
    file: str
    condition: str
    role: str
    direction: str  # empty if the trace was not aligned
    says: str
    seen: bool  # the variant is there
    note: str  # why nothing is drawn
    curve: pd.DataFrame  # offset, A, C, G, T
    letters: pd.DataFrame  # element (call, reference, alternative), offset, base
    band: tuple[float, float]


def says_of(call: str, status: str, share: float) -> str:
    """Say what was called: `het, 47 %`."""
    if status != "ok":
        return TEXTS[status]
    return f"{call}, {share:.0%}".replace("%", " %")


def letters_around(
    reference: str, at: int, change: tuple[str, str], low: int, high: int, backwards: bool
) -> list[tuple[str, int, str]]:
    """List the letters of both alleles from one offset to another; read backwards, they meet at the right."""
    ref, alt = change
    changed = reference[:at] + alt + reference[at + len(ref) :]
    shift = len(alt) - len(ref) if backwards else 0
    rows = []
    for name, text, start in (("reference", reference, at), ("alternative", changed, at + shift)):
        rows += [
            (name, offset, text[start + offset])
            for offset in range(low, high + 1)
            if 0 <= start + offset < len(text)
        ]
    return rows


def turned(panel: pd.DataFrame, size: int) -> pd.DataFrame:
    """Turn offsets from a variant of this many bases, and the bases, to the other strand."""
    panel = panel.assign(offset=size - 1 - panel.offset)
    if "base" in panel:
        return panel.assign(base=panel.base.str.translate(COMPLEMENT))
    return panel.rename(columns=dict(zip(CHANNELS, CHANNELS[::-1], strict=True)))


def panel_of(
    row: Mapping[str, object],
    trace: Trace | None,
    reference: Reference | None,
    variant: Variant,
    seen: tuple[int, int],
    flip: bool,
) -> Panel:
    """Make the panel of a trace, given as the plus strand reads it, and what it is aligned to.

    `row` is its row of calls.tsv; `seen` a base of the trace and its offset from the variant. `flip`: the
    gene is on the minus strand, and is drawn as it reads.
    """
    start, *change = variant.change()
    direction, (base, offset) = str(row.get("direction", "")), seen
    named = [str(row[name]) for name in ("trace", "file", "condition", "role")]
    says = says_of(str(row["call"]), str(row["status"]), row.get("peak_ratio", np.nan))
    there = row["call"] in ("het", "hom")
    at = None if reference is None else index_of(start, len(change[0]), reference)
    if trace is None or base < 0 or at is None:
        empty = (
            pd.DataFrame(columns=["offset", *CHANNELS], dtype=float),
            pd.DataFrame(columns=["offset", "base"]),
        )
        return Panel(*named, direction, says, there, str(row["reason"]), *empty, (0.0, 0.0))
    low, high = -FLANK, min(max(*map(len, change), 1), LONGEST) - 1 + FLANK
    offsets = np.arange(len(trace.bases)) - base + offset
    spacing = float(np.median(np.diff(trace.peaks)))
    # Beyond its first and last base, a trace goes on at its pace.
    peaks = np.concatenate([[trace.peaks[0] - spacing], trace.peaks, [trace.peaks[-1] + spacing]])
    places = np.concatenate([[offsets[0] - 1], offsets, [offsets[-1] + 1]])
    points = np.arange(trace.channels.shape[1])
    along = np.interp(points, peaks, places)
    drawn = (along >= low - 0.5) & (along <= high + 0.5) & (points >= peaks[0]) & (points <= peaks[-1])
    curve = pd.DataFrame(trace.channels[:, drawn].T, columns=list(CHANNELS))
    curve.insert(0, "offset", np.round(along[drawn], 4))
    letters = [
        ("call", int(place), letter)
        for place, letter in zip(offsets, trace.bases, strict=True)
        if low <= place <= high
    ]
    backwards = (direction == "reverse") != flip
    letters += letters_around(reference.bases, at, change, low, high, backwards)
    table = pd.DataFrame(letters, columns=["element", "offset", "base"])
    ref, alt = map(len, change)
    band = (-0.5, ref - 0.5) if ref else (-alt - 0.5, -0.5) if backwards else (-0.5, alt - 0.5)
    if flip:
        curve, table = turned(curve, ref), turned(table, ref)
        band = (ref - 1 - band[1], ref - 1 - band[0])
    return Panel(*named, direction, says, there, "", curve, table, band)


def arrange(panels: Sequence[Panel]) -> tuple[list[str], list[list[Panel | None]]]:
    """Lay panels out: a column a direction, a row for each trace of a condition, the parental above.

    Traces of which nothing is drawn come last in their condition, in the first column if theirs is not there.
    """
    order = {role: number for number, role in enumerate(ROLES)}
    drawn = {panel.direction for panel in panels if not panel.note}
    directions = [name for name in DIRECTIONS if name in drawn] or [DIRECTIONS[0]]
    conditions = sorted({(order[panel.role], panel.condition): None for panel in panels})
    grid: list[list[Panel | None]] = []
    for _, condition in conditions:
        own = sorted(
            (panel for panel in panels if panel.condition == condition), key=lambda panel: bool(panel.note)
        )
        columns: list[list[Panel]] = [[] for _ in directions]
        for panel in own:
            columns[directions.index(panel.direction) if panel.direction in directions else 0].append(panel)
        for number in range(max(map(len, columns))):
            grid.append([column[number] if number < len(column) else None for column in columns])
    return directions, grid


def draw_panel(axes: Axes, panel: Panel, width_mm: float) -> None:
    """Draw the four channels of a trace, and the base calls below them."""
    condition = shortened(panel.condition, 30)
    title = axes.set_title(condition, color=ROLES[panel.role], fontsize=8, pad=2)
    room = int((width_mm - SAYS_MM - 2.0 * len(condition)) / 1.15)  # letters
    if room > 5:
        file = {"text": shortened(panel.file, room), "xy": (1, 0), "xytext": (4, 0), "xycoords": title}
        axes.annotate(**file, textcoords="offset points", fontsize=5.5, color=QUIET, va="bottom")
    weight = "bold" if panel.seen else "normal"
    colour = "#111111" if panel.seen else QUIET
    axes.set_title(panel.says, loc="right", fontsize=8, pad=2, fontweight=weight, color=colour)
    axes.set(yticks=[])
    axes.tick_params(bottom=False, labelbottom=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    if panel.note:
        axes.text(
            0.5,
            0.5,
            shortened(panel.note, 90),
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=6,
            color=QUIET,
            wrap=True,
        )
        return
    top = max(float(panel.curve[list(CHANNELS)].to_numpy().max()), 1.0)
    axes.axvspan(*panel.band, color=BAND, linewidth=0, zorder=0)
    for base, colour in COLOURS.items():
        axes.plot(panel.curve.offset, panel.curve[base], color=colour, linewidth=0.9)
    axes.axhline(0, color="#BBBBBB", linewidth=0.4, zorder=0)
    calls = panel.letters[panel.letters.element == "call"]
    for offset, base in zip(calls.offset, calls.base, strict=True):
        axes.text(
            offset,
            -0.13 * top,
            base,
            color=COLOURS.get(base, QUIET),
            fontsize=7,
            ha="center",
            va="center",
            family="DejaVu Sans Mono",
        )
    axes.set_ylim(-0.22 * top, 1.05 * top)


def draw_letters(axes: Axes, panel: Panel, labelled: bool) -> None:
    """Draw both alleles as letters; where they are alike, the second is pale."""
    lines = {
        name: dict(zip(rows.offset, rows.base, strict=True))
        for name, rows in panel.letters.groupby("element")
        if name != "call"
    }
    axes.axvspan(*panel.band, color=BAND, linewidth=0, zorder=0)
    for height, (name, letters) in zip((1, 0), sorted(lines.items(), reverse=True), strict=True):
        for offset, base in letters.items():
            differs = lines["reference"].get(offset) != lines["alternative"].get(offset)
            pale = name == "alternative" and not differs
            axes.text(
                offset,
                height,
                base,
                color="#C8C8C8" if pale else COLOURS.get(base, QUIET),
                fontsize=7,
                ha="center",
                va="center",
                family="DejaVu Sans Mono",
                fontweight="bold" if differs else "normal",
            )
    axes.set(ylim=(-0.6, 1.6), yticks=[0, 1])
    axes.xaxis.set_major_locator(MultipleLocator(5))
    axes.set_yticklabels(["variant", "reference"] if labelled else [], fontsize=6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


@styled
def draw(panels: Sequence[Panel], line: str, gene: str, variant: Variant) -> Figure:
    """Draw a variant in the traces of a line."""
    directions, grid = arrange(panels)
    wide = ONE_MM if len(directions) == 1 else TWO_MM
    heights = [PANEL_MM if any(panel and not panel.note for panel in row) else NOTE_MM for row in grid]
    tall = TITLE_MM + HEAD_MM * len(grid) + sum(heights) + ABOVE_MM + LETTERS_MM + AXIS_MM
    figure = Figure(figsize=(wide / 25.4, tall / 25.4))
    column_mm = (wide - LEFT_MM - RIGHT_MM - GAP_MM * (len(directions) - 1)) / len(directions)
    drawn = [panel for panel in panels if not panel.note]
    offsets = (
        np.concatenate([panel.letters.offset for panel in drawn]) if drawn else np.array([-FLANK, FLANK])
    )
    limits = offsets.min() - 0.6, offsets.max() + 0.6
    for number, direction in enumerate(directions):
        left = (LEFT_MM + number * (column_mm + GAP_MM)) / wide
        top = TITLE_MM
        for row, height in zip(grid, heights, strict=True):
            top += HEAD_MM
            if panel := row[number]:
                box = (left, 1 - (top + height) / tall, column_mm / wide, height / tall)
                draw_panel(figure.add_axes(box, xlim=limits), panel, column_mm)
            top += height
        top += ABOVE_MM
        own = [panel for panel in drawn if panel.direction == direction]
        box = (left, 1 - (top + LETTERS_MM) / tall, column_mm / wide, LETTERS_MM / tall)
        axes = figure.add_axes(box, xlim=limits)
        draw_letters(axes, own[0], labelled=number == 0)
        axes.set_xlabel(
            f"bases from the variant, {direction} read" + ("s" if len(own) > 1 else ""), fontsize=7
        )
    protein = f", {variant.hgvs_p}," if variant.hgvs_p else ""
    name = variant.hgvs_c or f"{variant.chrom}:{variant.pos}{variant.ref}>{variant.alt}"
    figure.text(
        2 / wide, 1 - 1.5 / tall, f"{gene} {name}{protein} in {line}", fontsize=9, fontweight="bold", va="top"
    )
    return figure


def table_of(panels: Iterable[Panel]) -> pd.DataFrame:
    """Put all that a figure draws into one table: the points of the curves, and the letters."""
    parts = []
    for panel in panels:
        text = pd.DataFrame({"element": ["text"], "says": [panel.note or panel.says]})
        for part in (panel.curve.assign(element="curve"), panel.letters, text):
            if len(part):
                named = {"trace": panel.trace, "file": panel.file, "condition": panel.condition}
                parts.append(part.assign(**named, direction=panel.direction))
    columns = ["trace", "file", "condition", "direction", "element", "offset", *CHANNELS, "base", "says"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def stem_of(line: str, gene: str, variant: Variant, taken: Iterable[str]) -> str:
    """Name the files of a figure, unlike those taken, whatever the case of letters."""
    name = variant.hgvs_c or f"{variant.chrom}_{variant.pos}_{variant.ref[:20]}_{variant.alt[:20]}"
    safe = re.sub(r"[^A-Za-z0-9_.+-]+", "_", f"{line}.{gene}.{name}")[:150]
    known, number, stem = {each.lower() for each in taken}, 1, f"{safe}.peaks"
    while stem.lower() in known:
        number += 1
        stem = f"{safe}_{number}.peaks"
    return stem


def save_figures(
    figures: Mapping[tuple[str, str, Variant], Sequence[Panel]], results: Path, most: int
) -> dict[str, tuple]:
    """Draw and save the first figures for which a trace shows anything; those with the variant come first."""
    there = {key: panels for key, panels in figures.items() if any(not panel.note for panel in panels)}
    made: dict[str, tuple] = {}
    ordered = sorted(there.items(), key=lambda item: not any(panel.seen for panel in item[1]))
    for (line, gene, variant), panels in ordered[:most]:
        figure = draw(panels, line, gene, variant)
        stem = stem_of(line, gene, variant, made)
        save_figure(figure, table_of(panels), results / stem)
        made[stem] = (figure, f"{gene} {variant.hgvs_c} in {line}", any(panel.seen for panel in panels))
    return made


def sentence_of(table: pd.DataFrame) -> str:
    """Say how many traces could be read, and what they show of each variant."""
    read = table[table.status == "ok"]
    said = f"{read.trace.nunique()} of {table.trace.nunique()} Sanger traces could be read at a variant. "
    shown = []
    for (line, gene, name), rows in read.groupby(["line", "gene", "variant"], sort=False):
        if not rows.call.isin(["het", "hom"]).any():
            continue
        found = [
            f"{condition}: {', '.join(f'{len(own)} {call}' for call, own in part.groupby('call'))}"
            for condition, part in rows.groupby("condition", sort=False)
        ]
        shown.append(f"{gene} {name} of {line} ({'; '.join(found)})")
    absent = read.groupby(["line", "gene", "variant"], sort=False).call.agg(
        lambda calls: calls.eq("absent").all()
    )
    if shown:
        more = f", and {len(shown) - 8} more" if len(shown) > 8 else ""
        said += f"They show {', '.join(shown[:8])}{more}. "
    if absent.any():
        said += f"{absent.sum()} variants of a line are in none of its traces that could be read. "
    return said + "Shares are of peak heights, and no allele fractions."


def write_report(results: Path, table: pd.DataFrame, made: Mapping[str, tuple[Figure, str, bool]]) -> None:
    """Write the sections of the report: the calls, and the first figures that show a variant.

    `made` has of each stem the figure, what it shows in words, and whether a trace has the variant.
    """
    names = [
        hgvs_p if isinstance(hgvs_p, str) and hgvs_p else hgvs_c
        for hgvs_p, hgvs_c in zip(table.hgvs_p, table.hgvs_c, strict=True)
    ]
    table = table.assign(variant=pd.Series(names, index=table.index).fillna(table.expected).fillna(""))
    first = table.head(SHOWN_ROWS)
    shown = first.assign(hgvs_p=first.variant)[SHOWN].round(3)
    shown.index = [f"{number}: {file}" for number, file in zip(first.trace, first.file, strict=True)]
    if shown.index.has_duplicates:
        shown.index = [f"{name} ({number})" for number, name in enumerate(shown.index, start=1)]
    write_section(
        results / "sanger_confirmation_mqc.json",
        "Sanger confirmation",
        sentence_of(table),
        "table",
        rows_of(shown),
        table="calls.tsv",
        statuses=table.status,
        links=["calls.tsv"],
        dois=DOIS,
    )
    seen = [(figure, says) for figure, says, there in made.values() if there]
    pictures: list[str] = []
    for figure, says in seen:
        pictures.append(embedded(figure, says, 100))
        if sum(map(len, pictures)) > EMBEDDED:
            pictures = pictures[: max(len(pictures) - 1, 1)]
            break
    sentence = (
        f"Chromatograms around {len(made)} combinations of variant and line, as the gene reads. "
        "A green, C blue, G black, T red; the variant's place is yellow; base calls are below the curves. "
    )
    if pictures:
        sentence += f"Shown are {len(pictures)} of the {len(seen)} in which a trace has the variant."
    write_section(
        results / "sanger_confirmation_chromatograms_mqc.json",
        "Chromatograms",
        sentence,
        "html",
        "".join(pictures) or "<p>No trace has any of the variants.</p>",
        links=[f"{stem}.svg" for stem in made],
        dois=DOIS[:1],
    )
