"""Check the sheet of patients: what its columns say together, and what can be analysed of it."""

from collections.abc import Iterable, Mapping

import pandas as pd

from common.evidence import TUMOURS
from common.sheets import Problems, check_spelling, listed, meant, shown

STAINED = ("percent_weak", "percent_moderate", "percent_strong")
ENDPOINTS = ("os", "dfs")
SCORE_GROUP = "score_group"
TOTAL = 100.001  # percent: rounded shares may add up to a little more than 100


def check_stained(name: str, patients: pd.DataFrame, problems: Problems) -> None:
    """Find percentages of staining that are not all there, or add up to more than 100."""
    given = patients[list(STAINED)].dropna()
    some, every = given.ne("").any(axis=1), given.ne("").all(axis=1)
    for row in given.index[some & ~every]:
        lacking = [column for column in STAINED if not given[column][row]]
        problems.add(f"{name}, row {row}, {lacking[0]}", "nothing, with others", "all three, or none")
    sums = given[every].astype(float).sum(axis=1)
    for row, total in sums[sums > TOTAL].items():
        found = f"{total:.10g} in all"
        problems.add(f"{name}, row {row}, {', '.join(STAINED)}", found, "100 or less: each cell counts once")


def check_follow_up(name: str, patients: pd.DataFrame, problems: Problems) -> None:
    """Find events without a time, and times without an event."""
    for endpoint in ENDPOINTS:
        time = f"{endpoint}_months"
        columns = (time, f"{endpoint}_event")
        given = patients[list(columns)].dropna()
        for lacking, other in (columns, columns[::-1]):
            for row in given.index[given[lacking].eq("") & given[other].ne("")]:
                found = f"nothing, with {other} {given[other][row]}"
                expected = "the time of the event or of the last follow-up" if lacking == time else "0 or 1"
                problems.add(f"{name}, row {row}, {lacking}", found, f"{expected}, or neither")


def check_groups(name: str, patients: pd.DataFrame, groups: Iterable[str], problems: Problems) -> None:
    """Find columns to group by that the sheet lacks, or that do not separate patients."""
    for group in groups:
        if group == SCORE_GROUP:
            if SCORE_GROUP in patients:
                found, expected = "a column of this name", "another name: this one is made from the score"
                problems.add(f"{name}, row 1, {SCORE_GROUP}", found, expected)
            continue
        if group not in patients:
            known = [SCORE_GROUP, *(column for column in patients if column != "patient")]
            found = f"{shown(group)}{meant(group, known)}"
            problems.add("--survival_groups", found, f"columns of {name}: {listed(known)}")
            continue
        values = patients[group].dropna()
        check_spelling(name, values[values.ne("")].rename(group), problems)
        if values[values.ne("")].nunique() < 2:
            problems.note(name, f"{group}: one value only, so there are no groups to compare")


def check_tumours(
    names: Mapping[str, str], tables: Mapping[str, pd.DataFrame], known: Iterable[str], problems: Problems
) -> list[str]:
    """Check the lines that are tumours, called as their patient; return the conditions that these may have.

    `known` are the conditions that lines have: a patient's line in one of them is a culture, not the tumour.
    """
    if "patients" not in tables:
        return []
    patients = set(tables["patients"].patient.dropna())
    further = [condition for condition in TUMOURS if condition not in known]
    sheets = [name for name in names if {"line", "condition"} <= {*tables.get(name, pd.DataFrame())}]
    cultures = set()
    for name in sheets:
        rows = tables[name][["line", "condition"]].dropna().drop_duplicates()
        for row, line, condition in rows.itertuples(name=None):
            if condition in further and line not in patients:
                found = f"{shown(line)}{meant(line, patients)}, with condition {condition}"
                expected = f"a patient of {names['patients']}: this is a condition of patients' tumours"
                problems.add(f"{names[name]}, row {row}, line", found, expected)
            elif line in patients and condition not in TUMOURS:
                cultures.add(line)
    if cultures:
        found = f"{listed(sorted(cultures))} {'are lines' if len(cultures) > 1 else 'is a line'} as well"
        ends = " or ".join(TUMOURS)
        problems.note(names["patients"], f"{found}: scores are evidence on samples whose condition is {ends}")
    return further


def groups_of(right: Mapping) -> list[str]:
    """List what patients are grouped by."""
    return [group.strip() for group in right.get("survival_groups", "").split(",")]


def check_patients(
    names: Mapping[str, str], tables: Mapping[str, pd.DataFrame], right: Mapping, problems: Problems
) -> None:
    """Check the sheet of patients, if there is one."""
    if "patients" not in tables:
        return
    name, patients = names["patients"], tables["patients"]
    check_stained(name, patients, problems)
    check_follow_up(name, patients, problems)
    check_groups(name, patients, groups_of(right), problems)
    scored = patients.score.fillna("").ne("") | patients[list(STAINED)].fillna("").ne("").all(axis=1)
    if scored.any() and not scored.all():
        found = f"{(~scored).sum():,} of {len(patients):,} patients have no score"
        problems.note(name, f"{found}: they are in no group of it")
    both = patients.score.fillna("").ne("") & patients.percent_weak.fillna("").ne("")
    if both.any():
        problems.note(name, "score and percentages are given: the score counts, where there is one")


def of_patients(patients: pd.DataFrame, right: Mapping) -> set[str]:
    """Name what analyses need of the sheet and has values in it."""
    filled = {column for column in patients if patients[column].fillna("").ne("").any()}
    there = {f"column {column}" for column in filled & {"os_months", "dfs_months"}}
    if "score" in filled or filled.issuperset(STAINED):
        there.add("column score")
    if set(groups_of(right)) - {SCORE_GROUP}:
        there.add("another of --survival_groups")
    return there
