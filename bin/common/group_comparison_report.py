"""Figures and report sections of group_comparison: they show tables as given and compute nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from common.figures import ROLES, embedded, save_figure, shown_together
from common.group_comparison_figure import draw, drawn_of, level_of, title_of
from common.multiqc import listed, rows_of, write_section

SHOWN = 300  # rows of the table in the report
SIGNIFICANT = ("*", "**", "***")
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


def treated_with(row: tuple) -> str:
    """Name the treatment of a comparison: ` at cisplatin 5 ug/mL`, or nothing."""
    treatment, dose = level_of(row)
    if not treatment or dose == 0:
        return ""
    return f" with {treatment}" if dose < 0 else f" at {treatment} {dose:g} {row.treatment_unit}"


def says(row: tuple) -> str:
    """Say what a comparison found: `ARE reporter 4.1-fold (***)`."""
    size = f"{row.ratio:.2g}-fold" if row.ratio < 100 else f"{row.ratio:.0f}-fold"
    why = row.stars or ("one replicate" if row.status == "descriptive" else row.status.replace("_", " "))
    if row.comparison == "reference_group":
        return f"{title_of(row.assay)} of {row.condition_2} {size} that of {row.group_1} ({why})"
    return f"{title_of(row.assay)}{treated_with(row)} {size} ({why})"


def told(tests: pd.DataFrame, comparison: str = "conditions") -> pd.DataFrame:
    """Choose the comparisons of a kind that are significant, and those of one experiment."""
    rows = tests[(tests.comparison == comparison) & tests.ratio.notna()]
    return rows[rows.stars.isin(SIGNIFICANT) | (rows.status == "descriptive")]


def calls_of(groups: pd.DataFrame) -> dict[str, list[str]]:
    """Say by line what was called reduced or absent by eye."""
    found: dict[str, list[str]] = {}
    called = groups[groups.call.isin(["reduced", "absent", "discordant"])]
    for (line, assay, call), rows in called.groupby(["line", "assay", "call"], sort=False):
        where = [
            f"{row.condition}{treated_with(row)}"
            + ("" if row.call_agreement == 1 else f" ({row.call_agreement * row.calls:.0f} of {row.calls})")
            for row in rows.itertuples()
        ]
        found.setdefault(line, []).append(f"{title_of(assay)} {call} in {' and '.join(where)}")
    return found


def findings_of(groups: pd.DataFrame, tests: pd.DataFrame) -> dict[str, str]:
    """Say by line what differs between conditions or from the reference group, and what was seen by eye."""
    found: dict[str, list[str]] = {}
    for comparison in ("conditions", "reference_group"):
        for (line, _), rows in told(tests, comparison).groupby(["line", "assay"], sort=False):
            strongest = rows.loc[rows.p_value.fillna(1).astype(float).idxmin()]
            more = len(rows) - 1
            text = says(strongest) + (f" and at {more} other dose{'s' * (more > 1)}" if more else "")
            found.setdefault(line, []).append(text)
    for line, words in calls_of(groups).items():
        found.setdefault(line, []).extend(words)
    return {line: "; ".join(found[line]) for line in dict.fromkeys(groups.line) if line in found}


def answer(tests: pd.DataFrame) -> dict[str, list[str]]:
    """Say what differs between conditions in assays under treatment, where there are any."""
    treated = set(tests.assay[tests.treatment.fillna("") != ""])
    pairs = tests[(tests.comparison == "conditions") & tests.assay.isin(treated) & tests.p_value.notna()]
    if pairs.empty:
        return {}
    found = pairs[pairs.stars.isin(SIGNIFICANT)]
    parts = []
    for (assay, line), rows in found.groupby(["assay", "line"], sort=False):
        row = rows.loc[rows.p_value.idxmin()]
        limits = f" ({row.ratio_low:.2g} to {row.ratio_high:.2g})" if pd.notna(row.ratio_low) else ""
        parts.append(f"{title_of(assay)}{treated_with(row)} is {row.ratio:.2g}-fold{limits} in {line}")
    assays = listed(title_of(assay) for assay in dict.fromkeys(pairs.assay))
    if not parts:
        return {"changes": [f"{assays} under treatment does not differ significantly in any line."]}
    return {"changes": [f"Against the reference condition, {listed(parts, TOLD)}."]}


def sentence_of(groups: pd.DataFrame, tests: pd.DataFrame, test: str) -> str:
    """Say what was compared, how, and what differs."""
    pairs = tests[tests.comparison == "conditions"]
    made = tests.p_value.notna()
    parts = [
        f"{groups.assay.nunique()} assays of {groups.line.nunique()} lines: {int(made.sum())} of "
        f"{len(tests)} comparisons could be tested ({test.replace('_', '-')}), with Holm's adjustment within "
        f"each assay; {int(tests.stars.isin(SIGNIFICANT).sum())} are significant at 5 %."
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


def names_of(rows: pd.DataFrame) -> list[str]:
    """Name comparisons in a table of the report: assay, and line with treatment, or what with what."""
    names = []
    for row in rows.itertuples():
        cells = row.group_2 or row.group_1
        if row.comparison == "conditions":
            condition = row.condition_2 or row.condition_1
            cells = row.line + cells.removeprefix(f"{row.line}.{condition}")
        else:
            cells = f"{cells} / {row.group_1}"
        names.append(f"{row.assay}: {cells}")
    return names


def write_sections(
    groups: pd.DataFrame, tests: pd.DataFrame, pictures: list[tuple[str, str]], test: str, folder: Path
) -> None:
    """Write the sections of the report: the comparisons, the figures, and plots of the means."""
    doses = tests.comparison == "doses"
    table = tests[~doses] if (~doses).any() else tests
    sentence = sentence_of(groups, tests, test)
    if len(table) < len(tests):
        sentence += f" Doses against none, {int(doses.sum())} comparisons, are in tests.tsv."
    if len(table) > SHOWN:
        sentence += f" Shown here are the first {SHOWN} of {len(table)} others."
    table = table[:SHOWN].assign(name=names_of(table[:SHOWN])).set_index("name")[COLUMNS]
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
        answers=answer(tests),
    )
    html, left = shown_together([picture for _, picture in pictures])
    write_section(
        folder / "group_comparison_figures_mqc.json",
        "Bars of all assays",
        f"Means with SEM and every independent experiment, relative to one reference group.{left}",
        "html",
        html,
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
