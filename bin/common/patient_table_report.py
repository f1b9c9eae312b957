"""Report sections of patient_table: they show tables as given and compute nothing."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from common.multiqc import listed, write_section
from common.patient_groups import ALL, Grouping

CHARACTERISTICS = [
    *("grouping", "variable", "kind", "level", "group", "patients", "known", "missing", "count", "percent"),
    *(
        "percent_low",
        "percent_high",
        "mean",
        "sd",
        "median",
        "quartile_1",
        "quartile_3",
        "minimum",
        "maximum",
    ),
    *("status", "reason"),
]
TESTS = [
    *("grouping", "variable", "kind", "test", "statistic", "df", "p_value", "q_value", "family", "smd"),
    *("patients", "missing", "status", "reason"),
]
DOIS = [
    *("10.2307/3001968", "10.1080/01621459.1952.10483441", "10.2307/2340521", "10.1093/biomet/38.1-2.141"),
    *("10.1111/j.2517-6161.1995.tb02031.x", "10.1093/jamiaopen/ooy012"),
]
NAMES = {"recurrence": "recurrence", "os_event": "death", "dfs_event": "recurrence or death"}
SHORT = {
    "wilcoxon_exact": "Wilcoxon, exact",
    "wilcoxon_approximate": "Wilcoxon",
    "kruskal_wallis": "Kruskal-Wallis",
    "fisher_exact": "Fisher",
    "fisher_freeman_halton": "Fisher-Freeman-Halton",
    "fisher_freeman_halton_simulated": "Fisher-Freeman-Halton, simulated",
    "chi_squared": "chi-squared",
}
TOLD = 8  # variables that the sentence names


def named(variable: str) -> str:
    """Name a variable for readers."""
    return NAMES.get(variable, variable.replace("_", " "))


def number(value: float) -> str:
    """Write a number to about three digits: `0.42`, `63.5`, `1450`."""
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def p_text(p: float) -> str:
    """Write a p-value as it stands in a cell: `0.23`, `0.050`, `0.0023`, `< 0.0001`."""
    if pd.isna(p) or p < 1e-4:
        return "" if pd.isna(p) else "< 0.0001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.3f}" if p >= 0.01 else f"{p:.2g}"


def cells_of(rows: pd.DataFrame, groups: Sequence[str], line: str) -> list[str]:
    """Write a line of a variable (a level, `median`, `mean` or `missing`), a cell a group."""
    cells = []
    for group in groups:
        own = rows[rows.group == group]
        row = own[own.level == line].iloc[0] if (own.level == line).any() else own.iloc[0]
        if line == "missing":
            cells.append(f"{row.missing}" if row.missing else "")
        elif not row.known:
            cells.append("\u2013")
        elif line == "median":
            cells.append(f"{number(row['median'])} ({number(row.quartile_1)}\u2013{number(row.quartile_3)})")
        elif line == "mean":
            cells.append(number(row["mean"]) + (f" ({number(row.sd)})" if pd.notna(row.sd) else ""))
        elif line == "values":
            cells.append(f"{row.known} values")
        else:
            cells.append(f"{row['count']} ({row.percent:.0f}%)")
    return cells


def lines_of(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """List the lines of a variable below its heading: what is looked up, and its label."""
    if rows.kind.iloc[0] == "numeric":
        lines = [("median", "median (quartiles)"), ("mean", "mean (SD)")]
    elif rows.level.notna().any():
        lines = [(level, str(level)) for level in dict.fromkeys(rows.level.dropna())]
    else:
        lines = [("values", "free text")]
    return [*lines, ("missing", "missing")] if rows.missing.sum() else lines


def table_one(rows: pd.DataFrame, tests: pd.DataFrame, groups: Sequence[str]) -> str:
    """Make the HTML of a table: a variable's heading and lines below each other, a column a group."""
    sizes = rows.drop_duplicates("group").set_index("group").patients
    tested = tests.dropna(subset="variable").set_index("variable")
    columns = [*groups, ALL] if len(groups) != 1 else list(groups)
    columns = [group for group in columns if group in sizes.index]
    compared = len(groups) > 1
    heads = ["", *(f"{escape(group)}<br>n = {sizes[group]}" for group in columns)]
    heads += ["p", "q", "SMD", "test"] if compared else []
    body = []
    for variable in dict.fromkeys(rows.variable):
        own = rows[rows.variable == variable]
        cells = [f"<strong>{escape(named(variable))}</strong>", *[""] * len(columns)]
        if compared and variable in tested.index:
            row = tested.loc[variable]
            test = SHORT[row.test] if pd.notna(row.test) else ""
            if row.status != "ok":
                test = ": ".join(filter(None, [test, row.status.replace("_", " ")]))
            smd = "" if pd.isna(row.smd) else f"{row.smd:.2f}"
            cells += [p_text(row.p_value), p_text(row.q_value), smd, escape(test)]
        body.append(cells)
        for line, label in lines_of(own):
            indented = f"<span style='padding-left:1.2em'>{escape(label)}</span>"
            written = [escape(cell) for cell in cells_of(own, columns, line)]
            body.append([indented, *written, *[""] * (4 if compared else 0)])
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in body)
    return f"<table class='nrf2flow-table'><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def sentence_of(grouping: Grouping, rows: pd.DataFrame, tests: pd.DataFrame, patients: int) -> str:
    """Say what was compared, and what differs."""
    if rows.empty:
        return f"By {grouping.name}: {tests.reason.iloc[0]}."
    sizes = rows.drop_duplicates("group").set_index("group").patients
    groups = [f"{group} ({sizes[group]})" for group in grouping.order]
    left = patients - int(sizes[ALL])
    parts = [f"{sizes[ALL]} patients by {grouping.name}: {listed(groups)}."]
    if left:
        parts.append(f"{left} more have no group.")
    own = tests[tests.q_value.notna()]
    differ = own[own.q_value < 0.05].sort_values("p_value", kind="stable")
    if len(own):
        what = [f"{named(row.variable)} (p {p_text(row.p_value)})" for row in differ[:TOLD].itertuples()]
        more = f" and {len(differ) - TOLD} more" if len(differ) > TOLD else ""
        parts.append(
            f"Of {len(own)} characteristics tested, {len(differ)} differ at a false discovery rate of 5 %"
            + (f": {listed(what)}{more}." if what else ".")
        )
    others = own[~(own.q_value < 0.05) & own.smd.notna()]
    if len(others):
        most = others.loc[others.smd.idxmax()]
        parts.append(
            f"Of the others, {named(most.variable)} has the largest standardised difference ({most.smd:.2f})."
        )
    if (chosen := tests[tests.status.isin(["circular", "data_driven"])]).size:
        parts.append(
            f"The cutoff was chosen by recurrence in these patients, so that p is too small for "
            f"{listed(map(named, chosen.variable))}."
        )
    lacking = rows[rows.group == ALL].drop_duplicates("variable")
    lacking = lacking[lacking.missing > 0]
    if len(lacking):
        what = [f"{named(row.variable)} {row.missing}" for row in lacking[:TOLD].itertuples()]
        more = f" and {len(lacking) - TOLD} more" if len(lacking) > TOLD else ""
        parts.append(f"Missing values: {', '.join(what)}{more}.")
    return " ".join(parts)


def write_report(
    characteristics: pd.DataFrame,
    tests: pd.DataFrame,
    groupings: Sequence[Grouping],
    patients: int,
    folder: Path,
) -> None:
    """Write a section with a table for each grouping, or one of all patients if none has groups."""
    sections = []
    for grouping in groupings:
        rows = characteristics[characteristics.grouping == grouping.name]
        own = tests[tests.grouping == grouping.name]
        html = table_one(rows, own, grouping.order) if len(rows) else ""
        sections.append((grouping.name, sentence_of(grouping, rows, own, patients), html, own.status))
    if not any(html for _, _, html, _ in sections):
        everyone = characteristics[characteristics.grouping == "none"]
        said = " ".join([f"All {patients} patients, not grouped.", *(said for _, said, _, _ in sections)])
        html = table_one(everyone, tests[:0], [ALL]) if len(everyone) else ""
        sections = [("none", said, html, tests.status)]
    for at, (name, said, html, statuses) in enumerate(sections):
        place = f"patient_table_{at + 1}" if at else "patient_table"
        write_section(
            folder / f"{place}_mqc.json",
            "Characteristics of the patients" + (f" by {name}" if name != "none" else ""),
            said,
            "html",
            html or "<p>There is nothing to tabulate.</p>",
            statuses=statuses,
            links=["characteristics.tsv", "tests.tsv"],
            dois=DOIS,
        )
