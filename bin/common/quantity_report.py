"""Figure and report sections of relative_quantity: they show tables as given and compute nothing new."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from common.figures import QUIET, ROLES, new_figure, save_figure, shortened, styled
from common.multiqc import counted, rows_of, write_section

MOST = 12  # genes that are drawn
ACROSS = 3
SHOWN = 200  # rows of the table of standards
TOLD = 4  # genes of a line that are named in words
DASHES = ["-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2))]
SIZES = {"reference": 5.5, "target": 3, "other": 4}  # so that one shows behind the other
DRAWN = [
    *("gene", "plate", "kind", "quantity", "ct", "quantity_end", "ct_end", "line", "condition", "role"),
    *("well", "in_range", "status"),
]
DOIS = ["10.1186/1471-2105-6-62", "10.1093/nar/29.9.e45", "10.1373/clinchem.2008.112797"]
COLUMNS = ["status", "dilutions", "slope", "efficiency", "r_squared", "blank_ct", "reason"]


def drawn_of(wells: pd.DataFrame, standards: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """List what is drawn: curves, standard wells, samples at their mean cycle, blanks that amplified."""
    genes = list(dict.fromkeys(standards.gene))[:MOST]
    parts = []
    for row in standards[standards.slope.notna() & standards.gene.isin(genes)].itertuples():
        ends = np.array([row.lowest_quantity, row.highest_quantity])
        ct = row.intercept + row.slope * np.log10(ends)
        own = {"gene": row.gene, "plate": row.plate, "kind": "curve", "status": row.status}
        own |= {"quantity": ends[0], "ct": ct[0], "quantity_end": ends[1], "ct_end": ct[1]}
        parts.append(pd.DataFrame([own]))
    known = wells[wells.ct.notna() & wells.gene.isin(genes)]
    some = known[known.role == "standard"].assign(kind="standard")
    some["status"] = np.where(some.kept, "ok", "left_out")
    parts.append(some[["gene", "plate", "kind", "quantity", "ct", "well", "status"]])
    some = known[known.role == "blank"].assign(kind="blank")
    parts.append(some[["gene", "plate", "kind", "ct", "well"]])
    some = measured[measured.quantity.notna() & measured.gene.isin(genes)].assign(kind="sample")
    some = some.rename(columns={"ct_mean": "ct"})
    parts.append(
        some[["gene", "plate", "kind", "quantity", "ct", "line", "condition", "role", "in_range", "status"]]
    )
    filled = [part for part in parts if len(part)]
    return pd.concat(filled).reindex(columns=DRAWN) if filled else pd.DataFrame(columns=DRAWN)


def draw_gene(panel: Axes, own: pd.DataFrame, plates: list[str]) -> None:
    """Draw a gene's curves, a plate each, with its samples on them."""
    for row in own[own.kind == "curve"].itertuples():
        dash = DASHES[plates.index(row.plate) % len(DASHES)]
        panel.plot([row.quantity, row.quantity_end], [row.ct, row.ct_end], ls=dash, lw=0.9, color=QUIET)
    for kept, look in ((True, {"mfc": QUIET}), (False, {"mfc": "white"})):
        some = own[(own.kind == "standard") & ((own.status == "ok") == kept)]
        panel.plot(some.quantity, some.ct, "s", ms=3, mec=QUIET, mew=0.6, ls="", **look)
    for role, colour in ROLES.items():
        for inside, fill in (("yes", colour), ("no", "white")):
            some = own[(own.kind == "sample") & (own.role == role) & (own.in_range == inside)]
            look = {"ms": SIZES[role], "mfc": fill, "mec": colour, "mew": 0.7, "alpha": 0.8, "ls": ""}
            panel.plot(some.quantity, some.ct, "o", **look)
    blanks = own[own.kind == "blank"]
    for ct in blanks.ct:
        panel.plot([0, 0.06], [ct, ct], transform=panel.get_yaxis_transform(), color="black", lw=1)


@styled
def draw(drawn: pd.DataFrame, standards: pd.DataFrame) -> Figure:
    """Draw the standard curves: a panel a gene, a dash a plate, the samples where their cycles lie."""
    genes = list(dict.fromkeys(drawn.gene))
    plates = list(dict.fromkeys(standards["plate"]))
    across = min(ACROSS, len(genes))
    down = -(-len(genes) // across)
    figure, axes = new_figure(max(85, 58 * across), 18 + 50 * down, down, across)
    for panel, gene in zip(axes.flat, genes, strict=False):
        draw_gene(panel, drawn[drawn.gene == gene], plates)
        rows = standards[(standards.gene == gene) & standards.efficiency.notna()]
        panel.set_xscale("log")
        panel.margins(x=0.08, y=0.08)
        panel.set_title(shortened(gene, 22), fontstyle="italic", fontsize=8, pad=12 if len(rows) else 4)
        if len(rows):
            low, high = 100 * rows.efficiency.min(), 100 * rows.efficiency.max()
            percent = f"{low:.0f} %" if f"{low:.0f}" == f"{high:.0f}" else f"{low:.0f} to {high:.0f} %"
            # Rounded down: 1.000 is a perfect fit.
            least = np.floor(1000 * rows.r_squared.min()) / 1000
            words = f"efficiency {percent}, r² {least:.3f}" + (" or more" if len(rows) > 1 else "")
            panel.text(0, 1.02, words, transform=panel.transAxes, fontsize=6, color=QUIET, va="bottom")
        panel.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        panel.grid(axis="y")
    for panel in axes.flat[len(genes) :]:
        panel.set_axis_off()
    for panel in axes[:, 0]:
        panel.set_ylabel("threshold cycle (Ct)")
    for place, panel in enumerate(axes.flat[: len(genes)]):
        if place + across >= len(genes):
            panel.set_xlabel("quantity (units of the standards)")
    samples = drawn[drawn.kind == "sample"]
    entries = [Line2D([], [], ls="", marker="s", ms=3, color=QUIET, label="standard")]
    if (drawn.status == "left_out").any():
        look = {"ls": "", "marker": "s", "ms": 3, "mfc": "white", "mec": QUIET, "mew": 0.6}
        entries.append(Line2D([], [], label="left out", **look))
    for role, colour in ROLES.items():
        if conditions := list(dict.fromkeys(samples.condition[samples.role == role])):
            entries.append(
                Line2D([], [], ls="", marker="o", ms=SIZES[role], color=colour, label=", ".join(conditions))
            )
    if (samples.in_range == "no").any():
        look = {"ls": "", "marker": "o", "ms": 3.4, "mfc": "white", "mec": "black", "mew": 0.7}
        entries.append(Line2D([], [], label="extrapolated", **look))
    if (drawn.kind == "blank").any():
        entries.append(Line2D([], [], color="black", lw=1, label="blank that amplified"))
    if 1 < len(plates) <= len(DASHES):
        for plate, dash in zip(plates, DASHES, strict=False):
            entries.append(
                Line2D([], [], color=QUIET, lw=0.9, ls=dash, label=f"plate {shortened(plate, 16)}")
            )
    columns = min(len(entries), (2, 3, 5)[across - 1])
    figure.legend(
        handles=entries, loc="outside lower left", ncols=columns, handletextpad=0.3, columnspacing=1
    )
    return figure


def write_curves(
    folder: Path, wells: pd.DataFrame, standards: pd.DataFrame, measured: pd.DataFrame
) -> pd.DataFrame:
    """Write standard_curves.{svg,png,tsv} if there is a curve; return what it draws."""
    drawn = drawn_of(wells, standards, measured)
    if (drawn.kind == "curve").any():
        with_curve = drawn.gene[drawn.kind == "curve"]
        drawn = drawn[drawn.gene.isin(with_curve)]
        save_figure(draw(drawn, standards), drawn, folder / "standard_curves")
        return drawn
    return drawn.iloc[:0]


def times(fold: float) -> str:
    """Write a fold change with two digits or more."""
    return f"{fold:.1f}" if 1 <= fold < 10 else f"{fold:.0f}" if fold >= 10 else f"{fold:#.2g}"


def findings_of(means: pd.DataFrame) -> dict[str, str]:
    """Say of each line how much of each gene it has, relative to the calibrator."""
    found = {}
    for line, rows in means[means.role != "reference"].groupby("line", sort=False):
        told = [
            f"{row.gene} {times(row.mean)} times that of {row.calibrator} in {row.condition} (n = {row.n})"
            for row in rows[:TOLD].itertuples()
        ]
        found[line] = "; ".join(told) + (f" and {len(rows) - TOLD} more" if len(rows) > TOLD else "")
    return found


def sentence_of(quantities: pd.DataFrame) -> str:
    """Say what was quantified, relative to what."""
    genes, housekeeping = quantities.gene.unique(), ", ".join(quantities.housekeeping[:1])
    if not len(genes):
        return "No gene other than the housekeeping genes was measured in a sample."
    calibrators = list(dict.fromkeys(filter(None, quantities.calibrator)))
    to = calibrators[0] if len(calibrators) == 1 else "each line's reference condition"
    sentence = (
        f"{', '.join(genes[:6])}{f' and {len(genes) - 6} more' if len(genes) > 6 else ''} in "
        f"{len(quantities[['line', 'condition', 'replicate']].drop_duplicates()):,} samples, relative to "
        f"{housekeeping.replace(';', ', ')} and to {to}: "
    )
    known = quantities.quantity.dropna()
    sentence += f"{known.min():.2g} to {known.max():.2g}." if len(known) else "no quantity."
    if len(bad := quantities.status[quantities.status != "ok"]):
        sentence += f" {len(bad):,} of {len(quantities):,} are marked: {counted(bad).replace('_', ' ')}."
    return sentence


def write_sections(
    folder: Path,
    standards: pd.DataFrame,
    quantities: pd.DataFrame,
    means: pd.DataFrame,
    drawn: pd.DataFrame,
    confidence: float,
) -> None:
    """Write the sections of the report: quantities and their means by group, and the standard curves."""
    figure = [f"standard_curves.{suffix}" for suffix in ("svg", "png", "tsv")] if len(drawn) else []
    known = quantities[quantities.quantity.notna()]
    boxes = {
        f"{gene} {line} {condition}": [float(f"{value:.6g}") for value in rows.quantity]
        for (gene, line, condition), rows in known.groupby(["gene", "line", "condition"], sort=False)
    }
    write_section(
        folder / "relative_quantity_mqc.json",
        "Relative quantities",
        sentence_of(quantities),
        "boxplot",
        boxes,
        settings={"xlab": "quantity relative to the calibrator", "ylab": "gene, line, condition", "xmin": 0},
        statuses=quantities.status,
        links=["quantities.tsv", "measurements.tsv"],
        dois=DOIS,
        findings=findings_of(means),
    )
    fitted = standards[standards.efficiency.notna()]
    sentence = f"{len(fitted):,} of {len(standards):,} standard curves (a gene on a plate) give quantities."
    if len(fitted):
        low, high = 100 * fitted.efficiency.min(), 100 * fitted.efficiency.max()
        least = np.floor(1000 * fitted.r_squared.min()) / 1000
        sentence += (
            f" Efficiencies are {low:.0f} to {high:.0f} % (limits in the table: {100 * confidence:g} %), r "
            f"squared is {least:.3f} or more."
        )
    blanks = standards[standards.blank_ct.notna()]
    tested = int((standards.blank_wells > 0).sum())
    sentence += f" Blanks amplified in {len(blanks):,} of {tested:,} that have some" + (
        f", first at cycle {blanks.blank_ct.min():.1f}." if len(blanks) else "."
    )
    if left_out := int(standards.wells_left_out.sum()):
        sentence += f" Standard wells left out: {left_out:,}."
    genes = standards.gene.nunique()
    if len(figure) and genes > MOST:
        sentence += f" The figure shows the first {MOST} of {genes:,} genes."
    table = standards.head(SHOWN)
    if len(table) < len(standards):
        sentence += f" Shown here are the first {SHOWN}."
    names = [f"{row.gene} / {row.plate}" for row in table.itertuples()]
    write_section(
        folder / "relative_quantity_standards_mqc.json",
        "Standard curves",
        sentence,
        "table",
        rows_of(table.assign(name=names).set_index("name")[COLUMNS].replace("", None)),
        settings={"col1_header": "gene / plate"},
        table="standards.tsv",
        statuses=standards.status,
        links=["standards.tsv", *figure],
        dois=DOIS,
    )
