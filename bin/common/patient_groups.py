"""Read the patients, and the groups that they are in."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from common.cli import InputError
from common.tables import read_table

SCORE_GROUP = "score_group"
ALL = "all groups"
MOST_GROUPS = 7  # more are no groups, but a quantity; and there are no more colours
SCORED = {"patient": "str", "score": "float64", "score_group": "str", "status": "str", "reason": "str"}
CORRECTED = {
    **{"endpoint": "str", "test": "str", "statistic": "float64", "p_value": "float64"},
    **{"p_corrected": "float64", "permutations": "Int64", "cutoff_source": "str", "circular": "str"},
}
KNOWN = {
    **{"patient": "str", "score": "float64", "percent_weak": "float64", "percent_moderate": "float64"},
    **{"percent_strong": "float64", "recurrence": "Int64", "os_months": "float64", "os_event": "Int64"},
    **{"dfs_months": "float64", "dfs_event": "Int64", "recurrent_score": "float64"},
}
# A group of such a name comes first, whatever its place in the alphabet.
BASELINES = ("low", "no", "none", "never", "negative", "absent", "wild type", "wild_type", "control")


class Grouping(NamedTuple):
    """Groups by a column: the patients' groups (missing where not known) and their names in order."""

    name: str
    groups: pd.Series  # by patient
    order: list[str]


def natural(text: str) -> list[str | int]:
    """Sort names by this: numbers within them by their size."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", text)]


def in_order(names: Iterable[str]) -> list[str]:
    """Put groups in order: first one that is called low, no or the like, then by name, numbers by size."""
    return sorted(set(names), key=lambda name: (name.casefold() not in BASELINES, natural(name)))


def read_patients(path: Path) -> pd.DataFrame:
    """Read patients.tsv: the columns with a meaning as numbers, all further ones as text; indexed by patient.

    A column that the sheet lacks is there, and missing throughout.
    """
    header = pd.read_csv(path, sep="\t", nrows=0).columns
    given = {column: kind for column, kind in KNOWN.items() if column in header or column == "patient"}
    table = read_table(path, given, further=True)
    for column in KNOWN.keys() - given.keys():
        table[column] = pd.Series(None, index=table.index, dtype=KNOWN[column])
    return table.set_index("patient", drop=False)


def read_scores(folder: Path) -> pd.DataFrame | None:
    """Read groups.tsv of biomarker_cutoff, indexed by patient; None without it."""
    path = folder / "groups.tsv"
    return read_table(path, SCORED).set_index("patient", drop=False) if path.is_file() else None


def read_corrected(folder: Path) -> pd.DataFrame:
    """Read corrected.tsv of biomarker_cutoff; without it there are no rows."""
    path = folder / "corrected.tsv"
    if not path.is_file():
        return pd.DataFrame(columns=list(CORRECTED)).astype(CORRECTED)
    return read_table(path, CORRECTED)


def groupings_of(patients: pd.DataFrame, scores: pd.DataFrame | None, named: str) -> list[Grouping]:
    """Find the groups of patients by each of the named columns (comma-separated), `score_group` first.

    Without scores, and by a column without values, there are no groups. No such column is an InputError.
    """
    names = list(dict.fromkeys(name.strip() for name in named.split(",") if name.strip()))
    names.sort(key=lambda name: name != SCORE_GROUP)
    made = []
    for name in names:
        if name == SCORE_GROUP:
            known = pd.Series(dtype="str") if scores is None else scores.score_group
            groups = known.reindex(patients.index)
        elif name in patients:
            groups = patients[name].astype("str").where(patients[name].notna())
        else:
            columns = ", ".join([SCORE_GROUP, *(column for column in patients if column != "patient")])
            raise InputError(f"patients.tsv: --survival-groups: no column {name} (expected one of {columns})")
        made.append(Grouping(name, groups.astype(object), in_order(groups.dropna())))
    return made


def file_stems(groupings: Sequence[Grouping]) -> list[str]:
    """Name a file by each grouping: letters, digits, dot, hyphen and underscore; no name twice."""
    stems: list[str] = []
    for grouping in groupings:
        plain = re.sub(r"[^\w.-]+", "_", grouping.name, flags=re.ASCII).strip("._") or "groups"
        number, stem = 1, plain
        while stem in stems:
            number += 1
            stem = f"{plain}_{number}"
        stems.append(stem)
    return stems
