"""Figures and report sections of group_comparison: they show tables as given and compute nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.figures import ROLES, embedded, save_figure
from common.group_comparison_figure import draw, drawn_of, level_of, title_of
from common.multiqc import rows_of, write_section

EMBEDDED = 250_000  # characters of pictures in the report
SHOWN = 300  # rows of the table in the report
TOLD = 8  # comparisons that the sentence names
COLUMNS = [
    *("ratio", "ratio_low", "ratio_high", "p_adjusted", "stars", "test", "n_1", "n_2", "status", "reason"),
]
DOIS = [
    *("10.2307/2331554", "10.2307/2332510", "10.1214/aoms/1177730491"),
    "10.1111/j.2517-6161.1954.tb00159.x",
]


class Compared(NamedTuple):
    """What is shown of an assay."""

    groups: pd.DataFrame
    replicates: pd.DataFrame
    tests: pd.DataFrame


def says(row: tuple) -> str:
    """Say what a comparison of conditions found: `ARE reporter 4.1-fold (***)`."""
    treated = (
        f" at {row.treatment} {row.treatment_dose:g} {row.treatment_unit}" if level_of(row)[1] > 0 else ""
    )
    size = f"{row.ratio:.2g}-fold" if row.ratio < 100 else f"{row.ratio:.0f}-fold"
    why = row.stars or row.status.replace("_", " ")
    why = why if why == row.stars or row.status != "descriptive" else "one replicate"
    return f"{title_of(row.assay)}{treated} {size} ({why})"


def told(tests: pd.DataFrame) -> pd.DataFrame:
    """Choose the comparisons of conditions that are significant, and those of one experiment."""
    rows = tests[(tests.comparison == "conditions") & tests.ratio.notna()]
    return rows[rows.stars.isin(["*", "**", "***"]) | (rows.status == "descriptive")]


def calls_of(groups: pd.DataFrame) -> dict[str, list[str]]:
    """Say by line what was called reduced or absent by eye."""
    found: dict[str, list[str]] = {}
    for row in groups[groups.call.isin(["reduced", "absent", "discordant"])].itertuples():
        share = "" if row.call_agreement == 1 else f" in {100 * row.call_agreement:.0f} % of {row.calls:.0f}"
        found.setdefault(row.line, []).append(f"{title_of(row.assay)} {row.call}{share} in {row.condition}")
    return found


def findings_of(groups: pd.DataFrame, tests: pd.DataFrame) -> dict[str, str]:
    """Say by line what differs between its conditions, and what was called by eye."""
    found: dict[str, list[str]] = {}
    for (line, _, _), rows in told(tests).groupby(["line", "assay", "comparison"], sort=False):
        strongest = rows.loc[rows.p_value.fillna(1).astype(float).idxmin()]
        text = says(strongest)
        text += f" and at {len(rows) - 1} other doses" if len(rows) > 1 else ""
        found.setdefault(line, []).append(text)
    for line, words in calls_of(groups).items():
        found.setdefault(line, []).extend(words)
    return {line: "; ".join(found[line]) for line in dict.fromkeys(groups.line) if line in found}


def sentence_of(groups: pd.DataFrame, tests: pd.DataFrame, test: str) -> str:
    """Say what was compared, how, and what differs."""
    pairs = tests[tests.comparison == "conditions"]
    made = tests.p_value.notna()
    parts = [
        f"{groups.assay.nunique()} assays of {groups.line.nunique()} lines: {int(made.sum())} of "
        f"{len(tests)} comparisons could be tested ({test.replace('_', '-')}), with Holm's adjustment within "
        f"each assay; {int(tests.stars.isin(['*', '**', '***']).sum())} are significant at 5 %."
    ]
    found = told(tests)
    found = found[found.stars != ""]
    if len(found):
        first = found.sort_values("p_adjusted", kind="stable")[:TOLD]
        named = "; ".join(f"{row.line} {says(row)}" for row in first.itertuples())
        more = f"; and {len(found) - TOLD} more" if len(found) > TOLD else ""
        parts.append(f"Target against reference condition: {named}{more}.")
    elif len(pairs):
        parts.append("Between conditions nothing differs significantly.")
    if len(tests) and (relative := tests.test.astype(str).str.endswith("log_ratio")).any():
        assays = ", ".join(dict.fromkeys(tests.assay[relative]))
        parts.append(f"Normalised per experiment, so that log ratios were tested: {assays}.")
    lacking = groups[groups.status.isin(["missing_normaliser", "zero_normaliser", "no_value"])]
    if len(lacking):
        parts.append(f"Groups with measurements that were left out: {len(lacking)}.")
    return " ".join(parts)


def write_figures(shown: Iterable[Compared], reference_group: str, folder: Path) -> list[tuple[str, str]]:
    """Write <assay>.bars.svg, .png and .tsv of each assay; return the assays with pictures for the report."""
    pictures = []
    for each in shown:
        assay = each.groups.assay.iloc[0]
        table = drawn_of(each.groups, each.replicates, each.tests)
        if table.empty:
            continue
        figure = draw(assay, table, each.tests, reference_group)
        save_figure(figure, table, folder / f"{assay}.bars")
        pictures.append((assay, embedded(figure, f"{title_of(assay)} by line and condition")))
    return pictures


def named_levels(rows: pd.DataFrame) -> list[str]:
    """Name comparisons in a table of the report: assay, what, line, treatment."""
    names = []
    for row in rows.itertuples():
        names.append(
            f"{row.assay}: {row.group_2} vs {row.group_1}"
            if row.group_1 and row.group_2
            else f"{row.assay}: {row.group_1 or row.group_2}"
        )
    return names


def write_sections(
    groups: pd.DataFrame, tests: pd.DataFrame, pictures: list[tuple[str, str]], test: str, folder: Path
) -> None:
    """Write the sections of the report: the comparisons, the figures, and plots of the means."""
    rank = np.select([tests.comparison == "conditions", tests.comparison == "doses"], [0, 2], 1)
    table = tests.assign(rank=rank).sort_values("rank", kind="stable")[:SHOWN]
    sentence = sentence_of(groups, tests, test)
    if len(table) < len(tests):
        sentence += f" Shown here are {len(table)} comparisons, those of conditions first."
    table = table.assign(name=named_levels(table)).set_index("name")[COLUMNS]
    write_section(
        folder / "group_comparison_mqc.json",
        "Comparisons of groups",
        sentence,
        "table",
        rows_of(table.replace("", None)),
        settings={"id": "group_comparison_table", "col1_header": "comparison"},
        table="tests.tsv",
        statuses=tests.status,
        links=["tests.tsv", "groups.tsv"],
        dois=DOIS,
        findings=findings_of(groups, tests),
    )
    kept: list[str] = []
    for _, picture in pictures:
        if sum(map(len, kept)) + len(picture) <= EMBEDDED:
            kept.append(picture)
    words = "Means with SEM and every independent experiment, relative to one reference group."
    if len(kept) < len(pictures):
        words += f" {len(kept)} of {len(pictures)} figures are shown here, all are linked."
    write_section(
        folder / "group_comparison_figures_mqc.json",
        "Bars of all assays",
        words,
        "html",
        "".join(kept) or "<p>There is nothing to draw.</p>",
        statuses=groups.status,
        links=[f"{assay}.bars.{suffix}" for assay, _ in pictures for suffix in ("svg", "png", "tsv")],
    )
    write_means(folder / "group_comparison_means_mqc.json", groups)


def write_means(path: Path, groups: pd.DataFrame) -> None:
    """Write the section with the means, an assay and treatment at a time."""
    known = groups[groups.relative_mean.notna()]
    datasets, labels, categories = [], [], []
    for assay, its in known.groupby("assay", sort=False):
        data: dict[str, dict[str, float]] = {}
        for row in its.itertuples():
            treatment, dose = level_of(row)
            name = " ".join(
                filter(None, [row.line, treatment, f"{dose:g}" if treatment and dose >= 0 else ""])
            )
            data.setdefault(name, {})[row.condition] = round(row.relative_mean, 4)
        datasets.append(data)
        labels.append({"name": title_of(assay), "ylab": "relative mean"})
        roles = its.drop_duplicates("condition").itertuples()
        categories.append({row.condition: {"name": row.condition, "color": ROLES[row.role]} for row in roles})
    write_section(
        path,
        "Means",
        "The means of all groups, relative to the reference group that groups.tsv names.",
        "bargraph",
        datasets,
        settings={
            "data_labels": labels,
            "categories": categories,
            "stacking": "group",
            "ylab": "relative mean",
        },
        links=["groups.tsv"],
    )
