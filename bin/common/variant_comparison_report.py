"""Figure and report section of variant_comparison: they show tables as given and compute nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.figures import PALE, QUIET, ROLES, files_of, new_figure, save_figure, shortened, styled
from common.multiqc import counted, listed, rows_of, write_section
from common.variant_comparison_tables import SITE
from common.variant_comparison_words import percent

MANY = 40  # variants of lines from which the figure leaves out common polymorphisms
MOST = 70  # and no more than these are drawn
SHOWN = 200  # rows of the table in the report
TOLD = 4  # variants of a line that are named in words
CHANGED = ("gained", "lost", "expanded", "contracted")
COLUMNS = ["comparison", "vaf_change", "nrf2_effect", "sanger_calls", "zygosity_change", "status"]
POINTS = {
    "gained": ROLES["target"],
    "expanded": "#E69F00",
    "shared": QUIET,
    "contracted": "#56B4E9",
    "lost": ROLES["reference"],
}
COLOUR_NAMES = {
    **{ROLES["target"]: "red:", "#E69F00": "orange:", QUIET: "dark grey:", "#56B4E9": "light blue:"},
    **{ROLES["reference"]: "blue:", PALE: "light grey:"},
}
DRAWN = [
    *("line", "compared", "variant", "common_polymorphism", "comparison", "condition", "role", "state"),
    *("vaf", "vaf_low", "vaf_high", "detection_limit", "status"),
]
DOIS = [
    *("10.1080/01621459.1927.10502953", "10.1093/biomet/26.4.404"),
    "10.1111/j.2517-6161.1995.tb02031.x",
]
NOTHING = (None, "none", "effect not known")


def place_of(row: tuple) -> str:
    """Write the place and the alleles of a variant."""
    return f"{row.chrom}:{row.pos} {shortened(row.ref, 9)}>{shortened(row.alt, 9)}"


def name_of(row: tuple) -> str:
    """Name a variant: its gene and its change of the protein, else of the coding sequence; or its place."""
    change = row.hgvs_p_short if row.hgvs_p_short not in (None, "p.?", "p.=") else row.hgvs_c
    if not isinstance(row.gene, str):
        return place_of(row)
    return f"{row.gene} {change if isinstance(change, str) else place_of(row)}"


def clean(table: pd.DataFrame) -> pd.DataFrame:
    """Make missing values None, and name each row's variant: those that share a name by their places too."""
    table = table.astype(object).where(table.notna(), None)
    table = table.assign(variant=[name_of(row) for row in table.itertuples()])
    sites = table[["variant", *SITE]].drop_duplicates()
    shared = set(sites.variant[sites.variant.duplicated()])
    names = [
        f"{row.variant}, {place_of(row)}" if row.variant in shared else row.variant
        for row in table.itertuples()
    ]
    return table.assign(variant=names)


# ---- figure


def by_weight(table: pd.DataFrame) -> pd.DataFrame:
    """Put first what changed, then what may matter, then the rest; common polymorphisms last."""
    changed, silent = table.comparison.isin(CHANGED), table.nrf2_effect.isin(NOTHING)
    rank = np.where(table.common_polymorphism == "yes", 9, 2 * ~changed + silent)
    return table.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """Choose the variants of lines that the figure has room for, line by line."""
    keys = ["line", *SITE]
    if len(table.drop_duplicates(keys)) > MANY:
        table = table[table.common_polymorphism != "yes"]
    order = {line: place for place, line in enumerate(dict.fromkeys(table.line))}
    table = by_weight(table)
    places = pd.MultiIndex.from_frame(table[keys].drop_duplicates()[:MOST])
    table = table[pd.MultiIndex.from_frame(table[keys]).isin(places)]
    return table.sort_values("line", key=lambda lines: lines.map(order), kind="stable")


def drawn_of(table: pd.DataFrame, study: pd.DataFrame) -> pd.DataFrame:
    """List what is drawn: a row a comparison and each of its conditions."""
    roles = dict(zip(zip(study.line, study.condition, strict=True), study.role, strict=True))
    references = study[study.role == "reference"].drop_duplicates("line").set_index("line").condition
    rows = []
    for row in table.to_dict("records"):
        sides = {"reference": references.get(row["line"]), "target": row["condition"]}
        for side, condition in sides.items():
            if row[f"state_{side}"] is None:
                continue
            values = {"vaf": row[f"vaf_{side}"], "state": row[f"state_{side}"], "condition": condition}
            values |= {bound: row[f"vaf_{side}_{bound[4:]}"] for bound in ("vaf_low", "vaf_high")}
            values |= {"detection_limit": row[f"detection_limit_{side}"]}
            values |= {"role": roles[row["line"], condition], "compared": row["condition"]}
            rows.append({column: row.get(column) for column in DRAWN} | values)
    return pd.DataFrame(rows, columns=DRAWN)


def draw_side(panel: Axes, y: float, row: tuple, alpha: float) -> None:
    """Draw a VAF with its interval; if absent a ring, and up to where it would have been seen."""
    look = {"color": ROLES[row.role], "alpha": alpha, "clip_on": False, "zorder": 3}
    if row.state == "present":
        panel.plot([row.vaf_low, row.vaf_high], [y, y], lw=1.1, solid_capstyle="butt", **look)
        panel.plot(row.vaf, y, "o", ms=4, mew=0, **look)
    elif row.state == "absent":
        panel.plot([row.vaf, row.detection_limit], [y, y], lw=0.7, ls=(0, (1.5, 1.2)), **look)
        panel.plot(row.detection_limit, y, "|", ms=4, mew=0.8, **look)
        panel.plot(row.vaf, y, "o", ms=3.6, mew=0.8, mfc="white", **look)
    elif row.vaf is not None and row.vaf == row.vaf:
        panel.plot(row.vaf, y, "x", ms=3.4, mew=0.9, **look)


@styled
def draw(drawn: pd.DataFrame, confidence: float) -> Figure:
    """Draw the VAFs of each line's variants, one below the other, conditions beside each other."""
    places: dict[tuple, str] = {}
    for line, own in drawn.groupby("line", sort=False):
        places[line, None, None] = line
        several = len(set(own.compared)) > 1
        for row in own.drop_duplicates(["variant", "compared"]).itertuples():
            name = f"{row.variant}, {row.compared}" if several else row.variant
            places[line, row.variant, row.compared] = name
    first = np.array([name is None for _, name, _ in places])
    heights = np.arange(len(places)) + 0.35 * (np.cumsum(first) - 1)
    at = dict(zip(places, heights, strict=True))
    width = 130 if drawn.condition.nunique() <= 2 else 155  # the legend's
    figure, axes = new_figure(width, 27 + 3.9 * (heights[-1] + 1))
    figure.get_layout_engine().set(w_pad=0.09)  # bold text is wider at 300 dpi than the layout takes it for
    panel = axes[0, 0]
    for edge in (0, 0.25, 0.5, 0.75, 1):
        panel.axvline(edge, color=PALE, lw=0.6 if edge in (0, 0.5, 1) else 0.3, zorder=0)
    for place, rows in drawn.groupby(["line", "variant", "compared"], sort=False):
        y, alpha = at[place], 0.4 if rows.common_polymorphism.iloc[0] == "yes" else 1
        heights_of = [y - 0.17, y + 0.17] if len(rows) > 1 else [y]
        if len(rows) > 1 and rows.state.isin(["present", "absent"]).all():
            panel.plot(rows.vaf.astype(float), heights_of, color=QUIET, lw=0.4, alpha=alpha, zorder=1)
        for height, row in zip(heights_of, rows.itertuples(), strict=True):
            draw_side(panel, height, row, alpha)
        word, status = rows.comparison.iloc[0], rows.status.iloc[0]
        says = (word if status == "ok" else status).replace("_", " ")
        says = says if word not in CHANGED or status == "ok" else f"{word}, {says}"
        look = {"weight": "bold", "color": "#333333"} if word in CHANGED else {"color": QUIET}
        panel.annotate(
            says, (1, y), (8, 0), xycoords=panel.get_yaxis_transform(), textcoords="offset points",
            size=6.5, va="center_baseline", annotation_clip=False, **look,
        )  # fmt: skip
    panel.set_yticks(heights, [shortened(name, 34) for name in places.values()])
    faint = set(drawn.variant[drawn.common_polymorphism == "yes"])
    for label, (_, name, _) in zip(panel.get_yticklabels(), places, strict=True):
        label.set(color=QUIET if name in faint else "#333333", weight="bold" if name is None else "normal")
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.set(xlim=(-0.02, 1.02), ylim=(heights[-1] + 0.8, -0.7))
    panel.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    panel.set_xlabel(f"fragments with the variant (VAF, %; {100 * confidence:g} % interval)")
    roles = drawn.drop_duplicates("condition").sort_values(
        "role", key=lambda role: role.map(list(ROLES).index)
    )
    marks = {"ls": "none", "ms": 4}
    keys = [
        Line2D([], [], marker="o", color=ROLES[row.role], label=row.condition, **marks)
        for row in roles.itertuples()
    ]
    dark = marks | {"color": "#333333", "mew": 0.8}
    if (drawn.state == "absent").any():
        keys.append(Line2D([], [], marker="o", mfc="white", label="not detected", **dark))
        keys.append(Line2D([], [], marker="|", label="detection limit", **dark))
    if (~drawn.state.isin(["present", "absent"])).any():
        keys.append(Line2D([], [], marker="x", label="not assessable", **dark))
    figure.legend(handles=keys, loc="outside upper left", ncols=6, columnspacing=1, handletextpad=0.2)
    return figure


def write_figure(table: pd.DataFrame, study: pd.DataFrame, confidence: float, folder: Path) -> pd.DataFrame:
    """Write vafs.svg, .png and .tsv if there is anything to draw; return what they draw."""
    drawn = drawn_of(chosen(clean(table)), study)
    if len(drawn):
        save_figure(draw(drawn, confidence), drawn, folder / "vafs")
    return drawn


# ---- words


def few(words: list[str]) -> str:
    """Write the first few of a list in words, and how many there are beyond."""
    more = len(words) - TOLD
    return listed([*words[:TOLD], f"{more} more"] if more > 0 else words)


def says(row: tuple) -> str:
    """Say what became of a variant: `KEAP1 p.V512I gained (0 -> 49 %)`."""
    if row.comparison == "not_assessable":
        known = row.vaf_target if row.state_target == "present" else row.vaf_reference
        return f"{row.variant} ({percent(known)}) not assessable: {row.status.replace('_', ' ')}"
    ends = f"{percent(row.vaf_reference).removesuffix(' %')} -> {percent(row.vaf_target)}"
    flag = "" if row.status == "ok" else f", {row.status.replace('_', ' ')}"
    return f"{row.variant} {row.comparison} ({ends}{flag}{by_sanger(row)})"


def by_sanger(row: tuple) -> str:
    """Say what Sanger traces make of a variant, if they say anything."""
    told = row.sanger in ("confirmed", "not_confirmed")
    return f", {row.sanger.replace('_', ' ')} by Sanger" if told else ""


def findings_of(table: pd.DataFrame) -> dict[str, str]:
    """Say by line what changed, and which variants that may matter it has anyway; no polymorphisms."""
    found = {}
    rows = table[table.common_polymorphism != "yes"]
    rows = rows[rows.comparison.isin(CHANGED) | ~rows.nrf2_effect.isin(NOTHING)]
    for line, own in by_weight(rows).groupby("line", sort=False):
        several = len(set(own.condition)) > 1
        words = [(f"{row.condition}: " if several else "") + says(row) for row in own.itertuples()]
        more = len(words) - TOLD
        found[line] = "; ".join(words[:TOLD]) + (f"; and {more} more" if more > 0 else "")
    return {line: found[line] for line in dict.fromkeys(table.line) if line in found}


def sentence_of(table: pd.DataFrame, lines: int) -> str:
    """Say what was gained in which line and condition, what else changed, and what could not be told."""
    rows = table[table.common_polymorphism != "yes"]
    parts = []
    for word in CHANGED:
        own = rows[rows.comparison == word]
        if own.empty:
            continue
        told = []
        for (line, condition), some in own.groupby(["line", "condition"], sort=False):
            names = [
                f"{row.variant} ({percent(row.vaf_reference).removesuffix(' %')} to {percent(row.vaf_target)}"
                f"{by_sanger(row)})"
                for row in some.itertuples()
            ]
            told.append(f"{line} {condition}: {few(names)}")
        parts.append(f"{word.capitalize()}: {'; '.join(told)}.")
    if not len(rows[rows.comparison == "gained"]):
        parts.insert(0, "No variant was gained.")
    shared = rows[rows.comparison == "shared"]
    matter = shared[~shared.nrf2_effect.isin(NOTHING)]
    if len(shared):
        names = few([f"{row.variant} ({row.line})" for row in matter.itertuples()]) if len(matter) else ""
        parts.append(f"In both conditions: {len(shared)} variants{f', among them {names}' if names else ''}.")
    unknown = rows[rows.comparison == "not_assessable"]
    if len(unknown):
        parts.append(f"Not assessable: {len(unknown)} ({counted(unknown.status).replace('_', ' ')}).")
    polymorphisms = len(table) - len(rows)
    if polymorphisms:
        parts.append(f"Rows of common polymorphisms: {polymorphisms}.")
    return f"Variants of {lines} lines, each condition held to its reference. {' '.join(parts)}"


def nothing_found(study: pd.DataFrame, called: pd.DataFrame) -> str:
    """Say with what detection limit nothing was found."""
    limits = called.detection_limit[called.status.isin(["not_detected", "below_detection"])].dropna()
    start = f"No variant was found in any of {len(study)} samples"
    if limits.empty:
        return f"{start}: there was no candidate with the depth to judge it."
    return (
        f"{start}. Where alleles were looked for ({len(limits):,} places by sample), a VAF of "
        f"{percent(limits.median())} would have been seen (median; {percent(limits.min())} to "
        f"{percent(limits.max())})."
    )


def write_report(
    table: pd.DataFrame,
    study: pd.DataFrame,
    called: pd.DataFrame,
    drawn: pd.DataFrame,
    signatures: bool,
    folder: Path,
) -> None:
    """Write the report's sections. `signatures`: whether posteriors of signatures were asked for."""
    table = clean(table)
    several = table[["line", "condition"]].drop_duplicates().line.value_counts()
    names = [
        f"{row.line}{f' {row.condition}' if several[row.line] > 1 else ''}, {row.variant}"
        for row in table.itertuples()
    ]
    table = by_weight(table.set_axis(names, axis=0))
    quiet = (table.comparison == "shared") & table.nrf2_effect.isin(NOTHING)
    quiet |= table.common_polymorphism == "yes"
    shown = table[~quiet][:SHOWN] if not quiet.all() else table[:SHOWN]
    sentence = nothing_found(study, called)
    if len(table):
        sentence = sentence_of(table, study.line.nunique()) + " Zygosity is relative to two copies."
        keys = table.drop_duplicates(["line", *SITE])
        if left_out := len(keys) - len(drawn.drop_duplicates(["line", "variant"])):
            sentence += f" {left_out} variants are in the table and not in the figure"
            sentence += ", common polymorphisms first." if "yes" in set(table.common_polymorphism) else "."
        if more := len(table) - len(shown):
            sentence += (
                f" {more} further rows, shared ones without a known effect first, are in comparison.tsv."
            )
        if signatures:
            sentence += (
                " How probable each signature is for a substitution is in signatures.tsv: it says what often"
                " makes such a change, and a single variant does not show its cause."
            )
    figures = files_of("vafs") if len(drawn) else []
    write_section(
        folder / "variant_comparison_mqc.json",
        "Variants gained, kept and lost",
        sentence,
        "table",
        rows_of(shown[[column for column in COLUMNS if shown[column].notna().any()]]),
        settings={"col1_header": "variant"},
        table="comparison.tsv",
        statuses=table.status,
        links=["comparison.tsv", "signatures.tsv", *figures],
        dois=DOIS,
        findings=findings_of(table),
    )
    write_vafs(table, folder)


def write_vafs(table: pd.DataFrame, folder: Path) -> None:
    """Write the section that shows the VAFs of both conditions against each other, if any were compared."""
    compared = table[table.comparison != "not_assessable"]
    if compared.empty:
        return
    colours = POINTS | {"common polymorphism": PALE}
    kinds = np.where(compared.common_polymorphism == "yes", "common polymorphism", compared.comparison)
    # Of points upon each other the last is on top: what changed.
    points = {
        name: {"x": row.vaf_reference, "y": row.vaf_target, "color": colours[kind]}
        for name, kind, row in reversed([*zip(compared.index, kinds, compared.itertuples(), strict=True)])
    }
    seen = [f"{COLOUR_NAMES[colour]} {kind}" for kind, colour in colours.items() if kind in set(kinds)]
    write_section(
        folder / "variant_comparison_vafs_mqc.json",
        "Allele fractions before and after",
        "Each point is a variant of a line, by the share of fragments that show it: on the left edge what is "
        f"new, at the bottom what was lost, on the diagonal what stayed. {', '.join(seen).capitalize()}.",
        "scatter",
        points,
        settings={
            "xlab": "VAF in the reference condition", "ylab": "VAF in the condition compared with it",
            "xmin": -0.03, "xmax": 1.03, "ymin": -0.03, "ymax": 1.03, "marker_size": 9,
        },
        statuses=table.status,
        links=["comparison.tsv"],
    )  # fmt: skip
