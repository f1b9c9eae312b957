"""Figures and report sections of survival: they show tables as given and compute nothing."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.figures import embedded, files_of, save_figure, shown_together
from common.multiqc import write_section
from common.patient_groups import ALL, SCORE_GROUP, Grouping, file_stems
from common.survival_figure import TITLES, colours_of, draw, drawn_of, p_text, ratio_text
from common.survival_tables import Compared

TOLD = 3  # groups that a sentence describes one by one
BEFORE = 1e-6  # months by which the upper end of a step is drawn before it: a plot has one value a month
WORDS = {"os": "overall survival", "dfs": "disease-free survival"}
DOIS = [
    *("10.1080/01621459.1958.10501452", "10.2307/2530286", "10.1111/j.2517-6161.1972.tb00899.x"),
    *("10.1080/01621459.1977.10480613", "10.1093/biomet/81.3.515", "10.21105/joss.01317"),
]
OF_GROUPS = [
    *("patients", "followed", "no_follow_up", "events", "median_months", "median_low", "median_high"),
    *("follow_up_median_months", "follow_up_max_months", "status", "reason"),
]
OF_TIMES = ["at_risk", "survival", "survival_low", "survival_high", "status", "reason"]
OF_TESTS = [
    *("patients", "events", "statistic", "df", "p_value", "p_corrected", "hazard_ratio", "hazard_ratio_low"),
    *("hazard_ratio_high", "data_driven", "circular", "status", "reason"),
]


def shown(table: pd.DataFrame, columns: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, object]]:
    """Make the data of a table in the report; with its empty cells, so that columns keep their order."""
    cells = table[list(columns)].astype(object)
    return dict(zip(names, cells.where(cells.notna(), None).to_dict("records"), strict=True))


def named(grouping: str, group: str) -> str:
    """Name a group in a sentence: `score high`, `stage III`."""
    return f"score {group}" if grouping == SCORE_GROUP else f"{grouping} {group}"


def survival_text(times: pd.DataFrame, group: str) -> str:
    """Say what share of a group survives at the last month that has a number."""
    own = times[(times.group == group) & times.survival.notna()]
    if own.empty:
        return "no survival known"
    last = own.iloc[-1]
    limits = f" ({last.survival_low:.0%} to {last.survival_high:.0%})" if pd.notna(last.survival_low) else ""
    return f"{last.survival:.0%}{limits} at {last.time_months:g} months"


def corrected_text(row: tuple) -> str:
    """Say what the choice of the cutoff does to a p value."""
    said = []
    if pd.notna(row.p_corrected):
        said.append(f"corrected for the choice of the cutoff {p_text(row.p_corrected)}")
    elif row.data_driven == "yes":
        said.append("the cutoff was chosen on these patients: too small")
    if row.circular == "yes":
        said.append("circular: recurrence, which chose the cutoff, is part of this endpoint")
    return f" ({'; '.join(said)})" if said else ""


def told(found: Compared, grouping: Grouping, endpoint: str) -> str:
    """Say what was found by a grouping in an endpoint; nothing if no patient was followed."""
    tests, times, medians = (
        table[(table.endpoint == endpoint) & (table.grouping == grouping.name)]
        for table in (found.tests, found.times, found.medians)
    )
    rank = next(tests[tests.test == "log_rank"].itertuples())
    head = f"{WORDS[endpoint].capitalize()} by {grouping.name}: "
    if rank.status == "no_follow_up":
        return ""
    if rank.status not in ("ok", "few_events", "not_finite"):
        return f"{head}no test ({rank.reason})."
    own = medians[(medians.group != ALL) & (medians.followed > 0)]
    p = f"log-rank {p_text(rank.p_value)}{corrected_text(rank)}" if pd.notna(rank.p_value) else rank.reason
    ratios = tests[tests.test == "cox"]
    if len(own) > TOLD:
        clear = ratios[(ratios.hazard_ratio_low > 1) | (ratios.hazard_ratio_high < 1)]
        parts = [
            f"{head}{own.events.sum()} events in {own.followed.sum()} patients of {len(own)} groups; {p}. "
            f"Of {len(ratios)} hazard ratios to {ratios.reference.iloc[0]}, {len(clear)} have an interval "
            f"without 1."
        ]
        ratios = clear
    else:
        groups = [
            f"{named(grouping.name, row.group)}: {row.events} event{'s' * (row.events != 1)} in "
            f"{row.followed} patient{'s' * (row.followed != 1)}, {survival_text(times, row.group)}"
            for row in own.itertuples()
        ]
        parts = [f"{head}{'; '.join(groups)}; {p}."]
    for row in ratios.itertuples():
        which = f"{named(grouping.name, row.group)} against {row.reference}"
        which = which[:1].upper() + which[1:]
        parts.append(f"{which}: {ratio_text(row) if pd.notna(row.hazard_ratio) else row.reason}.")
    change = next(tests[tests.test == "proportional_hazards"].itertuples())
    if change.p_value < 0.05:
        parts.append(
            f"The hazard ratio changes with time ({p_text(change.p_value)}): it is an average over time."
        )
    return " ".join(parts)


def followed_text(medians: pd.DataFrame) -> str:
    """Say how many patients were followed, and for how long."""
    parts = []
    for row in medians[medians.group == ALL].drop_duplicates("endpoint").itertuples():
        lost = f", {row.no_follow_up} more without follow-up" if row.no_follow_up else ""
        if not row.followed:
            parts.append(f"no patient has times of {WORDS[row.endpoint]}")
            continue
        median = row.follow_up_median_months
        length = "its median not reached" if pd.isna(median) else f"median {median:.3g}"
        parts.append(
            f"{WORDS[row.endpoint]} of {row.followed} patients{lost} "
            f"(follow-up: {length}, longest {row.follow_up_max_months:.4g} months)"
        )
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts) or "No patient has a group."


def finding(found: Compared, groupings: Sequence[Grouping]) -> dict[str, str]:
    """Say in a few words what differs, of the first grouping."""
    rows = found.tests[(found.tests.test == "cox") & found.tests.hazard_ratio.notna()]
    rows = rows[rows.grouping == groupings[0].name] if groupings else rows[:0]
    ranks = found.tests[found.tests.test == "log_rank"].set_index(["endpoint", "grouping"])
    parts = []
    for row in rows.itertuples():
        rank = ranks.loc[(row.endpoint, row.grouping)]
        p = f"log-rank {p_text(rank.p_value)}"
        if pd.notna(rank.p_corrected):
            p += f", corrected {p_text(rank.p_corrected)}"
        which = f"{named(row.grouping, row.group)} against {row.reference}"
        parts.append(f"{WORDS[row.endpoint]}, {which}: {ratio_text(row)}, {p}")
    return {"patients": "; ".join(parts)} if parts else {}


def answer(found: Compared, groupings: Sequence[Grouping]) -> str:
    """Say what differs in survival, of the first grouping, or why that is not known."""
    if told_of := finding(found, groupings):
        said = told_of["patients"]
        return f"{said[0].upper()}{said[1:]}."
    lacking = "Whether survival differs is not known: no patient of a group was followed."
    return " ".join(sentences(found, groupings[:1])) or lacking


def as_steps(own: pd.DataFrame) -> dict[float, float]:
    """Turn a curve into the corners of its steps."""
    corners: dict[float, float] = {}
    before = None
    for row in own.itertuples():
        if before is not None and row.survival != before and row.time_months > BEFORE:
            corners[round(row.time_months - BEFORE, 6)] = round(before, 5)
        corners[round(row.time_months, 6)] = before = round(row.survival, 5)
    return corners


def write_figures(
    found: Compared, groupings: Sequence[Grouping], confidence: float, folder: Path
) -> list[tuple[str, str]]:
    """Write <grouping>.curves.svg, .png and .tsv; return their stems with pictures for the report."""
    pictures = []
    for grouping, stem in zip(groupings, file_stems(groupings), strict=True):
        km = found.km[found.km.grouping == grouping.name]
        if km.empty:
            continue
        tests = found.tests[found.tests.grouping == grouping.name]
        table = drawn_of(km, tests, grouping.order)
        figure = draw(table, grouping.name, grouping.order, confidence)
        save_figure(figure, table, folder / f"{stem}.curves")
        pictures.append((f"{stem}.curves", embedded(figure, f"Survival by {grouping.name}", dpi=130)))
    return pictures


def sentences(found: Compared, groupings: Sequence[Grouping]) -> list[str]:
    """Say what was found by these groupings, an endpoint at a time."""
    return [text for grouping in groupings for endpoint in WORDS if (text := told(found, grouping, endpoint))]


def write_report(
    found: Compared, groupings: Sequence[Grouping], horizon: float, confidence: float, folder: Path
) -> None:
    """Write the figures, and the sections of the report: groups, curves, tests, survival at months."""
    pictures = write_figures(found, groupings, confidence, folder)
    links = [name for stem, _ in pictures for name in files_of(stem)]
    first = [followed_text(found.medians), f"Follow-up is cut at {horizon:g} months."]
    names = [f"{row.endpoint.upper()}, {row.grouping}: {row.group}" for row in found.medians.itertuples()]
    write_section(
        folder / "survival_mqc.json",
        "Survival by group",
        " ".join([*first, *sentences(found, groupings[:1])]),
        "table",
        shown(found.medians, OF_GROUPS, names),
        settings={"id": "survival_groups_table", "col1_header": "endpoint and group"},
        table="medians.tsv",
        statuses=found.medians.status,
        links=["medians.tsv", "km.tsv", *links],
        dois=DOIS,
        findings=finding(found, groupings),
        answers={"patients": [answer(found, groupings)]},
    )
    write_pictures(folder / "survival_figures_mqc.json", pictures, links)
    write_curves(folder / "survival_steps_mqc.json", found.km, groupings)
    words = ["Log-rank tests, hazard ratios of Cox's model, and whether hazards are proportional."]
    if len(groupings) > 1:
        words += sentences(found, groupings[1:])
        words.append("The p-values are not adjusted for the number of groupings.")
    names = [
        f"{row.endpoint.upper()}, {row.grouping}: {row.test.replace('_', ' ')}"
        + (f", {row.group} / {row.reference}" if pd.notna(row.group) else "")
        for row in found.tests.itertuples()
    ]
    write_section(
        folder / "survival_tests_mqc.json",
        "Tests of survival",
        " ".join(words),
        "table",
        shown(found.tests, OF_TESTS, names),
        settings={"id": "survival_tests_table", "col1_header": "test"},
        table="tests.tsv",
        statuses=found.tests.status,
        links=["tests.tsv"],
        dois=DOIS,
    )
    names = [
        f"{row.endpoint.upper()}, {row.grouping}: {row.group} at {row.time_months} months"
        for row in found.times.itertuples()
    ]
    write_section(
        folder / "survival_times_mqc.json",
        "Survival at fixed times",
        "The share that survives, by Kaplan-Meier; beyond the last patient's follow-up it is not known.",
        "table",
        shown(found.times, OF_TIMES, names),
        settings={"id": "survival_times_table", "col1_header": "endpoint, group and time"},
        table="times.tsv",
        statuses=found.times.status,
        links=["times.tsv"],
    )


def write_pictures(path: Path, pictures: Sequence[tuple[str, str]], links: Sequence[str]) -> None:
    """Write the section with the figures, as many as the report can hold."""
    html, left = shown_together([picture for _, picture in pictures])
    words = "Kaplan-Meier curves with intervals; ticks are censored patients, below is who is still at risk."
    write_section(path, "Survival curves", words + left, "html", html, links=links)


def write_curves(path: Path, km: pd.DataFrame, groupings: Sequence[Grouping]) -> None:
    """Write the section with the curves, an endpoint and grouping at a time."""
    datasets, labels, colours = [], [], {}
    for grouping in groupings:
        for endpoint, title in TITLES.items():
            own = km[(km.grouping == grouping.name) & (km.endpoint == endpoint)]
            if own.empty:
                continue
            names = {group: named(grouping.name, group) for group in grouping.order}
            datasets.append(
                {names[group]: as_steps(rows) for group, rows in own.groupby("group", sort=False)}
            )
            labels.append({"name": f"{title} by {grouping.name}", "ylab": "probability of survival"})
            given = colours_of(grouping.name, grouping.order)
            colours |= {names[group]: given[group] for group in grouping.order}
    write_section(
        path,
        "Curves to look into",
        "The same curves, to be read off: who survives how long.",
        "linegraph",
        datasets,
        settings={
            "data_labels": labels,
            "colors": colours,
            "xlab": "time (months)",
            "ylab": "probability of survival",
            "ymin": 0,
            "ymax": 1,
        },
        links=["km.tsv"],
    )
