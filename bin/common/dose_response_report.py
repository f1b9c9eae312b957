"""Report sections of dose_response and dose_comparison: they show tables as given and compute nothing."""

from pathlib import Path

import numpy as np
import pandas as pd

from common.dose_curves import GIVEN, described
from common.figures import ROLES
from common.multiqc import rows_of, write_section

DRC, GR = "10.1371/journal.pone.0146021", "10.1038/nmeth.3853"
PROFILE, WELCH = "10.2307/2347496", "10.1093/biomet/34.1-2.28"
ROWS = 300  # of a table in the report


def listed(lines: list[str], most: int = 6) -> str:
    """Join words, the first of many."""
    words = ", ".join(lines[:most])
    return words + (f" and {len(lines) - most} more" if len(lines) > most else "")


def write_curves(path: Path, curves: pd.DataFrame) -> None:
    """Write the section of the curves: a table of IC50s."""
    given = curves[curves.status.isin(GIVEN)]
    closed = curves[curves.status == "ok"]
    sentence = f"{len(curves):,} dose-response curves of {curves.compound.nunique():,} compounds in "
    sentence += f"{curves.line.nunique():,} lines; {len(closed):,} have an IC50 with a closed interval."
    plain = given[given.modulator.isna()].sort_values("ic50")
    for compound, group in plain.groupby("compound", sort=False):
        ends = [f"{row.ic50:.3g} ({row.line} {row.condition})" for row in group.iloc[[0, -1]].itertuples()]
        unit = group.dose_unit.iloc[0]
        sentence += (
            f" {compound}: IC50 {' to '.join(dict.fromkeys(ends))} {unit if isinstance(unit, str) else ''}."
        )
    fixed = int((curves.model.notna() & (curves.model != "4pl")).sum())
    sentence += f" {fixed:,} were fitted with three parameters." if fixed else ""
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
        f"Growth-rate inhibition of {len(growth):,} curves; {len(known):,} have a GR50 within the doses"
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


def write_comparisons(
    path: Path, compared: pd.DataFrame, resistance: pd.DataFrame, confidence: float, links: list[str]
) -> None:
    """Write the section of target against reference: a table of fold changes."""
    known = resistance[resistance.fold_change.notna() | resistance.by_experiment_fold_change.notna()]
    sentence = (
        f"{len(resistance):,} pairs of resistant and parental curves; {len(known):,} have a fold change."
    )
    alpha = 1 - confidence
    for compound, group in resistance.groupby("compound", sort=False):
        both = group[(group.p_adjusted < alpha) & (group.by_experiment_p_adjusted < alpha)]
        up = [f"{row.line} ({row.fold_change:.2g}-fold)" for row in both[both.fold_change > 1].itertuples()]
        down = [f"{row.line} ({row.fold_change:.2g}-fold)" for row in both[both.fold_change < 1].itertuples()]
        words = [f"IC50s rise in {listed(up)}"] if up else []
        words += [f"IC50s fall in {listed(down)}"] if down else []
        found = " and ".join(words) or "no difference that both tests show"
        odd = group[group.status == "disagreement"].line
        odd = f"; the tests disagree in {listed(list(odd))}" if len(odd) else ""
        sentence += f" {compound}: {found}{odd}."
    findings: dict[str, str] = {}
    for row in known.itertuples():
        fold = row.fold_change if pd.notna(row.fold_change) else row.by_experiment_fold_change
        p = row.p_adjusted
        words = f"{row.compound} IC50 {fold:.2g}-fold" + (f" (p {p:.2g})" if pd.notna(p) else "")
        findings[row.line] = f"{findings[row.line]}; {words}" if row.line in findings else words
    table = resistance.head(ROWS).copy()
    table.index = [f"{row.line} {row.compound}" for row in table.itertuples()]
    columns = ["dose_unit", "ic50_reference", "ic50_target", "fold_change", "fold_change_low"]
    columns += ["fold_change_high", "p_adjusted", "by_experiment_fold_change", "by_experiment_low"]
    columns += ["by_experiment_high", "by_experiment_p_adjusted", "status"]
    write_section(
        path,
        "Resistance: IC50s compared",
        sentence,
        "table",
        rows_of(table[columns].astype(object)),
        table="resistance.tsv",
        statuses=compared.status,
        links=["resistance.tsv", "comparisons.tsv", "trends.tsv", *links],
        dois=[DRC, WELCH],
        findings=findings,
    )


def write_lines(path: Path, drawn: dict[str, pd.DataFrame], units: dict[str, str], response: str) -> None:
    """Write the interactive curves: one dataset a compound."""
    datasets, labels = [], []
    colours = {}
    for compound, table in drawn.items():
        data = {}
        for (line, condition, role), some in table[table.kind == "curve"].groupby(
            ["line", "condition", "condition_role"], sort=False
        ):
            some = some.iloc[:: max(len(some) // 30, 1)]
            name = f"{line} {condition}"
            data[name] = [
                [float(f"{x:.4g}"), float(f"{y:.4g}")] for x, y in zip(some.dose, some.response, strict=True)
            ]
            colours[name] = ROLES.get(role, ROLES["other"])
        if data:
            datasets.append(data)
            labels.append({"name": compound, "xlab": f"{compound} ({units[compound]})", "ylab": response})
    count = sum(len(data) for data in datasets)
    sentence = f"{count:,} fitted curves without modulator, over the doses tested."
    if not datasets:
        sentence = "No curve could be fitted."
    write_section(
        path,
        "Fitted dose-response curves",
        sentence,
        "linegraph",
        datasets or [{}],
        settings={
            **({"data_labels": labels} if len(labels) > 1 else {}),
            **{"xlab": labels[0]["xlab"] if labels else "dose", "ylab": response, "xlog": True},
            "colors": colours,
        },
        links=["comparisons.tsv"],
        dois=[DRC],
    )


def finite(values: pd.Series) -> np.ndarray:
    """Return the numbers of a column that are known."""
    known = values.to_numpy(float)
    return known[np.isfinite(known)]
