"""Report sections of dose_comparison: they show tables as given and compute nothing."""

from pathlib import Path

import pandas as pd

from common.figures import ROLES
from common.multiqc import rows_of, write_section

DRC, WELCH = "10.1371/journal.pone.0146021", "10.1093/biomet/34.1-2.28"
ROWS = 300  # of a table in the report
NAMED = 6  # lines that are named in words


def listed(lines: list[str]) -> str:
    """Name lines, the first few."""
    more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return ", ".join(lines[:NAMED]) + more


def write_comparisons(
    path: Path, compared: pd.DataFrame, resistance: pd.DataFrame, confidence: float, links: list[str]
) -> None:
    """Write the section of target against reference: a table of fold changes."""
    known = resistance[resistance.fold_change.notna() | resistance.by_experiment_fold_change.notna()]
    pairs = "1 pair" if len(resistance) == 1 else f"{len(resistance):,} pairs"
    sentence = f"{pairs} of target and reference condition, {len(known):,} with a fold change of the IC50."
    alpha = 1 - confidence
    for compound, group in resistance.groupby("compound", sort=False):
        both = group[(group.p_adjusted < alpha) & (group.by_experiment_p_adjusted < alpha)]
        up = [f"{row.line} ({row.fold_change:.2g}-fold)" for row in both[both.fold_change > 1].itertuples()]
        down = [f"{row.line} ({row.fold_change:.2g}-fold)" for row in both[both.fold_change < 1].itertuples()]
        words = [f"IC50s rise in {listed(up)}"] if up else []
        words += [f"IC50s fall in {listed(down)}"] if down else []
        tested = group[["p_adjusted", "by_experiment_p_adjusted"]].notna().any(axis=None)
        found = " and ".join(words) or ("no difference that both tests find" if tested else "no test")
        odd = group[group.status == "disagreement"].line
        odd = f"; the tests disagree in {listed(list(odd))}" if len(odd) else ""
        sentence += f" {compound}: {found}{odd}."
    findings: dict[str, str] = {}
    for row in known.itertuples():
        fold = row.fold_change if pd.notna(row.fold_change) else row.by_experiment_fold_change
        p = row.p_adjusted
        words = f"{row.compound} IC50 {fold:.2g}-fold"
        if pd.notna(p):
            words += " (p < 0.0001" if p < 1e-4 else f" (p {p:.2g}"
            words += ", the tests disagree)" if row.status == "disagreement" else ")"
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
