"""The tables of group_comparison: what it reads and the columns that it writes."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from common.tables import read_table

KEYS = ["line", "condition", "role", "replicate"]
SHEET = dict.fromkeys(["assay", *KEYS, "treatment", "treatment_unit", "call"], "str")
SHEET |= dict.fromkeys(["value", "normaliser", "treatment_dose"], "float64")
MEASUREMENTS = SHEET | {"flag": "str"}  # what relative_quantity says of a quantity, if it is not ok
QUANTITIES = dict.fromkeys(["gene", *KEYS, "housekeeping", "status"], "str")
QUANTITIES |= {"quantity_to_housekeeping": "float64"}
LEVEL = ["treatment", "treatment_dose", "treatment_unit"]
GROUP = ["assay", "line", "condition", "role", *LEVEL]
GROUP_COLUMNS = [
    *(*GROUP, "n", "measurements", "mean", "sem", "sd", "relative_mean", "relative_sem", "reference_group"),
    *("call", "calls", "call_agreement", "status", "reason"),
]
TEST_COLUMNS = [
    *("assay", "line", "comparison", "group_1", "group_2", "condition_1", "condition_2", *LEVEL),
    *("test", "statistic", "df", "p_value", "p_adjusted", "adjust_method", "family", "stars"),
    *("ratio", "ratio_low", "ratio_high", "ratio_method", "n_1", "n_2", "status", "reason"),
]
REPLICATE_COLUMNS = [*GROUP, "reference_group", "replicate", "value", "relative_value"]

STARS = {0.001: "***", 0.01: "**", 0.05: "*"}


def joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Put tables below each other, whichever of their columns are empty."""
    return pd.DataFrame([row for table in tables for row in table.to_dict("records")], columns=list(columns))


class Group(NamedTuple):
    """A group: its place (GROUP's columns), the values of its replicates by name, and its description."""

    place: dict[str, object]
    replicates: pd.Series
    found: dict[str, object]

    @property
    def cells(self) -> str:
        """Name the line and condition as a parameter does: line.condition."""
        return f"{self.place['line']}.{self.place['condition']}"

    @property
    def level(self) -> tuple[str, float]:
        """Return treatment and dose; a treatment without dose has dose -1, none at all has 0."""
        treatment, dose = self.place["treatment"], self.place["treatment_dose"]
        return (treatment, -1.0 if np.isnan(dose) else dose) if treatment else ("", 0.0)

    @property
    def treated(self) -> bool:
        """Whether cells were treated, with more than dose 0."""
        return bool(self.level[0]) and self.level[1] != 0

    @property
    def label(self) -> str:
        """Name the group in a table: `HSC-2.parental cisplatin 5 ug/mL`."""
        treatment, dose, unit = (self.place[column] for column in LEVEL)
        words = [self.cells, treatment, "" if np.isnan(dose) else f"{dose:g}", unit]
        return " ".join(word for word in words if isinstance(word, str) and word)


def in_words(words: pd.Series, what: str) -> str:
    """Count the measurements that something is said of: `1 of 3 rows left out: no_value`."""
    counts = words[words.notna() & (words != "")].value_counts(sort=False)
    return ", ".join(f"{count} of {len(words)} rows {what}: {word}" for word, count in counts.items())


def stars_of(p: float) -> str:
    """Turn an adjusted p-value into stars; a missing one into nothing."""
    if np.isnan(p):
        return ""
    return next((stars for limit, stars in STARS.items() if p < limit), "ns")


def untreated(groups: Sequence[Group]) -> Group | None:
    """Return, of a line and condition's groups, that without treatment, else that at the lowest dose."""
    return min(groups, key=lambda group: (group.level[0] != "", max(group.level[1], 0)), default=None)


def reference_of(groups: Sequence[Group], line: str, named: str) -> Group | None:
    """Return the group that a line's means are shown relative to: the named one, else its own untreated."""
    own = [each for each in groups if each.place["line"] == line and each.place["role"] == "reference"]
    return untreated([each for each in groups if each.cells == named] or own)


def list_replicates(groups: Sequence[Group], named: str) -> pd.DataFrame:
    """List the replicates of an assay, relative to the same constants as the means."""
    rows = []
    for group in groups:
        reference = reference_of(groups, group.place["line"], named)
        constant = reference.found["mean"] if reference else np.nan
        row = group.place | {"reference_group": reference.label if constant > 0 else None}
        for replicate, value in group.replicates.items():
            relative = value / constant if constant > 0 else np.nan
            rows.append(row | {"replicate": replicate, "value": value, "relative_value": relative})
    return pd.DataFrame(rows, columns=REPLICATE_COLUMNS)


def read_measurements(assays: Path, quantities: Path) -> pd.DataFrame:
    """Read what was measured, and what PCR quantified, as one sheet."""
    tables = []
    if (assays / "assays.tsv").is_file():
        tables.append(read_table(assays / "assays.tsv", SHEET))
    if (quantities / "quantities.tsv").is_file():
        table = read_table(quantities / "quantities.tsv", QUANTITIES)
        housekeeping = {gene for cell in table.housekeeping.dropna() for gene in re.split("[,;] ?", cell)}
        table = table[~table.gene.isin(housekeeping)]
        table = table.assign(assay="qpcr_" + table.gene, value=table.quantity_to_housekeeping)
        tables.append(table.assign(flag=table.status.mask(table.status == "ok")))
    rows = joined(tables, MEASUREMENTS)
    return rows.astype({column: dtype for column, dtype in SHEET.items() if dtype != "str"})
