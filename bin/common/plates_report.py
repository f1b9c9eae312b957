"""Figure and report section of normalise_plates: they show tables as given and compute nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.figures import DIVERGING, PALE, QUIET, new_figure, save_figure, shortened, styled
from common.multiqc import counted, rows_of, write_section

PLATE = ["experiment", "plate"]
MOST = 12  # plates that are drawn
ACROSS = 4
SHOWN = 100  # plates of the table in the report
NAMED = 6  # wells or plates that are named in words
# The gravest first.
GRAVE = ["no_vehicle", "vehicle_not_above_blank", "pattern", "noisy_vehicle", "small_window", "high_blank"]
GOOD = ("ok", "as_given", "no_blank")
LETTERS = "ABCDEFGHIJKLMNOP"
DRAWN = [
    *("experiment", "plate", "well", "row", "column", "role", "line", "condition", "compound", "dose"),
    *("deviation", "outlier"),
]
DOIS = ["10.1177/108705719900400206", "10.1214/aoms/1177704575"]
COLUMNS = ["status", "vehicle_wells", "blank_wells", "vehicle_cv", "signal_window", "outlier_wells", "reason"]


def title(experiment: str, plate: str) -> str:
    """Name a plate and its experiment."""
    return f"{experiment} / {plate}"


def chosen(plates: pd.DataFrame, most: int) -> pd.DataFrame:
    """Choose as many plates, those with the gravest problems first; in the order of the sheet."""
    rank = [
        GRAVE.index(status) if status in GRAVE else len(GRAVE) + (status in GOOD) for status in plates.status
    ]
    return plates.iloc[np.sort(np.argsort(rank, kind="stable")[:most])]


def says(plate: tuple) -> str:
    """Say under a plate's name how good it is."""
    parts = []
    if plate.vehicle_cv == plate.vehicle_cv:
        parts.append(f"CV {100 * plate.vehicle_cv:.1f} %")
    if plate.signal_window == plate.signal_window:
        parts.append(f"window {plate.signal_window:.2f}")
    parts += [plate.status] if plate.status not in GOOD else []
    return ", ".join(parts)


@styled
def draw(drawn: pd.DataFrame, plates: pd.DataFrame, unit: str) -> Figure:
    """Draw the plates' wells, coloured by their deviations from the median of their replicates."""
    across = min(ACROSS, len(plates))
    down = -(-len(plates) // across)
    large = drawn.row.gt("H").any() or drawn.column.max() > 12
    rows, columns = (16, 24) if large else (8, 12)
    figure, axes = new_figure(
        max(72, 14 + 41.5 * across), (22 if across == 1 else 16) + 33 * down, down, across
    )
    size = max(10.0, float(np.ceil(drawn.deviation.abs().quantile(0.98) / 5) * 5) if len(drawn) else 10.0)
    norm, picture = TwoSlopeNorm(0, -size, size), None
    for panel, plate in zip(axes.flat, plates.itertuples(), strict=False):
        own = drawn[(drawn.experiment == plate.experiment) & (drawn["plate"] == plate.plate)]
        grid = np.full((rows, columns), np.nan)
        at = own.row.map(LETTERS.index).to_numpy(int), own.column.to_numpy(int) - 1
        grid[at] = own.deviation
        panel.set_facecolor("white")
        for role, mark in (("blank", "s"), ("sample", "."), ("vehicle", ".")):
            some = (own.role == role).to_numpy() & own.deviation.isna().to_numpy()
            panel.plot(at[1][some], at[0][some], mark, ms=2.2 if large else 3.6, color=PALE, mew=0)
        picture = panel.imshow(grid, cmap=DIVERGING, norm=norm, aspect="equal", interpolation="nearest")
        vehicle, out = (own.role == "vehicle").to_numpy(), own.outlier.eq("yes").to_numpy()
        spot = {"mew": 0.3, "mec": "white", "mfc": "#333333", "ls": ""}
        panel.plot(at[1][vehicle], at[0][vehicle], "o", ms=1.2 if large else 2.2, **spot)
        for colour, width in (("white", 2.2), ("black", 1.0)):
            ring = {"mfc": "none", "mec": colour, "mew": width, "ls": ""}
            panel.plot(at[1][out], at[0][out], "o", ms=4 if large else 6, **ring)
        ticks = [0, 5, 11] if not large else [0, 11, 23]
        panel.set_xticks(ticks, [str(tick + 1) for tick in ticks])
        ticks = [0, rows // 2 - 1, rows - 1]
        panel.set_yticks(ticks, [LETTERS[tick] for tick in ticks])
        panel.tick_params(length=0, pad=1.5, labelsize=6)
        for spine in panel.spines.values():
            spine.set(visible=True, color=PALE)
        panel.set_title(shortened(title(plate.experiment, plate.plate), 24), fontsize=7, pad=11)
        panel.text(0, 1.03, says(plate), transform=panel.transAxes, fontsize=6, color=QUIET, va="bottom")
    for panel in axes.flat[len(plates) :]:
        panel.set_axis_off()
    bar = figure.colorbar(
        picture, ax=axes, shrink=min(1, 0.9 / down + 0.1), aspect=22, pad=0.015, extend="both"
    )
    bar.set_label(f"from the median of replicates\n({unit})", fontsize=7)
    bar.ax.tick_params(labelsize=6, length=2)
    bar.outline.set_linewidth(0.4)
    entries = [
        Line2D([], [], ls="", marker=".", ms=4, mew=0, color="#333333", label="vehicle"),
        Line2D([], [], ls="", marker="s", ms=4, mew=0, color=PALE, label="blank"),
        Line2D([], [], ls="", marker=".", ms=4, mew=0, color=PALE, label="no replicate or no value"),
        Line2D([], [], ls="", marker="o", ms=6, **{"mfc": "none", "mec": "black"}, label="stands out"),
    ]
    figure.legend(
        handles=entries,
        loc="outside lower left",
        ncols=2 if across == 1 else 4,
        handletextpad=0.1,
        columnspacing=1,
    )
    return figure


def of_plates(table: pd.DataFrame, plates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table that are of these plates."""
    return table[pd.MultiIndex.from_frame(table[PLATE]).isin(pd.MultiIndex.from_frame(plates[PLATE]))]


def write_maps(folder: Path, wells: pd.DataFrame, plates: pd.DataFrame) -> pd.DataFrame:
    """Write plate_maps.{svg,png,tsv} where wells have names; return the plates that are drawn.

    `wells` has all wells with places (row, column; missing without a name).
    """
    placed = wells[wells.row.notna()]
    plates = of_plates(plates, placed)
    if plates.empty:
        return plates
    plates = chosen(plates, MOST)
    drawn = of_plates(placed, plates)
    drawn = drawn.assign(
        column=drawn.column.astype(int), outlier=drawn.outlier.map({True: "yes", False: "no"})
    )
    given = wells.response_unit.eq("as_given").any()
    drawn = drawn[DRAWN]
    save_figure(draw(drawn, plates, "as given" if given else "% of vehicle"), drawn, folder / "plate_maps")
    return plates


def names_of(plates: pd.DataFrame) -> str:
    """Name plates, the first few."""
    names = [title(*key) for key in plates[PLATE].itertuples(index=False)]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def sentence_of(wells: pd.DataFrame, plates: pd.DataFrame, drawn: pd.DataFrame) -> str:
    """Say how the responses were normalised, and how good the plates are."""
    counts = plates[["sample_wells", "vehicle_wells", "blank_wells"]].sum()
    parts = [
        f"{counts.sample_wells:,} sample, {counts.vehicle_wells:,} vehicle and {counts.blank_wells:,} blank "
        f"wells on {len(plates):,} plates of {plates.experiment.nunique():,} experiments."
    ]
    if wells.response_unit.eq("as_given").all():
        parts.append(
            "The sheet has no vehicle wells: responses are taken as given, and nothing is subtracted."
        )
    else:
        parts.append(
            "Responses are in percent of the mean vehicle of the same line, condition and modulator on the "
            "plate, blanks subtracted."
        )
        cv = plates.vehicle_cv.dropna()
        if len(cv):
            parts.append(
                f"Vehicle wells vary by {100 * cv.median():.1f} % (median of the plates' coefficients of "
                f"variation; {100 * cv.min():.1f} to {100 * cv.max():.1f} %)."
            )
        lost = wells[wells.viability_percent.isna()]
        if len(lost):
            parts.append(f"Wells without viability: {len(lost):,} ({counted(lost.status)}).")
        if without := int((plates.blank_wells == 0).sum()):
            parts.append(f"Nothing was subtracted on {without:,} plates, which have no blanks.")
    tested = plates[["row_p_adjusted", "column_p_adjusted", "edge_p_adjusted"]].notna().any(axis=1)
    uneven = plates[plates.reason.str.contains("differ, adjusted")]
    if tested.any():
        parts.append(
            f"Rows, columns or edge differ from the rest on {len(uneven):,} of {int(tested.sum()):,} plates "
            "tested" + (f": {names_of(uneven)}." if len(uneven) else ".")
        )
    else:
        parts.append("No plate has replicates at named places that could show a pattern.")
    parts.append(f"Wells that stand out from their replicates: {int(wells.outlier.sum()):,}; they are kept.")
    if 0 < len(drawn) < len(plates):
        parts.append(
            f"The figure shows {len(drawn):,} plates, those with a problem first; all are in plates.tsv."
        )
    return " ".join(parts)


def findings_of(wells: pd.DataFrame) -> dict[str, str]:
    """Say of each line what is wrong with its wells."""
    found = {}
    for line, rows in wells.groupby("line", sort=False):
        lost, stand_out = rows[rows.viability_percent.isna()], int(rows.outlier.sum())
        parts = []
        if len(lost):
            parts.append(f"{len(lost):,} of {len(rows):,} wells without viability ({counted(lost.status)})")
        if stand_out:
            parts.append(f"{stand_out:,} of {len(rows):,} wells stand out from their replicates, kept")
        if parts:
            found[line] = "; ".join(parts)
    return found


def write_plates(
    folder: Path, wells: pd.DataFrame, responses: pd.DataFrame, plates: pd.DataFrame, drawn: pd.DataFrame
) -> None:
    """Write the section of the report: the plates and their quality."""
    shown = chosen(plates, SHOWN)
    sentence = sentence_of(wells, plates, drawn)
    if len(shown) < len(plates):
        sentence += f" Shown here are {len(shown)} plates, those with a problem first."
    table = shown.assign(name=[title(*key) for key in shown[PLATE].itertuples(index=False)])
    table = table.set_index("name")[COLUMNS]
    figure = [f"plate_maps.{suffix}" for suffix in ("svg", "png", "tsv")] if len(drawn) else []
    grown = responses.growth_rate_value.notna().any()
    write_section(
        folder / "normalise_plates_mqc.json",
        "Quality of the plates",
        sentence,
        "table",
        rows_of(table.replace("", None)),
        settings={"col1_header": "experiment / plate"},
        table="plates.tsv",
        statuses=plates.status,
        links=["plates.tsv", "wells.tsv", "responses.tsv", "vehicles.tsv", *figure],
        dois=[*DOIS, *(["10.1038/nmeth.3853"] if grown else [])],
        findings=findings_of(wells),
    )
