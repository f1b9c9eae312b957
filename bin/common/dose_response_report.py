"""Report sections of dose_response: they show tables as given and compute nothing."""

from pathlib import Path

import pandas as pd

from common.dose_curves import GIVEN, described
from common.multiqc import rows_of, write_section

DRC, GR = "10.1371/journal.pone.0146021", "10.1038/nmeth.3853"
PROFILE = "10.2307/2347496"
ROWS = 300  # of a table in the report


def many(number: int, word: str) -> str:
    """Count things: `1 line`, `1,200 lines`."""
    return f"{number:,} {word}" + ("s" if number != 1 else "")


def write_curves(path: Path, curves: pd.DataFrame) -> None:
    """Write the section of the curves: a table of IC50s."""
    given = curves[curves.status.isin(GIVEN)]
    closed = curves[curves.status == "ok"]
    sentence = (
        f"{many(len(curves), 'dose-response curve')} of {many(curves.compound.nunique(), 'compound')} in "
    )
    sentence += (
        f"{many(curves.line.nunique(), 'line')}, {len(closed):,} with an IC50 whose interval is closed."
    )
    for compound, group in given[given.modulator.isna()].groupby("compound", sort=False):
        ordered = group.sort_values("ic50").iloc[[0, -1]]
        ends = [f"{row.ic50:.3g} ({row.line} {row.condition})" for row in ordered.itertuples()]
        unit = group.dose_unit.iloc[0]
        sentence += (
            f" {compound}: IC50 {' to '.join(dict.fromkeys(ends))} {unit if isinstance(unit, str) else ''}."
        )
    fixed = int((curves.model.notna() & (curves.model != "4pl")).sum())
    sentence += f" Fitted with three parameters: {fixed:,}." if fixed else ""
    columns = ["dose_unit", "ic50", "ic50_low", "ic50_high", "ic50_absolute", "slope", "bottom", "top"]
    columns += ["r_squared", "model", "n", "experiments", "status"]
    table = curves.head(ROWS).copy()
    table.index = [described(row) for row in table.to_dict("records")]
    sentence += f" The first {ROWS} are shown." if len(curves) > ROWS else ""
    write_section(
        path,
        "Dose-response curves",
        sentence,
        "table",
        rows_of(table[columns].round(10)),
        table="curves.tsv",
        statuses=curves.status,
        links=["curves.tsv", "experiments.tsv"],
        dois=[DRC, PROFILE],
    )


def write_growth(path: Path, growth: pd.DataFrame) -> None:
    """Write the section of growth-rate metrics."""
    known = growth.dropna(subset="gr50")
    sentence = (
        f"Growth-rate inhibition: {many(len(growth), 'curve')}, {len(known):,} with a GR50 within the doses"
    )
    sentence += f", {int((growth['fit'] == 'flat').sum()):,} are flat."
    columns = ["dose_unit", "gr50", "gr_max", "gr_inf", "gec50", "hill", "gr_aoc", "r_squared", "p_value"]
    table = growth.head(ROWS).copy()
    table.index = [described(row) for row in table.to_dict("records")]
    write_section(
        path,
        "Growth-rate inhibition",
        sentence,
        "table",
        rows_of(table[[*columns, "fit", "status"]]),
        table="growth_rate.tsv",
        statuses=growth.status,
        links=["growth_rate.tsv"],
        dois=[GR],
    )
